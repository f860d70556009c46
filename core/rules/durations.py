"""ISO 8601 durations as people write them in reminders: `PT15M`, `P1D`, `PT1H30M`."""

import re

_UNITS = (("D", 86_400), ("H", 3_600), ("M", 60), ("S", 1))
PATTERN = r"^P(\d{1,5}W|(?=\d|T)(\d{1,5}D)?(T(?=\d)(\d{1,5}H)?(\d{1,6}M)?(\d{1,8}S)?)?)$"
LONGEST = len("P12345DT12345H123456M12345678S")  # that `PATTERN` takes
_PARTS = re.compile(r"(\d+)([WDHMS])", re.ASCII)
_SHAPE = re.compile(PATTERN, re.ASCII)


def read(text: str) -> tuple[int, int]:
    """Days (a week has 7) and seconds. Raises `ValueError` for what does not match `PATTERN`."""
    if not _SHAPE.fullmatch(text):
        raise ValueError(text)
    found = {unit: int(count) for count, unit in _PARTS.findall(text)}
    days = 7 * found.get("W", 0) + found.get("D", 0)
    return days, sum(size * found.get(unit, 0) for unit, size in _UNITS[1:])


def iso(seconds: int) -> str:
    """The shortest spelling in days, hours, minutes and seconds; `PT0S` for none."""
    days, left = divmod(seconds, _UNITS[0][1])
    clock = ""
    for letter, size in _UNITS[1:]:
        count, left = divmod(left, size)
        clock += f"{count}{letter}" if count else ""
    spelled = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"P{spelled}" if spelled else "PT0S"
