"""The Home of our app in Slack: what is overdue and due today, each with its buttons.

As in messages, a title stands where nothing is markup.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
)

from core.rules import digest_words, slack_buttons
from core.rules.digests import Item, Section
from core.rules.reminders import due_instant
from core.rules.slack_buttons import COMPLETE, SNOOZE_10, SNOOZE_60, OfTodo
from core.services.slack_home import Content
from integrations import slack_words, wording

TITLE: Final = 200  # characters
BLOCK: Final = "voicetodo_home"
SHOWN: Final = (Section.OVERDUE, Section.TODAY)


@dataclass(frozen=True, slots=True)
class _Words:
    nothing: str
    hint: str


_WORDS: Final = {
    "en": _Words("Nothing is due today.", "Add something: /todo buy milk tomorrow at 5pm"),
    "de": _Words("Heute ist nichts fällig.", "Neues: /todo Milch kaufen morgen um 17 Uhr"),
}


def home(shown: Content, locale: str) -> list[Block]:
    """Fewer than the hundred blocks that a view may have: `PER_SECTION` bounds the todos."""
    content, words = shown.digest, _WORDS[wording.words(locale).language]
    blocks: list[Block] = [_header(digest_words.heading(content, locale))]
    parts = [part for part in content.parts if part.section in SHOWN]
    for part in parts:
        blocks.append(_header(digest_words.count(part, locale)))
        for item in part.items:
            blocks += _todo(item, shown, locale)
        if part.more:
            blocks.append(_context(digest_words.more(part.more, locale)))
    if not parts:
        blocks.append(
            RichTextBlock(elements=[RichTextSectionElement(elements=[_text(words.nothing)])])
        )
    done = [part for part in content.parts if part.section is Section.COMPLETED]
    blocks += [_context(digest_words.count(part, locale)) for part in done]
    blocks.append(_context(words.hint))
    return blocks


def _todo(item: Item, shown: Content, locale: str) -> Iterator[Block]:
    title = wording.one_line(item.title) or "…"
    title = title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"
    elements = [_text(title, bold=True)]
    zone, today = shown.digest.zone, shown.digest.on
    if item.due is not None:
        at, all_day = due_instant(item.due, zone), item.due.at is None
        when = wording.when(at, zone=zone, today=today, locale=locale, all_day=all_day)
        elements.append(_text(f"\n{wording.words(locale).due.format(when=when)}"))
    if (next_at := shown.reminders.get(item.id)) is not None:
        when = wording.when(next_at, zone=zone, today=today, locale=locale)
        elements.append(_text(f"\n{slack_words.words(locale).reminded.format(when=when)}"))
    yield RichTextBlock(elements=[RichTextSectionElement(elements=elements)])
    words, value = wording.words(locale), slack_buttons.value(OfTodo(item.id))
    yield ActionsBlock(
        block_id=f"{BLOCK}:{item.id}",
        elements=[
            _button(COMPLETE, words.complete, value, style="primary"),
            _button(SNOOZE_10, words.snooze_10, value),
            _button(SNOOZE_60, words.snooze_60, value),
        ],
    )


def _header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=text, emoji=False))


def _context(text: str) -> ContextBlock:
    return ContextBlock(elements=[PlainTextObject(text=text, emoji=False)])


def _text(text: str, *, bold: bool = False) -> RichTextElementParts.Text:
    style = RichTextElementParts.TextStyle(bold=True) if bold else None
    return RichTextElementParts.Text(text=text, style=style)


def _button(action_id: str, text: str, value: str, *, style: str | None = None) -> ButtonElement:
    label = PlainTextObject(text=text, emoji=False)
    return ButtonElement(action_id=action_id, text=label, value=value, style=style)
