"""Texts of other products made to fit a todo; what did not fit is told."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from core.rules.importing.records import (
    MAX_DESCRIPTION,
    MAX_EXCERPT,
    MAX_NAME,
    MAX_REF,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
)

_NO_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\s]+")
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_BREAKS: Final = re.compile("\r\n?")
_NUMBERED: Final = re.compile(r"(?: ?[\[(]\d+[\])])+$")  # by Todoist, and by browsers: (1)
_CUT: Final = "…"


def line(raw: str) -> str:
    """On one line, without what no line may hold; blank when there was nothing else."""
    return _NO_LINE.sub(" ", raw).strip()


def text(raw: str) -> str:
    return _NO_TEXT.sub("", _BREAKS.sub("\n", raw)).strip()


def headed(raw_title: str, raw_description: str, lost: list[str]) -> tuple[str, str]:
    """Title and description. What a title cannot hold begins the description."""
    title, description = line(raw_title), text(raw_description)
    if len(title) > MAX_TITLE:
        lost.append(f"a title of {len(title)} characters: the whole of it begins the description")
        description = f"{title}\n\n{description}".strip()
        title = title[: MAX_TITLE - 1].rstrip() + _CUT
    if len(description) > MAX_DESCRIPTION:
        lost.append(f"the description after its first {MAX_DESCRIPTION - 1} characters")
        description = description[: MAX_DESCRIPTION - 1] + _CUT
    return title, description


def name(raw: str, lost: list[str]) -> str | None:
    """Of a list; null when it is blank."""
    found = line(raw)
    if len(found) > MAX_NAME:
        lost.append(f"the name of the list after its first {MAX_NAME - 1} characters")
        found = found[: MAX_NAME - 1].rstrip() + _CUT
    return found or None


def list_of_file(file_name: str) -> str | None:
    """The project that Todoist names in its files' names only: `Work [2203306141].csv`.

    Null for the inbox, which is no list here either.
    """
    found = line(_NUMBERED.sub("", file_name.rpartition(".")[0]))[:MAX_NAME].strip()
    return None if found.lower() in {"", "inbox"} else found


def tags(raw: Iterable[str], lost: list[str]) -> tuple[str, ...]:
    """Each once, in their order."""
    found = [each for each in dict.fromkeys(map(line, raw)) if each]
    long = [each for each in found if len(each) > MAX_TAG]
    if long:
        lost.append(f"tags are cut after {MAX_TAG - 1} characters: {excerpt(', '.join(long))}")
        cut = (e if len(e) <= MAX_TAG else e[: MAX_TAG - 1].rstrip() + _CUT for e in found)
        found = list(dict.fromkeys(cut))
    if len(found) > MAX_TAGS:
        lost.append(f"{len(found) - MAX_TAGS} tags: a todo has at most {MAX_TAGS}")
    return tuple(found[:MAX_TAGS])


def ref(raw: str) -> str:
    """An id of a file as a reference: itself where it is short and plain."""
    plain = line(raw)
    return plain if plain == raw and len(raw) <= MAX_REF else digest(raw)


def digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return "sha256:" + sha256(joined).hexdigest()


def excerpt(raw: str) -> str:
    shown = line(raw[: 4 * MAX_EXCERPT])
    return shown if len(shown) <= MAX_EXCERPT else shown[: MAX_EXCERPT - 1] + _CUT
