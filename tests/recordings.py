"""Recordings to test with: those of tests/data/audio, and some that nobody would commit."""

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream

from integrations.audio.sound import Speech

FOLDER: Final = Path(__file__).parent / "data" / "audio"
PHRASES: Final[dict[str, str]] = json.loads((FOLDER / "phrases.json").read_text(encoding="utf-8"))


def recording(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def silent(seconds: float) -> Speech:
    return Speech(bytes(int(seconds * 16_000) * 2))


def bomb(codec: str, container: str, *, hours: int) -> bytes:
    """Digital silence, encoded: hours of it are a small upload. One packet, again and again."""
    file = io.BytesIO()
    with av.open(file, "w", container) as made:
        options = {"frame_duration": "120"} if codec == "libopus" else {}
        stream = made.add_stream(codec, rate=8_000, layout="mono", options=options)
        assert isinstance(stream, AudioStream)
        stream.codec_context.open()
        samples = stream.frame_size
        packets: list[av.Packet[AudioStream]] = []
        while len(packets) < 2:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, samples), np.int16), "s16", "mono")
            frame.rate = 8_000
            packets += stream.encode(frame)
        steady = bytes(packets[-1])
        for at in range(hours * 3600 * 8_000 // samples):
            packet = av.Packet(steady)
            packet.pts = packet.dts = at * samples
            packet.time_base = Fraction(1, 8_000)
            packet.stream = stream
            made.mux(packet)
    return file.getvalue()
