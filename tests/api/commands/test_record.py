"""`voicetodo record | transcribe`, with somebody beside who works on recordings, and breaks."""

import io
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.memos import Memos, Next
from activities.transcriptions import Transcriptions
from api.main import create_app
from core import keys
from core.db import Database
from core.messages import JobMessage, TranscriptionMessage
from core.settings import Settings
from integrations.audio import recordings
from integrations.sandbox.app import create_app as create_sandbox
from integrations.transcription import registry as transcribers
from tests import plain
from tests.beside import CarryOut, working
from tests.commanding import Run
from tests.memos import MILK, Said
from tests.recordings import FOLDER
from tests.serving import serve
from tests.settings import unlimited
from tests.voicing import noise
from workflows import registry

MILK_FILE = str(FOLDER / "milk.webm")


@pytest.fixture(scope="module")
def said() -> Iterator[Said]:
    with (
        serve(create_sandbox(Settings(_env_file=None))) as url,
        plain.client(url) as http,
    ):
        yield Said(http)


@pytest.fixture(scope="module")
def settings(database_url: str, said: Said) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        yield unlimited(
            database_url,
            Path(folder),
            transcribers="openai",
            openai_transcription_url=f"{said.url}/openai/v1",
        )


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[str]:
    with serve(create_app(settings)) as url:
        yield url


@pytest.fixture
def agreed(alice: Run) -> Run:
    assert alice("voice", "consent", "--give", "transcription").code == 0
    return alice


@pytest.fixture
def worker(settings: Settings, database_url: str) -> Iterator[None]:
    """The steps of the workflow, in its order, of each recording that is new."""

    @asynccontextmanager
    async def part(database: Database) -> AsyncIterator[CarryOut]:
        async with recordings.opened(1) as decoder, transcribers.opened(settings) as providers:
            voice = registry.voice(settings, keys.load(settings), decoder, providers)
            steps = Memos(database, voice.audio, voice.transcribers, voice.using)
            asking = Transcriptions(database, voice.audio, voice.transcribers)
            run = ActivityEnvironment().run

            async def carry_out(_: str, message: JobMessage) -> None:
                chosen: Next = (await run(steps.listen, message)).next
                if chosen.ending is None and chosen.provider is not None:
                    asked = TranscriptionMessage(message, chosen.provider)
                    try:
                        await run(asking.transcribe, asked)
                    except ApplicationError:  # Temporal would try it again, and then the next one
                        await run(steps.choose, asked)
                    else:
                        await run(steps.understand, message)

            yield carry_out

    with working(database_url, ["voice_memo"], part):
        yield


def titles(run: Run) -> list[str]:
    return [todo["title"] for todo in run("list", "--json").document["data"]]


def memos(run: Run) -> int:
    return len(run("voice", "recordings", "--json").document["data"])


@pytest.mark.usefixtures("worker")
def test_a_recording_is_heard_done_and_the_same_again_is_the_same(agreed: Run, said: Said) -> None:
    said.script(MILK, language="en")
    heard = agreed("record", MILK_FILE)
    assert heard.code == 0, heard.err
    shown = heard.out.splitlines()
    assert shown[0] == f"“{MILK}”"
    assert shown[1].startswith("heard by openai")
    assert shown[2:] == ["✔ Added “buy some milk”: due tomorrow", "`voicetodo undo` takes it back."]
    assert heard.err == ""  # no bar without a terminal
    again = agreed("record", MILK_FILE)
    assert (again.code, "Sent " in again.out) == (0, True)
    assert (titles(agreed), memos(agreed)) == (["buy some milk"], 1)
    assert agreed("undo").code == 0
    assert titles(agreed) == []
    [memo] = agreed("voice", "recordings", "--json").document["data"]
    end = memo["id"].replace("-", "")[-8:]
    assert agreed("transcribe", end).out.splitlines()[0] == MILK
    assert agreed("transcribe", MILK_FILE, "--json").document["id"] == memo["id"]
    subtitles = agreed("transcribe", end, "--vtt").out
    assert subtitles.startswith("WEBVTT\n\n00:00:0")
    assert MILK in subtitles
    assert agreed("transcribe", end, "--vtt", "--words").code == 2
    assert agreed("voice", "forget", end).code == 0
    assert memos(agreed) == 0
    deleted = agreed("record", MILK_FILE)
    assert (deleted.code, "--again" in deleted.err) == (1, True)
    said.script("good morning", language="en")
    anew = agreed("record", MILK_FILE, "--again")
    assert (anew.code, "nothing to do" in anew.out) == (0, True)


