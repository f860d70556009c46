"""ISO 8601 durations as people write them in reminders: `PT15M`, `P1D`, `PT1H30M`."""

_UNITS = (("D", 86_400), ("H", 3_600), ("M", 60), ("S", 1))


def iso(seconds: int) -> str:
    """The shortest spelling in days, hours, minutes and seconds; `PT0S` for none."""
    days, left = divmod(seconds, _UNITS[0][1])
    clock = ""
    for letter, size in _UNITS[1:]:
        count, left = divmod(left, size)
        clock += f"{count}{letter}" if count else ""
    spelled = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"P{spelled}" if spelled else "PT0S"
