"""Whether Slack would take these blocks, and what a reader sees of them.

https://docs.slack.dev/reference/block-kit/blocks; types that we do not send are taken unseen.
"""

from collections.abc import Iterator
from typing import Any, Final

MAX_BLOCKS: Final = 50
MAX_ELEMENTS: Final = 25
MAX_CONTEXT: Final = 10
MAX_ID: Final = 255
MAX_SECTION: Final = 3000
MAX_BUTTON: Final = 75
MAX_HEADER: Final = 150
MAX_VALUE: Final = 2000
BUTTON_FIELDS: Final = frozenset(
    {"type", "text", "action_id", "value", "url", "style", "confirm", "accessibility_label"}
)
TYPES: Final = frozenset(
    {
        "actions",
        "context",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "rich_text",
        "section",
        "table",
        "video",
    }
)


def problems(blocks: object, *, most: int = MAX_BLOCKS) -> Iterator[str]:
    """As Slack says them in `response_metadata.messages`; `most`: of a message, or of a view."""
    if not isinstance(blocks, list) or len(blocks) > most:
        yield f"[ERROR] must be an array of at most {most} blocks [json-pointer:/blocks]"
        return
    ids = [each["block_id"] for each in blocks if isinstance(each, dict) and "block_id" in each]
    if len(set(map(str, ids))) < len(ids):
        yield "[ERROR] block_id must be unique [json-pointer:/blocks]"
    for at, block in enumerate(blocks):
        where = f"/blocks/{at}"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in TYPES or not isinstance(block, dict):
            yield f"[ERROR] unsupported type: {kind} [json-pointer:{where}/type]"
        elif not _is_id(block.get("block_id", "-")):
            yield f"[ERROR] must be 1 to 255 characters [json-pointer:{where}/block_id]"
        else:
            yield from _inside(kind, block, where)


def _inside(kind: object, block: dict[str, Any], where: str) -> Iterator[str]:
    match kind:
        case "header":
            yield from _text(block.get("text"), f"{where}/text", MAX_HEADER, plain=True)
        case "section":
            yield from _text(block.get("text"), f"{where}/text", MAX_SECTION)
            if isinstance(block.get("accessory"), dict):
                yield from _button(block["accessory"], f"{where}/accessory")
        case "context":
            yield from _context(block, where)
        case "actions":
            yield from _actions(block, where)
        case "rich_text":
            yield from _rich_text(block, where)


def lines(blocks: object) -> list[str]:
    """The text of each block that has one, without markup."""
    if not isinstance(blocks, list):
        return []
    found = [_said(block) for block in blocks if isinstance(block, dict)]
    return [each for each in found if each]


def buttons(blocks: object) -> list[dict[str, str]]:
    return [
        {
            "text": _plain(each.get("text")),
            "action_id": str(each.get("action_id", "")),
            "block_id": str(block.get("block_id", "")),
            "value": str(each.get("value", "")),
            "style": str(each.get("style", "")),
            "url": str(each.get("url", "")),
        }
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict)
        for each in _interactive(block)
        if each.get("type") == "button"
    ]


def _interactive(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block.get("type") == "actions":
        return _elements(block)
    accessory = block.get("accessory")
    return [accessory] if isinstance(accessory, dict) else []


def _context(block: dict[str, Any], where: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_CONTEXT:
        yield f"[ERROR] must be 1 to 10 elements [json-pointer:{where}/elements]"
        return
    for at, each in enumerate(elements):
        if not (isinstance(each, dict) and each.get("type") == "image"):
            yield from _text(each, f"{where}/elements/{at}", MAX_SECTION)


def _actions(block: dict[str, Any], where: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_ELEMENTS:
        yield f"[ERROR] must be 1 to 25 elements [json-pointer:{where}/elements]"
        return
    ids = [each.get("action_id") for each in elements if isinstance(each, dict)]
    if len(set(map(str, ids))) < len(elements):
        yield f"[ERROR] action_id must be unique [json-pointer:{where}/elements]"
    for at, each in enumerate(elements):
        if isinstance(each, dict):
            yield from _button(each, f"{where}/elements/{at}")


def _button(element: dict[str, Any], here: str) -> Iterator[str]:
    if element.get("type") != "button":
        return
    yield from _text(element.get("text"), f"{here}/text", MAX_BUTTON, plain=True)
    if not _is_id(element.get("action_id", "-")):
        yield f"[ERROR] must be 1 to 255 characters [json-pointer:{here}/action_id]"
    if len(str(element.get("value", ""))) > MAX_VALUE:
        yield f"[ERROR] must be less than 2001 characters [json-pointer:{here}/value]"
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"[ERROR] must be a valid style [json-pointer:{here}/style]"
    for name in element.keys() - BUTTON_FIELDS:
        yield f"[ERROR] no more than expected: {name} [json-pointer:{here}]"


def _rich_text(block: dict[str, Any], where: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield f"[ERROR] must provide elements [json-pointer:{where}/elements]"
        return
    for at, part in enumerate(elements):
        for nth, each in enumerate(_elements(part) if isinstance(part, dict) else []):
            if each.get("type") == "text" and not _is_text(each.get("text")):
                here = f"{where}/elements/{at}/elements/{nth}/text"
                yield f"[ERROR] must be more than 0 characters [json-pointer:{here}]"


def _text(text: object, where: str, most: int, *, plain: bool = False) -> Iterator[str]:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"[ERROR] must be a text object [json-pointer:{where}]"
    elif not _is_text(text.get("text")):
        yield f"[ERROR] must be more than 0 characters [json-pointer:{where}/text]"
    elif len(text["text"]) > most:
        yield f"[ERROR] must be less than {most + 1} characters [json-pointer:{where}/text]"


def _said(block: dict[str, Any]) -> str:
    match block.get("type"):
        case "section" | "header":
            return _plain(block.get("text"))
        case "context":
            return " ".join(_plain(each) for each in _elements(block))
        case "rich_text":
            parts = [each for part in _elements(block) for each in _elements(part)]
            return "".join(_plain(each) for each in parts)
        case _:
            return ""


def _plain(value: object) -> str:
    text = value.get("text") if isinstance(value, dict) else None
    return _plain(text) if isinstance(text, dict) else str(text or "")


def _elements(holder: dict[str, Any]) -> list[dict[str, Any]]:
    found = holder.get("elements")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_ID
