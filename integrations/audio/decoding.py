"""From a file's bytes to samples. Runs in a process of `child`, never in ours."""

from collections.abc import Iterator
from io import BytesIO
from typing import Final, NoReturn

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from integrations.audio.child import Refused
from integrations.audio.formats import DEMUXERS, SNIFFED, Format, sniff
from integrations.audio.sound import RATE, Doubt

# What browsers and phones record with. Pictures in the same file are never opened.
CODECS: Final = frozenset(
    {
        *("opus", "libopus", "vorbis", "aac", "mp3", "mp3float", "flac", "alac"),
        *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
        *("pcm_u8", "pcm_s8", "pcm_f32le", "pcm_f32be", "pcm_alaw", "pcm_mulaw"),
    }
)
OPTIONS: Final = {
    "format_whitelist": "matroska,webm,mov,mp4,ogg,wav,mp3,flac,aac,aiff",
    "codec_whitelist": ",".join(sorted(CODECS)),
    "protocol_whitelist": "none",
}
TIMEOUT_S: Final = 10.0  # of FFmpeg's own; what it does not notice ends with the CPU time
LATE_S: Final = 1.0  # recorders that are told to stop at the limit stop a moment after it
MISSING_S: Final = 0.5  # less than it says to be: encoders round

TARGET_RMS: Final = 32768 * 10 ** (-20 / 20)
MOST_GAIN: Final = 10 ** (30 / 20)  # more would make speech of a room's noise
QUIETER_BY: Final = 10 ** (-30 / 20)  # than the loudest: pauses, which do not count
WINDOW: Final = RATE // 50
# Lengths that the file tells; of the others FFmpeg guesses them from its size.
TELL_LENGTH: Final = frozenset({Format.WEBM, Format.MP4, Format.WAV, Format.FLAC, Format.AIFF})
OGG_HEAD: Final = 27  # bytes of a page before the lengths of its parts
OGG_LAST: Final = 4

Samples = NDArray[np.int16]


def decode(data: bytes, max_seconds: float) -> tuple[Format, list[Doubt], bytes]:
    """Raises Refused; what can be decoded of a damaged file is, and said so."""
    container_format = sniff(data[:SNIFFED])
    if container_format is None:
        raise Refused("not_audio")
    doubts: set[Doubt] = set()
    try:
        with av.open(
            BytesIO(data),
            "r",
            DEMUXERS[container_format],
            options=OPTIONS,
            metadata_errors="replace",
            timeout=TIMEOUT_S,
            io_open=_nothing_else,
        ) as container:
            chunks = list(_resampled(_frames(container, doubts, max_seconds)))
            told = container.streams.audio[0]
            seconds = sum(map(len, chunks)) / (RATE * 2)
            if container_format in TELL_LENGTH and _told(container, told) > seconds + MISSING_S:
                doubts.add(Doubt.TRUNCATED)
    except (av.FFmpegError, ValueError, OverflowError, EOFError) as error:
        raise Refused("undecodable") from error
    if container_format is Format.OGG and not _ogg_ends(data):
        doubts.add(Doubt.TRUNCATED)
    pcm = b"".join(chunks)
    if not pcm:
        raise Refused("undecodable" if doubts else "no_audio")
    return container_format, sorted(doubts), louder(np.frombuffer(pcm, np.int16)).tobytes()


def louder(samples: Samples) -> Samples:
    """Speech at about -20 dBFS, measured where it is loud: pauses would make it too loud."""
    whole = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float32)
    if not len(whole):
        return samples
    levels = np.sqrt((whole**2).mean(axis=1))
    loudest = float(levels.max())
    if loudest < 1:  # digital silence
        return samples
    rms = float(np.sqrt((levels[levels >= loudest * QUIETER_BY] ** 2).mean()))
    gain = min(TARGET_RMS / rms, MOST_GAIN)
    made: Samples = np.clip(samples.astype(np.float32) * gain, -32768, 32767).astype(np.int16)
    return made


def _frames(
    container: InputContainer, doubts: set[Doubt], max_seconds: float
) -> Iterator[AudioFrame]:
    if not container.streams.audio:
        raise Refused("no_audio")
    stream = container.streams.audio[0]
    if stream.codec_context.name not in CODECS:
        raise Refused("undecodable")
    stream.codec_context.thread_count = 1
    seconds = 0.0
    for packet in _packets(container, stream, doubts):
        try:
            frames = stream.codec_context.decode(packet)
        except av.EOFError:
            return
        except av.FFmpegError:
            doubts.add(Doubt.DAMAGED)
            continue
        for frame in frames:
            # Before it is resampled: a second at 1 Hz would become sixteen thousand samples.
            seconds += frame.samples / max(frame.sample_rate, 1)
            if seconds > max_seconds + LATE_S:
                raise Refused("too_long")
            yield frame


def _packets(
    container: InputContainer, stream: AudioStream, doubts: set[Doubt]
) -> "Iterator[Packet[AudioStream] | None]":
    """Null comes last, and asks for what the decoder still holds."""
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                doubts.add(Doubt.TRUNCATED)
            if packet.size:
                yield packet
    except av.FFmpegError:  # the file ends where it says it does not
        doubts.add(Doubt.TRUNCATED)
    yield None


def _resampled(frames: Iterator[AudioFrame]) -> Iterator[bytes]:
    """A stream may change its rate or channels midway; a resampler cannot."""
    resampler, shape = None, None
    for frame in frames:
        given = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or given != shape:
            yield from _flushed(resampler)
            resampler, shape = av.AudioResampler("s16", "mono", RATE), given
        frame.pts = None  # gaps in time are cut out, not filled with silence
        yield from map(_bytes, resampler.resample(frame))
    yield from _flushed(resampler)


def _flushed(resampler: av.AudioResampler | None) -> Iterator[bytes]:
    if resampler is not None:
        yield from map(_bytes, resampler.resample(None))


def _bytes(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: frame.samples * 2]


def _told(container: InputContainer, stream: AudioStream) -> float:
    """Seconds that the file says it has; 0: it does not, as live recordings."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def _ogg_ends(data: bytes) -> bool:
    """Whether its last page is whole and says that it is the last (RFC 3533, 6)."""
    page = data[data.rfind(b"OggS") :]
    if len(page) <= OGG_HEAD:
        return False
    lengths = page[OGG_HEAD : OGG_HEAD + page[OGG_HEAD - 1]]
    is_whole = len(page) >= OGG_HEAD + page[OGG_HEAD - 1] + sum(lengths)
    return is_whole and bool(page[5] & OGG_LAST)


def _nothing_else(*_: object) -> NoReturn:
    raise OSError("a recording is one file")
