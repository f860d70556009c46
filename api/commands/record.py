"""`voicetodo record | transcribe`: a recording, and what is said in it."""

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID, uuid4, uuid5

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.commands import asking, jobs, moments, uploading
from api.commands.client import Client
from api.commands.options import WAITS, Api, Json, answer, connect
from api.commands.say import Language, Session, Yes
from api.commands.words import parsed, short, when
from core.errors import NotFound, Rejected

CAPTURES: Final = UUID("6f2f3a0e-54d1-5f0c-9a53-2f6e3c1f7a10")  # ids of recordings, by their bytes
WORDS_IN_A_CUE: Final = 8
LOOKED_AT: Final = 100  # of the latest recordings, for the one that is sent again
STDIN: Final = "-"
STAGES: Final = {
    "listening": "listening: does somebody speak?",
    "transcribing": "transcribing",
    "understanding": "understanding",
}
Source = Annotated[
    str, typer.Argument(help="A recording: webm, m4a, ogg, wav, mp3, flac …", metavar="FILE|-")
]
Again = Annotated[
    bool, typer.Option("--again", help="As a new recording, though the same was sent before.")
]


def record(
    source: Source,
    *,
    language: Language = None,
    session: Session = None,
    again: Again = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return as soon as it is safely kept.")
    ] = False,
    yes: Yes = False,
    api: Api = None,
    as_json: Json = False,
) -> int:
    """Send a recording, and do what is said in it; what is not sure is asked back.

    Once it arrived it is kept: without a transcriber it waits, and goes on by itself. The same
    file again is the same recording: nothing is done twice, and a broken transfer goes on.
    """
    with connect(api) as client:
        job, new = _sent(client, source, language=language, session=session, again=again)
        memo_id = job["result"]["memo_id"]
        if no_wait:
            told = f"Kept as {short(memo_id)}: `voicetodo transcribe {short(memo_id)}` shows it."
            answer(job, told, as_json=as_json)
            return 0
        memo = _watched(client, job)
        if not new and (redone := _anew(client, memo, language)):
            memo, new = _watched(client, redone), True
        code = _ended(memo, as_json=as_json)
        if code is not None:
            return code
        result = memo["result"]
        if not as_json:
            before = "" if new else f" Sent {_ago(client, memo)}."
            answer(None, Text(f"“{memo['transcript']}”", "bold"), _by(memo, before), as_json=False)
        return asking.conclude(client, result, yes=yes, as_json=as_json, again=not new)


def transcribe(
    source: Annotated[
        str, typer.Argument(help="A file, or the id of a recording.", metavar="FILE|ID")
    ],
    *,
    words: Annotated[bool, typer.Option("--words", help="Each word with its time.")] = False,
    vtt: Annotated[bool, typer.Option("--vtt", help="As WebVTT, for subtitles.")] = False,
    language: Language = None,
    api: Api = None,
    as_json: Json = False,
) -> int:
    """Show the words of a recording.

    A file that was not sent before is sent, as by `record`: what it says is done, or waits for
    an answer (`voicetodo answer`).
    """
    if words and vtt:
        raise typer.BadParameter("give one of --words and --vtt")
    with connect(api) as client:
        if source != STDIN and not Path(source).exists():
            memo = client.get(f"/voice/memos/{memo_id_of(client, source)}")
            job = client.get(f"/jobs/{memo['job_id']}")
        else:
            job, _ = _sent(client, source, language=language)
        memo = _watched(client, job)
        code = _ended(memo, as_json=as_json)
        if code is not None:
            return code
        if as_json:
            answer(memo, as_json=True)
        elif vtt:
            sys.stdout.write(webvtt(memo))
        else:
            answer(None, Text(memo["transcript"]), as_json=False)
            answer(None, _timed(memo) if words else _by(memo), as_json=False)
            if memo["status"] == "needs_confirmation":
                asks = f"[dim]It asks: {escape(memo['result']['question'] or '')} "
                reply = f"`voicetodo answer {short(memo['id'])} …`"
                answer(None, asks + reply, as_json=False)
    return 0


def memo_id_of(client: Client, given: str) -> str:
    """From a full id or the end of one."""
    for each in client.pages("/voice/memos", limit=100):
        if given == each["id"] or given.lower() == short(each["id"]):
            return str(each["id"])
    raise NotFound(f"there is no file {given!r}, and no recording of yours with such an id")


def webvtt(memo: dict[str, Any]) -> str:
    """W3C WebVTT; one cue for all where the transcriber tells no times."""
    words = memo["words"]
    if not words:
        whole = {"text": memo["transcript"], "start": 0.0, "end": memo["duration_s"] or 0.0}
        words = [whole]
    blocks = ["WEBVTT\n"]
    for at in range(0, len(words), WORDS_IN_A_CUE):
        cue = words[at : at + WORDS_IN_A_CUE]
        text = " ".join(each["text"] for each in cue)
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{_clock(cue[0]['start'])} --> {_clock(cue[-1]['end'])}\n{text}\n")
    return "\n".join(blocks)


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _sent(
    client: Client,
    source: str,
    *,
    language: str | None,
    session: str | None = None,
    again: bool = False,
) -> tuple[dict[str, Any], bool]:
    """Its job, and whether that is new: not one of the same bytes that is over already."""
    audio = _read(source)
    digest = hashlib.sha256(audio).hexdigest()
    if not again and (known := _known(client, digest)):
        return known, known["status"] not in jobs.OVER
    capture = uuid4() if again else uuid5(CAPTURES, digest)
    about = {"capture_id": str(capture), "sha256": digest}
    about |= {"language": language} if language else {}
    about |= {"session_id": session} if session else {}
    job = uploading.send(client, audio, about)
    return job, job["status"] not in jobs.OVER


