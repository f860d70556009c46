"""The transcriber that needs nothing else, and what is done before any transcriber is asked.

In one process, by its own processor time: what one core does in a minute.
"""

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from bench.results import keep
from integrations.audio import decoding
from integrations.audio.detection import Detector
from integrations.audio.sound import BYTES_PER_S
from integrations.transcription import sphinx
from tests.recordings import PHRASES, recording

MAX_SECONDS = 60
TIMES = 3


def measure(console: Console) -> None:
    recordings = [recording(f"phrase-{name}.webm") for name in PHRASES] + [recording("milk.webm")]
    decoded = [decoding.decode(each, MAX_SECONDS)[2] for each in recordings]
    seconds = sum(map(len, decoded)) / BYTES_PER_S
    detector, hear = Detector(), sphinx.prepare()["hear"]
    steps: list[tuple[str, Callable[[bytes], object], Sequence[bytes]]] = [
        ("decode webm/opus", lambda data: decoding.decode(data, MAX_SECONDS), recordings),
        ("look for speech", detector.begins, decoded),
        ("transcribe, embedded", lambda pcm: hear({}, pcm), decoded),
    ]
    table = Table("step", "ms a recording", "ms a second of audio", "recordings a minute")
    spent = 0.0
    for name, step, of in steps:
        each = _cost(step, of)
        spent += each
        table.add_row(name, *_cells(each, len(of), seconds))
    table.add_row("all of it", *_cells(spent, len(recordings), seconds))
    console.print(table)
    note = f"one core; {len(recordings)} recordings of {seconds / len(recordings):.1f} s on average"
    keep("Embedded transcriber", "python -m bench.voice embedded", table, note=note)


def _cost(step: Callable[[bytes], object], of: Sequence[bytes]) -> float:
    """Seconds of this process for all of them."""
    step(of[0])
    began = time.process_time()
    for _ in range(TIMES):
        for each in of:
            step(each)
    return (time.process_time() - began) / TIMES


def _cells(spent: float, count: int, seconds: float) -> list[str]:
    return [
        f"{spent / count * 1000:,.1f}",
        f"{spent / seconds * 1000:,.1f}",
        f"{count / spent * 60:,.0f}",
    ]
