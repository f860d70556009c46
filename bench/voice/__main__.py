"""Voice: what understanding costs, how fast the text door is, and what a flood of recordings does.

    make bench                          all of it
    python -m bench.voice               these; or some: understanding text audio embedded

ROUNDS, TEXT_SECONDS, MEMOS (a minute), MEMO_SECONDS and VOICE_PROCESSES by environment.
"""

import sys
from collections.abc import Callable, Mapping

from rich.console import Console

from bench.voice import audio, embedded, text, understanding

PARTS: Mapping[str, Callable[[Console], None]] = {
    "understanding": understanding.measure,
    "text": text.measure,
    "audio": audio.measure,
    "embedded": embedded.measure,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.stderr.write(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}\n")
        return 2
    console = Console(width=140)
    for name in names or PARTS:
        console.print(f"{name} …")
        PARTS[name](console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
