"""Which format a file is, by what is in it; its name decides nothing."""

import re
from typing import BinaryIO, Final

from core.rules.importing import archive, encodings
from core.rules.importing.records import Format

_LOOKED_AT: Final = 64 * 1024
_OWN: Final = re.compile(r'\{\s*"format"\s*:\s*"voicetodo-export"')
_ICS: Final = re.compile(r"BEGIN:(VCALENDAR|VTODO)\b", re.IGNORECASE)
_STRING: Final = re.compile(r'"\s*(?:\\+[nrt"]|[\[{])')  # JSON that was put into a string
_APART: Final = re.compile(r"[,;\t]")


def detect(file: BinaryIO) -> Format | None:
    """Null when it is none that we read. The file is left at its beginning."""
    if archive.is_one(file):
        found = archive.kind(file)
        file.seek(0)
        return found
    with encodings.opened(file, encodings.of(file)) as text:
        head = text.read(_LOOKED_AT).lstrip("\ufeff \t\r\n")
    file.seek(0)
    if _OWN.match(head):
        return Format.OWN
    if head[:1] in {"{", "["} or _STRING.match(head):
        return Format.LOCALSTORAGE
    if _ICS.match(head):
        return Format.ICS
    return Format.TODOIST_CSV if _is_todoist(head) else None


def _is_todoist(head: str) -> bool:
    """By the names in its first line; before that Excel may say what keeps cells apart."""
    first, _, rest = head.lstrip().partition("\n")
    names = {name.strip(' "\r') for name in _APART.split(first.upper())}
    if first.upper().startswith("SEP=") and rest:
        return _is_todoist(rest)
    return {"TYPE", "CONTENT"} <= names
