"""The values of todos in browsers, in the spellings that apps have for them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Any, Final

from core.rules.importing import moments, texts
from core.rules.reminders import Due

_PRIORITIES: Final = {
    word: level
    for level, words in {
        "high": "high highest urgent critical important top major asap h hi 1 p1 a !!! hoch"
        " dringend alta haute",
        "medium": "medium med mid middle moderate normal average m 2 p2 b !! mittel media moyenne",
        "low": "low lowest minor l lo 3 p3 c ! niedrig gering baja basse",
        "none": "none no 0 4 p4 undefined null keine ninguna aucune",
    }.items()
    for word in words.split()
}
_FLAGS: Final = ("important", "isImportant", "starred", "isStarred", "flagged", "isFlagged")
_ENDED: Final = {"completed", "complete", "done", "closed", "finished", "checked"}
_OPEN: Final = {
    *("needsaction", "pending", "active", "open", "todo", "notstarted", "inprogress", "new"),
}
# `new Date()` as text: Mon Jan 05 2026 08:00:00 GMT+0100 (…), Mon, 05 Jan 2026 07:00:00 GMT.
_DATE_TEXT: Final = re.compile(
    r"[A-Z][a-z]{2},? (?:([A-Z][a-z]{2}) (\d{1,2})|(\d{1,2}) ([A-Z][a-z]{2})) (\d{4})"
    r" (\d{2}:\d{2}:\d{2}) (?:GMT|UTC)(?:([+-]\d{2}):?(\d{2}))?(?: \(.{0,60}\))?",
    re.ASCII,
)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?", re.ASCII)
_INSTANTS: Final = ("$date", "seconds", "_seconds", "dateTime", "date")
_MIDNIGHT: Final = time(0)

Entry = Mapping[str, Any]


def first(entry: Entry, names: tuple[str, ...]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def written(entry: Entry, names: tuple[str, ...]) -> str:
    """A number is the text that it is written as."""
    found = next((entry[name] for name in names if _is_written(entry.get(name))), "")
    return found if isinstance(found, str) else str(found)


def _is_written(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, int | float) and not isinstance(value, bool)


def done(entry: Entry, flags: tuple[str, ...], ends: tuple[str, ...]) -> bool:
    """As its flag has it; else its state; else whether it has an end."""
    flag = first(entry, flags)
    if isinstance(flag, str):
        said = flag.strip().lower()
        return said in {"true", "yes", "1", *_ENDED} or moments.instant(flag, "UTC") is not None
    if flag is not None:
        return bool(flag)
    state = _state(entry)
    return state in _ENDED or (not state and bool(first(entry, ends)))


def says_state(entry: Entry) -> bool:
    return _state(entry) in _ENDED | _OPEN


def _state(entry: Entry) -> str:
    state = entry.get("status")
    return re.sub(r"[ _-]", "", state[:20].lower()) if isinstance(state, str) else ""


def told_state(entry: Entry) -> Iterator[str]:
    if _state(entry) in {"inprogress", "started"}:
        yield "it is in process: here it is open"


def priority(entry: Entry, lost: list[str]) -> str:
    raw = first(entry, ("priority", "importance"))
    if raw is None or raw == "" or isinstance(raw, bool):
        is_high = raw is True or any(entry.get(name) is True for name in _FLAGS)
        return "high" if is_high else "none"
    if isinstance(raw, Mapping):
        raw = first(raw, ("name", "label", "level", "value"))
    said = str(raw)[:30].strip().lower()
    said = re.sub(r"\W*\bpriorit(?:y|\u00e4t|\u00e9|ad)\b\W*", "", said).removesuffix(".0")
    found = _PRIORITIES.get(said) or _PRIORITIES.get(re.sub(r"\W", "", said))
    if found is None:
        lost.append(f"the priority {texts.excerpt(str(raw)[:1000])!r}")
    return found or "none"


def instant(raw: Any, zone: str) -> datetime | None:
    return moments.instant(_plain(raw), zone)


def due(entry: Entry, names: tuple[str, ...], zone: str, lost: list[str]) -> Due | None:
    """Browsers write instants; the person's clock showed them in their own zone.

    A day that was chosen without a time is midnight there, or in UTC: it is that day again.
    """
    raw = first(entry, names)
    clock = written(entry, ("dueTime", "due_time", "time")).strip()
    found = _due(_plain(raw), zone)
    if found is None and raw is not None and raw != "":
        lost.append(f"the date {texts.excerpt(str(raw)[:1000])!r} was not understood")
    at = _TIME.fullmatch(clock)
    if at and found is not None and found.at is None:
        return replace(found, at=time(int(at[1]), int(at[2])))
    if clock and (at is None or found is None):
        lost.append(f"its time of day, {texts.excerpt(clock)!r}")
    return found


def _due(raw: Any, zone: str) -> Due | None:
    text = raw if isinstance(raw, str) else ""
    if not text and (at := moments.instant(raw, zone)) is not None:
        text = at.isoformat()
    in_utc = moments.due(text, "UTC") if text.endswith(("Z", "z", "+00:00")) else None
    if in_utc is not None and in_utc.at == _MIDNIGHT:
        return Due(in_utc.on, None, None)
    found = moments.due(text, zone)
    if found is not None and found.at == _MIDNIGHT:
        return Due(found.on, None, None)
    return found


def _plain(raw: Any) -> Any:
    """Of objects that stand for an instant, and of JavaScript's own way to write one, ISO 8601."""
    if isinstance(raw, Mapping):
        raw = first(raw, _INSTANTS)
    if not isinstance(raw, str):
        return raw
    match = _DATE_TEXT.fullmatch(raw.strip())
    month = _MONTHS.find(match[1] or match[4]) if match else -1
    if match is None or month < 0 or month % 3:
        return raw
    day = int(match[2] or match[3])
    offset = f"{match[7]}:{match[8]}" if match[7] else "Z"
    return f"{match[5]}-{month // 3 + 1:02}-{day:02}T{match[6]}{offset}"
