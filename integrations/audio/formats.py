"""Which container a recording is, by its first bytes alone: names and declared types may lie.

Nothing that names other files or addresses is on this list: FFmpeg follows playlists, SDP and
concat scripts to wherever they point.
"""

from enum import StrEnum
from typing import Final


class Format(StrEnum):
    WEBM = "webm"  # any Matroska
    MP4 = "mp4"  # m4a and QuickTime as well
    OGG = "ogg"
    WAV = "wav"
    MP3 = "mp3"
    FLAC = "flac"
    AAC = "aac"
    AIFF = "aiff"


DEMUXERS: Final = {
    Format.WEBM: "matroska",
    Format.MP4: "mp4",
    Format.OGG: "ogg",
    Format.WAV: "wav",
    Format.MP3: "mp3",
    Format.FLAC: "flac",
    Format.AAC: "aac",
    Format.AIFF: "aiff",
}
SNIFFED: Final = 16  # bytes that are looked at

_BEGINNINGS: Final = (
    (b"\x1a\x45\xdf\xa3", Format.WEBM),
    (b"OggS", Format.OGG),
    (b"fLaC", Format.FLAC),
    (b"ID3", Format.MP3),
)
_FAMILIES: Final = {
    (b"RIFF", b"WAVE"): Format.WAV,
    (b"FORM", b"AIFF"): Format.AIFF,
    (b"FORM", b"AIFC"): Format.AIFF,
}
_SYNC: Final = 0xFF


def sniff(head: bytes) -> Format | None:
    """Null: none of those that are decoded."""
    if head[4:8] == b"ftyp":
        return Format.MP4
    for beginning, found in _BEGINNINGS:
        if head.startswith(beginning):
            return found
    if family := _FAMILIES.get((head[:4], head[8:12])):
        return family
    if len(head) > 1 and head[0] == _SYNC:
        if head[1] & 0xF6 == 0xF0:  # ADTS: layer 0  # noqa: PLR2004 - bits of the header
            return Format.AAC
        if head[1] & 0xE6 == 0xE2:  # MPEG audio, layer III  # noqa: PLR2004 - bits of the header
            return Format.MP3
    return None
