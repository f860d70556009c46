"""Files that were made to stop a server: a clear report, nothing else lost, memory bounded."""

import json
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO, RawIOBase
from struct import pack
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import pytest

from core.rules.importing.reading import read
from core.rules.importing.records import MAX_BYTES, Code, Document, Format, Record, Rejected
from tests.core.rules.importing.files import SCENE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MB: Final = 1024 * 1024
MANY: Final = 2_000
CSV: Final = b"TYPE,CONTENT\ntask,A\n"


class Endless(RawIOBase):
    """A line of a gigabyte, without the gigabyte."""

    def __init__(self) -> None:
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + (1024 * MB if whence == 2 else self._at if whence == 1 else 0)
        return self._at

    def readinto(self, _: "WriteableBuffer", /) -> int:
        raise AssertionError("nothing of it is worth reading")


def zipped(content: Iterator[bytes], name: str = "todos.json") -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", "{}")
        with archive.open(name, "w", force_zip64=True) as member:
            for piece in content:
                member.write(piece)
    return packed.getvalue()


def many_tables() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for n in range(1_001):
            archive.writestr(f"{n}.csv", CSV)
    return packed.getvalue()


def strings() -> bytes:
    """JSON in a string of JSON, for as long as a megabyte holds it."""
    content = "[]"
    while len(content) < MB:
        content = json.dumps({"a": content})
    return content.encode()


def names() -> bytes:
    """An archive whose end says that the names of its files take 5 MB."""
    end = pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 5 * MB, 4, 0)
    return b"PK\x03\x04" + bytes(5 * MB) + end


def circle() -> bytes:
    row = "BEGIN:VTODO\nUID:{}\nSUMMARY:T\nRELATED-TO:{}\nEND:VTODO\n"
    return "".join(row.format(n, (n + 1) % MANY) for n in range(MANY)).encode()


def zones() -> bytes:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:z{}\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "RRULE:FREQ=YEARLY\nTZOFFSETFROM:+0113\nTZOFFSETTO:+0117\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    return ("".join(map(zone.format, range(MANY))) + "BEGIN:VTODO\nSUMMARY:T\nEND:VTODO\n").encode()


def vtodo(*lines: str) -> bytes:
    return "\n".join(["BEGIN:VTODO", "UID:a", "SUMMARY:T", *lines, "END:VTODO", ""]).encode()


