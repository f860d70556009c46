"""Which format a file is, by what is in it; its name decides nothing."""

import re
from typing import BinaryIO, Final

from core.rules.importing import archive, encodings
from core.rules.importing.records import Format

_LOOKED_AT: Final = 64 * 1024
_OWN: Final = re.compile(r'\{\s*"format"\s*:\s*"voicetodo-export"')
_ICS: Final = re.compile(r"BEGIN:(VCALENDAR|VTODO)\b", re.IGNORECASE)
_TODOIST: Final = re.compile(r'"?TYPE"?[,;\t]"?CONTENT"?[,;\t\r\n]', re.IGNORECASE)


def detect(file: BinaryIO) -> Format | None:
    """Null when it is none that we read. The file is left at its beginning."""
    file.seek(0)
    if file.read(len(archive.MARK)) == archive.MARK:
        file.seek(0)
        return Format.OWN
    with encodings.opened(file, encodings.of(file)) as text:
        head = text.read(_LOOKED_AT).lstrip("\ufeff \t\r\n")
    file.seek(0)
    if _OWN.match(head):
        return Format.OWN
    if head[:1] in {"{", "["}:
        return Format.LOCALSTORAGE
    if _ICS.match(head):
        return Format.ICS
    return Format.TODOIST_CSV if _TODOIST.match(head) else None
