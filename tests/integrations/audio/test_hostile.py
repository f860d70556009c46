"""What an upload may not do: reach out, fill the memory, hang, or end us."""

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from core.errors import Invalid
from integrations.audio.decoding import OPTIONS
from integrations.audio.formats import SNIFFED, sniff
from integrations.audio.recordings import Recordings
from tests.patience import PATIENCE_S
from tests.recordings import bomb, recording

REFUSED = {"not_audio", "no_audio", "too_long", "undecodable", "too_hard"}


@pytest.fixture(scope="module")
def lured() -> Iterator[tuple[int, list[object]]]:
    """A port that notes who calls."""
    callers: list[object] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, caller = listener.accept()
            except OSError:
                return
            callers.append(caller)
            connection.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    port: int = listener.getsockname()[1]
    yield port, callers
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(PATIENCE_S)


def lures(port: int, secret: Path) -> dict[str, bytes]:
    """Files that FFmpeg, left to itself, follows to an address or to another file."""
    at = f"http://127.0.0.1:{port}"
    sdp = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio {port} TCP 0\n"
    m3u8 = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
    mpd = f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{at}/</BaseURL></MPD>'
    return {
        "sdp": sdp.encode(),
        "m3u8 http": m3u8.format(f"{at}/a.ts").encode(),
        "m3u8 file": m3u8.format(f"file://{secret}").encode(),
        "concat": f"ffconcat version 1.0\nfile '{secret}'\nfile '{at}/a.wav'\n".encode(),
        "dash": mpd.encode(),
        "pls": f"[playlist]\nFile1={at}/a.mp3\n".encode(),
        "rtsp": f"rtsp://127.0.0.1:{port}/a".encode(),
        "ram": f"rtmp://127.0.0.1:{port}/a".encode(),
    }


LURES = list(lures(1, Path("x")))


@pytest.mark.parametrize("lure", LURES)
@pytest.mark.parametrize("disguise", ["", "wav", "ogg", "webm", "mp3", "m4a"])
async def test_nothing_is_followed_to_where_it_points(
    recordings: Recordings,
    lured: tuple[int, list[object]],
    tmp_path: Path,
    lure: str,
    disguise: str,
) -> None:
    """A disguise has the beginning that the magic bytes are looked for in."""
    port, callers = lured
    secret = tmp_path / "secret.wav"
    secret.write_bytes(recording("milk.wav"))
    head = recording(f"milk.{disguise}")[:48] if disguise else b""
    data = head + lures(port, secret)[lure]
    try:
        decoded = await recordings.decode(data, max_seconds=120)
    except Invalid as error:
        assert error.code in (REFUSED if disguise else {"not_audio"})  # noqa: PT017 - either is right
    else:
        assert disguise == "wav", "whose samples are any bytes at all"
        assert len(decoded.speech.pcm) <= len(data)
    assert callers == []


def test_the_lures_would_be_followed(lured: tuple[int, list[object]], tmp_path: Path) -> None:
    """Else the test above says nothing."""
    port, callers = lured
    path = tmp_path / "list.m3u8"
    path.write_bytes(lures(port, tmp_path)["m3u8 http"])
    with pytest.raises((av.FFmpegError, OSError)):
        av.open(str(path), options={"protocol_whitelist": "file,http,tcp"}, timeout=PATIENCE_S)
    waited_until = time.monotonic() + PATIENCE_S
    while not callers and time.monotonic() < waited_until:
        time.sleep(0.01)
    assert callers
    callers.clear()


@pytest.mark.parametrize("name", ["milk.wav", "milk.ogg", "milk.flac", "milk.m4a"])
async def test_what_is_glued_to_a_recording_is_not_run(
    recordings: Recordings, lured: tuple[int, list[object]], tmp_path: Path, name: str
) -> None:
    port, callers = lured
    for tail in lures(port, tmp_path).values():
        glued = recording(name) + tail
        try:
            decoded = await recordings.decode(glued, max_seconds=120)
        except Invalid as error:
            assert error.code in REFUSED  # noqa: PT017 - either is right
        else:
            assert decoded.speech.seconds < 3
    assert callers == []


@pytest.mark.parametrize(
    "data", [b"", b"R", b"RIFF", b"\x00" * 100, b"\xff" * 100, b"ID3", b"OggS"]
)
async def test_beginnings_alone_are_refused(recordings: Recordings, data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        await recordings.decode(data, max_seconds=120)
    assert caught.value.code in REFUSED


@pytest.mark.parametrize(
    "head",
    [b"#EXTM3U\n", b"v=0\r\n", b"ffconcat", b"<?xml", b"\x00\x00\x01\xba", b"GIF89a", b"%PDF"],
)
def test_only_what_is_decoded_is_recognised(head: bytes) -> None:
    assert sniff(head.ljust(SNIFFED, b" ")) is None


@pytest.mark.parametrize(
    ("codec", "container", "hours"), [("libopus", "webm", 10), ("flac", "flac", 10)]
)
async def test_hours_of_silence_are_refused_at_once(
    recordings: Recordings, codec: str, container: str, hours: int
) -> None:
    data = bomb(codec, container, hours=hours)
    assert len(data) < 25 * 1024 * 1024
    began = time.perf_counter()
    with pytest.raises(Invalid) as caught:
        await recordings.decode(data, max_seconds=120)
    assert caught.value.code == "too_long"
    assert time.perf_counter() - began < 60  # reading it all takes minutes


async def test_a_second_that_becomes_thousands_is_refused(recordings: Recordings) -> None:
    """At 1 Hz each sample is a second, and resampled sixteen thousand."""
    body = bytes(20_000_000)
    form = struct.pack("<HHIIHH", 1, 1, 1, 1, 1, 8)  # one channel of 8 bits at 1 Hz
    head = b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + struct.pack("<I", len(form))
    head += form + b"data" + struct.pack("<I", len(body))
    with pytest.raises(Invalid) as caught:
        await recordings.decode(head + body, max_seconds=120)
    assert caught.value.code in ("too_long", "undecodable")


@pytest.mark.parametrize(
    "name", ["milk.webm", "milk.ogg", "milk.m4a", "milk-fragmented.mp4", "milk.flac", "milk.mp3"]
)
async def test_damage_anywhere_is_refused_or_decoded(recordings: Recordings, name: str) -> None:
    """Eighty variants of each: changed, dropped, doubled bytes; most in the head."""
    chance = random.Random(name)  # noqa: S311 - the same ones each time
    original = recording(name)
    ends = {"decoded": 0, "refused": 0}
    for _ in range(80):
        data = bytearray(original)
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(min(len(data), 400) if chance.random() < 0.7 else len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 8)]
                case _:
                    data[at:at] = data[at : at + chance.randint(1, 64)]
        try:
            decoded = await recordings.decode(bytes(data), max_seconds=10)
        except Invalid as error:
            assert error.code in REFUSED  # noqa: PT017 - either is right
            ends["refused"] += 1
        else:
            assert decoded.speech.seconds <= 11
            ends["decoded"] += 1
    assert ends["decoded"]
    again = await recordings.decode(original, max_seconds=10)
    assert again.speech.seconds == pytest.approx(1.8, abs=0.12)


def test_ffmpeg_is_told_what_it_may_open() -> None:
    listed = "matroska,webm,mov,mp4,ogg,wav,mp3,flac,aac,aiff"
    assert OPTIONS["format_whitelist"] == listed
    assert OPTIONS["protocol_whitelist"] == "none"