Found = dict[str, int]
TOO_LARGE: Final[Found] = {Code.TOO_LARGE: 1}
CASES: Final[dict[str, tuple[Format, Callable[[], bytes], Found]]] = {
    "a line of 20 MB": (
        Format.TODOIST_CSV,
        lambda: CSV + b"task," + b"x" * 20 * MB + b"\ntask,B\n",
        {Code.TOO_LONG: 1, "todo": 2},
    ),
    "quotes that nobody closes": (
        Format.TODOIST_CSV,
        lambda: CSV + b'task,"open\n' * MANY + b"task,B\n",
        {Code.MALFORMED: MANY, "todo": 2},
    ),
    "200,000 columns": (
        Format.TODOIST_CSV,
        lambda: CSV + b"task," + b"," * 200_000 + b"\ntask,B\n",
        {Code.TITLE_MISSING: 1, "todo": 2},
    ),
    "files that comments name": (
        Format.TODOIST_CSV,
        lambda: CSV + b"note," + b"[[file {" * 15_000,
        {"todo": 1},
    ),
    "brackets": (Format.LOCALSTORAGE, lambda: b"[" * 10 * MB, {Code.MALFORMED: 1}),
    "a string of 20 MB": (
        Format.LOCALSTORAGE,
        lambda: b'[{"text":"' + b"x" * 20 * MB + b'"},{"text":"B"}]',
        {Code.TOO_LONG: 1, "todo": 1},
    ),
    "entries without an end": (
        Format.LOCALSTORAGE,
        lambda: b"[\n" + b'{"text":"a",\n' * 200 + b'{"text":"B"}\n]',
        {Code.MALFORMED: 200, "todo": 1},
    ),
    "a number of a million digits": (
        Format.LOCALSTORAGE,
        lambda: b'[{"text":"A","id":' + b"9" * 1_000_000 + b'},{"text":"B"}]',
        {Code.MALFORMED: 1, "todo": 1},
    ),
    "a circle of parents": (Format.ICS, circle, {"todo": MANY}),
    "100,000 instances": (
        Format.ICS,
        lambda: vtodo("DUE:20260305T090000", "RRULE:FREQ=MINUTELY;COUNT=100000"),
        {"todo": 1},
    ),
    "20,000 dates that are left out": (
        Format.ICS,
        lambda: vtodo(
            "DUE:20260305T090000", "RRULE:FREQ=DAILY", "EXDATE:" + "20260306T090000," * 20_000
        ),
        {"todo": 1},
    ),
    "a rule that hardly ever occurs": (
        Format.ICS,
        lambda: vtodo(
            "DUE:20260305T090000",
            "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=3;COUNT=10000",
        ),
        {"todo": 1},
    ),
    "zones": (Format.ICS, zones, {"todo": 1}),
    "a backslash at the end": (
        Format.ICS,
        lambda: vtodo("CATEGORIES:" + "a" * 1_000_000 + "\\"),
        {"todo": 1},
    ),
    "folds": (
        Format.ICS,
        lambda: (
            b"BEGIN:VTODO\nSUMMARY:A\n"
            + (b" " + b"x" * 30 + b"\n") * 40_000
            + b"END:VTODO\n"
            + vtodo()
        ),
        {Code.TOO_LONG: 1, "todo": 1},
    ),
    "a bomb": (
        Format.OWN,
        lambda: zipped(b"[" * MB for _ in range(300)),
        TOO_LARGE,
    ),
    "more names than memory is for": (Format.OWN, names, TOO_LARGE),
    "a bomb of tables": (
        Format.TODOIST_CSV,
        lambda: zipped((b"task,A\n" * 100_000 for _ in range(30)), "todos.csv"),
        TOO_LARGE,
    ),
    "more tables than anybody has": (Format.TODOIST_CSV, many_tables, TOO_LARGE),
    "an array 100,000 deep": (
        Format.LOCALSTORAGE,
        lambda: b'[{"text":"A","x":' + b"[" * 100_000 + b"]" * 100_000 + b'},\n{"text":"B"}]',
        {Code.MALFORMED: 1, "todo": 1},
    ),
    "objects 100,000 deep": (
        Format.LOCALSTORAGE,
        lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        {Code.FORMAT: 1},
    ),
    "strings within strings": (Format.LOCALSTORAGE, strings, {Code.FORMAT: 1}),
    "zeros and halves of characters": (
        Format.LOCALSTORAGE,
        lambda: rb'[{"text":"A\u0000\ud800","category":"\udfff"},{"text":"\u0000"}]',
        {"todo": 1, Code.TITLE_MISSING: 1},
    ),
    "numbers that are none of ours": (
        Format.LOCALSTORAGE,
        lambda: b'[{"text":"A","id":1e999,"order":-1e308,"createdAt":1e300,"dueDate":-9e18}]',
        {"todo": 1},
    ),
    "one id again and again": (
        Format.LOCALSTORAGE,
        lambda: b"[" + b'{"id":"aaaaaaaaaaaaaaaa","text":"A"},' * MANY + b'{"text":"B"}]',
        {"todo": 2, Code.DUPLICATE: MANY - 1},
    ),
    "folds within every character": (
        Format.ICS,
        lambda: b"BEGIN:VTODO\nSUMMARY:A" + b"\xc3\n \xbc" * 100_000 + b"\nEND:VTODO\n",
        {"todo": 1},
    ),
    "zeros in a calendar": (
        Format.ICS,
        lambda: vtodo("DUE:2026\x000305", "CATEGORIES:\x00,\x00", "RRULE:FREQ=\x00"),
        {"todo": 1},
    ),
    "alarms without an end": (
        Format.ICS,
        lambda: vtodo(*["BEGIN:VALARM", "TRIGGER:-PT1M"] * 5_000),
        {"todo": 1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_costs_little_and_is_told(name: str) -> None:
    kind, make, expected = CASES[name]
    file = BytesIO(make())
    tracemalloc.start()
    found: Counter[str] = Counter()
    for item in read(file, format=kind, scene=SCENE):
        if isinstance(item, Rejected):
            assert len(item.reason) < 200
            assert len(item.excerpt) <= 80
            found[item.code] += 1
        elif isinstance(item, Record):
            found["todo"] += 1
        else:
            assert isinstance(item, Document)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dict(found) == expected
    assert peak < 32 * MB


def test_a_gigabyte_is_refused_unread() -> None:
    file = cast("BinaryIO", Endless())
    (refused,) = read(file, format=Format.TODOIST_CSV, scene=SCENE)
    assert isinstance(refused, Rejected)
    assert refused.code is Code.TOO_LARGE
    assert MAX_BYTES < 1024 * MB


def test_what_is_beyond_the_last_row_is_told() -> None:
    content = CSV + b"task,B\n" * 100_001
    found = list(read(BytesIO(content), format=Format.TODOIST_CSV, scene=SCENE))
    assert len(found) == 100_001
    last = found[-1]
    assert isinstance(last, Rejected)
    assert (last.code, last.line) == (Code.TOO_MANY, 100_002)
