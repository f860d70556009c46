"""Keeps the last result of each bench in `bench/RESULTS.md`, with the command that made it."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

RESULTS = Path(__file__).with_name("RESULTS.md")
INTRODUCTION = """# Results

The last run of each bench, with the command that made it. Machines differ: compare the figures of
one table with one another, not with another machine's.
"""


def keep(title: str, command: str, table: Table, *, note: str = "") -> None:
    """Replace the section of this title where it stands; a new one comes last."""
    text = RESULTS.read_text() if RESULTS.exists() else INTRODUCTION
    section = f"\n## {title}\n\n`{command}` · {datetime.now(UTC):%Y-%m-%d} · {_machine()}"
    section += f" · {note}\n\n" if note else "\n\n"
    section += markdown(table) + "\n"
    before = re.search(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", text, flags=re.DOTALL)
    begin, end = before.span() if before else (len(text), len(text))
    RESULTS.write_text(text[:begin] + section + text[end:])


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def markdown(table: Table) -> str:
    columns = [list(column.cells) for column in table.columns]
    heads = [str(column.header) for column in table.columns]
    rows = [heads, ["---"] * len(heads), *zip(*columns, strict=True)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