def _known(client: Client, digest: str) -> dict[str, Any] | None:
    """The job of the same recording, sent from here or elsewhere: not worth sending it again."""
    for each in client.get("/voice/memos", limit=LOOKED_AT)["data"]:
        if each["sha256"] == digest:
            job: dict[str, Any] = client.get(f"/jobs/{each['job_id']}")
            return job
    return None


def _read(source: str) -> bytes:
    """All of it: 25 MiB at most, of which the hash goes ahead."""
    try:
        if source == STDIN:
            if sys.stdin.isatty():
                raise typer.BadParameter("`-` reads a recording from a pipe: arecord … | voicetodo")
            audio = sys.stdin.buffer.read(uploading.MOST + 1)
        else:
            with Path(source).open("rb") as file:
                audio = file.read(uploading.MOST + 1)
    except OSError as error:
        raise typer.BadParameter(f"{source} cannot be read: {error.strerror}") from error
    if not audio:
        raise typer.BadParameter(f"{source} is empty")
    if len(audio) > uploading.MOST:
        raise typer.BadParameter(f"{source} is too large: at most {uploading.MOST >> 20} MiB")
    return audio


def _watched(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    """The memo, once its work is over or waits for somebody outside."""
    waiting = frozenset({jobs.WAITING})
    try:
        jobs.watch(client, job, "working on it", _stage, also=waiting)
    except KeyboardInterrupt:
        kept = short(job["result"]["memo_id"])
        told = f"It is kept as {kept} and goes on: `voicetodo transcribe {kept}` looks again."
        Console(stderr=True, highlight=False, soft_wrap=True).print(told)
        raise
    memo: dict[str, Any] = client.get(f"/voice/memos/{job['result']['memo_id']}")
    return memo


def _stage(job: dict[str, Any]) -> str:
    stage: str = job["result"].get("stage") or job["status"]
    return STAGES.get(stage, stage)


def _anew(client: Client, memo: dict[str, Any], language: str | None) -> dict[str, Any] | None:
    """A new job for one that was over: heard in another language, or its question has expired."""
    body: dict[str, Any] | None = None
    if language and memo["status"] != "deleted" and memo["language"] != language:
        body = {"language": language}
    elif memo["status"] == "needs_confirmation":
        asked = client.get(f"/voice/commands/{memo['result']['id']}")["command"]
        if asked["expires_at"] and parsed(asked["expires_at"]) <= datetime.now(UTC):
            body = {}
    if body is None:
        return None
    path = f"/voice/memos/{memo['id']}/reprocess"
    job: dict[str, Any] = client.send("POST", path, body, undoable=False).body
    return job


def _ended(memo: dict[str, Any], *, as_json: bool) -> int | None:
    """The exit code where there are no words of it. Null: there are."""
    if memo["status"] in {"done", "needs_confirmation"}:
        return None
    kept = f" It is kept as {short(memo['id'])}." if memo["has_audio"] else ""
    waits = memo["status"] == "waiting"
    if memo["status"] == "deleted":
        problem = "this recording was deleted; --again sends it as a new one"
    else:
        problem = f"{memo['problem'] or memo['status']}.{kept}"
    if as_json:
        answer(memo, as_json=True)
    elif waits:
        looks = f"It goes on by itself; `voicetodo transcribe {short(memo['id'])}` looks again."
        told = f"[yellow]It waits:[/] {escape(memo['problem'])}. [dim]{looks}"
        answer(None, told, as_json=False)
    else:
        raise Rejected(problem[0].upper() + problem[1:])
    return WAITS if waits else 1


def _by(memo: dict[str, Any], more: str = "") -> Text:
    """Who heard it, how well, and in what language."""
    told = [f"heard by {memo['transcriber']}" if memo["transcriber"] else "heard"]
    told += [memo["language"]] if memo["language"] else []
    told += [f"{memo['duration_s']:.1f} s"] if memo["duration_s"] else []
    told += [f"{memo['stt_confidence']:.0%} sure"] if memo["stt_confidence"] is not None else []
    told += ["demo quality: everything is asked first"] if memo["quality"] == "demo" else []
    return Text(f"{', '.join(told)}.{more}", "dim")


def _timed(memo: dict[str, Any]) -> Table | Text:
    if not memo["words"]:
        return Text(f"{memo['transcriber']} tells no times of words.", "dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("from", "to", "sure"):
        table.add_column(name, justify="right", style="dim")
    table.add_column("word")
    for each in memo["words"]:
        sure = "" if each["confidence"] is None else f"{each['confidence']:.0%}"
        table.add_row(f"{each['start']:.2f}", f"{each['end']:.2f}", sure, Text(each["text"]))
    return table


def _ago(client: Client, memo: dict[str, Any]) -> str:
    zone = moments.zone_of(client)
    return when(parsed(memo["created_at"]), now=datetime.now(UTC), zone=zone)