@pytest.mark.usefixtures("worker")
def test_what_is_not_sure_is_asked(agreed: Run, said: Said) -> None:
    said.script("milk", language="en")
    asked = agreed("record", MILK_FILE)
    assert (asked.code, "Add “milk”?" in asked.out) == (4, True)
    assert (agreed("answer", "yes").code, titles(agreed)) == (0, ["milk"])


@pytest.mark.usefixtures("worker")
def test_silence_and_what_is_no_recording(
    agreed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = FOLDER / "silence.ogg"
    piped = SimpleNamespace(buffer=io.BytesIO(silence.read_bytes()), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", piped)
    heard = agreed("record", "-")
    assert (heard.code, heard.out) == (1, "")
    assert heard.err.startswith("Nobody was heard in it. It is kept as ")
    as_json = agreed("record", str(silence), "--json")
    assert (as_json.code, as_json.document["status"]) == (1, "no_speech")
    text = tmp_path / "text.txt"
    text.write_text("good morning" * 10)
    assert (agreed("record", str(text)).code, memos(agreed)) == (1, 1)
    for wrong in (tmp_path, tmp_path / "nothing"):
        assert agreed("record", str(wrong)).code == 2
    (tmp_path / "empty").touch()
    assert agreed("record", str(tmp_path / "empty")).code == 2
    assert agreed("transcribe", "ffffffff").code == 1


@pytest.mark.usefixtures("worker")
def test_it_waits_where_nobody_transcribes(agreed: Run, said: Said) -> None:
    said.fault(status=503)
    waits = agreed("record", MILK_FILE)
    assert (waits.code, waits.out.startswith("It waits: no transcriber answers")) == (4, True)
    assert agreed("record", MILK_FILE, "--json").document["status"] == "waiting"


def test_without_consent_nothing_is_sent(alice: Run) -> None:
    refused = alice("record", MILK_FILE)
    assert (refused.code, "voicetodo voice consent --give" in refused.err) == (1, True)
    assert memos(alice) == 0


def test_is_kept_without_waiting_for_anything(agreed: Run) -> None:
    kept = agreed("record", MILK_FILE, "--no-wait")
    assert (kept.code, kept.out.startswith("Kept as ")) == (0, True)
    assert memos(agreed) == 1


class Breaking:
    """Between the command and the server: ends the first connections after so many bytes."""

    def __init__(self, server: str, *, breaks: int, after: int) -> None:
        host, port = server.removeprefix("http://").split(":")
        self._server = (host, int(port))
        self.left, self._after = breaks, after
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._server) as far:
            back = threading.Thread(target=self._pass, args=(far, near), daemon=True)
            back.start()
            self._count(near, far)
            back.join()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)

    def _count(self, source: socket.socket, target: socket.socket) -> None:
        seen = 0
        with suppress(OSError):
            while piece := source.recv(65536):
                seen += len(piece)
                target.sendall(piece)
                if seen > self._after and self.left:
                    self.left -= 1
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_goes_on_where_the_network_broke(
    agreed: Run, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "long.wav"
    whole.write_bytes(noise(3_000_000))
    between = Breaking(api, breaks=2, after=900_000)
    credentials = tmp_path / "voicetodo" / "credentials.json"
    credentials.write_text(credentials.read_text().replace(api, between.url))
    monkeypatch.setenv("VOICETODO_API_URL", between.url)
    kept = agreed("record", str(whole), "--no-wait", "--json")
    assert kept.code == 0, kept.err
    assert between.left == 0
    assert memos(agreed) == 1
    between.close()


def test_how_long_audio_is_kept_is_ones_own_choice(alice: Run) -> None:
    assert "whoever runs this service chose" in alice("voice", "keep-audio").out
    assert alice("voice", "keep-audio", "7", "--json").document == {"audio_retention_days": 7}
    assert "7 days" in alice("voice", "keep-audio").out
    assert "as soon as it is text" in alice("voice", "keep-audio", "0").out
    default = alice("voice", "keep-audio", "default", "--json")
    assert default.document == {"audio_retention_days": None}
    refused = alice("voice", "keep-audio", "soon")
    assert (refused.code, "or `default`" in refused.err) == (2, True)
