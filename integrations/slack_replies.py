"""How answers in Slack look: what was done, what is asked, what is listed, and buttons.

Titles stand in plain or rich text, where nothing is markup; the fallback text is escaped.
Bounds: https://docs.slack.dev/reference/block-kit/blocks (3,000 characters of a section, 75 of a
button, 50 blocks).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
    SectionBlock,
)

from core.rules import slack_buttons
from core.rules.reminders import Due, due_instant
from core.rules.slack_buttons import OfChange, OfTodo
from core.rules.understanding.answers import YES
from core.services.slack_replies import MOST_LISTED, Choice, Deed, Did, Line, Listing, Reply
from integrations import slack_words, wording
from integrations.slack_messages import escaped
from integrations.slack_words import Words

LONGEST_TITLE: Final = 300
LONGEST_BUTTON: Final = 75
LONGEST_SECTION: Final = 3000


def render(reply: Reply) -> dict[str, Any]:
    """`text` and `blocks` of a message for one person's eyes."""
    words = slack_words.words(reply.locale)
    shown = _Shown(reply, words)
    for did in reply.did[:MOST_LISTED]:
        shown.did(did)
    if len(reply.did) > MOST_LISTED:
        shown.said(words.more.format(n=len(reply.did) - MOST_LISTED))
    if reply.notice is not None:
        shown.said(words.notices[reply.notice].format(detail=reply.detail.rstrip(".")))
    if reply.question is not None:
        shown.said(reply.question)
    if reply.choices:
        shown.actions(_choice(nth, each, words) for nth, each in enumerate(reply.choices))
    if reply.listing is not None:
        shown.listing(reply.listing)
    if reply.undo is not None:
        value = slack_buttons.value(OfChange(reply.undo))
        shown.actions([_button(slack_buttons.UNDO, words.undo, value)])
    if reply.url is not None:
        label = PlainTextObject(text=words.connect, emoji=False)
        link = ButtonElement(
            action_id=slack_buttons.OPEN, text=label, url=reply.url, style="primary"
        )
        shown.actions([link])
    return shown.message()


class _Shown:
    """Blocks as they grow, and the text that stands for them in notifications."""

    def __init__(self, reply: Reply, words: Words) -> None:
        self._reply = reply
        self._words = words
        self._blocks: list[Block] = []
        self._texts: list[str] = []

    def message(self) -> dict[str, Any]:
        return {
            "text": escaped("\n".join(self._texts))[:LONGEST_SECTION] or "…",
            "blocks": [block.to_dict() for block in self._blocks],
        }

    def did(self, did: Did) -> None:
        deed, title = self._words.deeds[did.deed], _title(did.line.title)
        section = RichTextSectionElement(
            elements=[
                RichTextElementParts.Text(text=f"{deed}: "),
                RichTextElementParts.Text(
                    text=title, style=RichTextElementParts.TextStyle(bold=True)
                ),
            ]
        )
        self._add(RichTextBlock(block_id=self._next(), elements=[section]), f"{deed}: {title}")
        if facts := self._facts(did):
            text = " · ".join(facts)
            element = PlainTextObject(text=text, emoji=False)
            self._add(ContextBlock(block_id=self._next(), elements=[element]), text)

    def said(self, text: str) -> None:
        shown = PlainTextObject(text=text[:LONGEST_SECTION], emoji=False)
        self._add(SectionBlock(block_id=self._next(), text=shown), text)

    def actions(self, buttons: Iterable[ButtonElement]) -> None:
        self._blocks.append(ActionsBlock(block_id=self._next(), elements=list(buttons)))

    def listing(self, listing: Listing) -> None:
        asked = bool(listing.words)
        sentences = self._words.listed if listing.lines else self._words.none_listed
        self.said(sentences[asked].format(words=listing.words))
        for line in listing.lines:
            self._line(line, listing.words)
        if listing.more:
            self.said(self._words.more.format(n=listing.more))

    def _line(self, line: Line, words: str) -> None:
        text = "\n".join(filter(None, (_title(line.title), " · ".join(self._of(line)))))
        button = None
        if line.id is not None:
            value = slack_buttons.value(OfTodo(line.id, words))
            button = _button(slack_buttons.COMPLETE, self._words.complete, value)
        shown = PlainTextObject(text=text, emoji=False)
        self._add(SectionBlock(block_id=self._next(), text=shown, accessory=button), text)

    def _facts(self, did: Did) -> list[str]:
        words = self._words
        if did.deed is Deed.SNOOZED and did.until is not None:
            return [words.again.format(when=self._when(did.until))]
        facts = self._of(did.line) if did.deed in (Deed.ADDED, Deed.CHANGED) else []
        if did.reminded_at is not None:
            facts.append(words.reminded.format(when=self._when(did.reminded_at)))
        if did.next_due is not None:
            facts.append(words.next_due.format(when=self._due(did.next_due)))
        return facts

    def _of(self, line: Line) -> list[str]:
        facts = []
        if line.due is not None:
            facts.append(self._words.due.format(when=self._due(line.due)))
        if line.recurs:
            facts.append(self._words.recurs)
        return facts

    def _due(self, due: Due) -> str:
        return self._when(due_instant(due, self._reply.zone), all_day=due.at is None)

    def _when(self, at: datetime, *, all_day: bool = False) -> str:
        reply = self._reply
        today = reply.today or at.date()
        return wording.when(at, zone=reply.zone, today=today, locale=reply.locale, all_day=all_day)

    def _next(self) -> str:
        """Unlike that of any other block of the message."""
        return f"{slack_buttons.REPLY}_{len(self._blocks)}"

    def _add(self, block: Block, text: str) -> None:
        self._blocks.append(block)
        self._texts.append(text)


def _choice(nth: int, choice: Choice, words: Words) -> ButtonElement:
    label, style = choice.label, None
    if label is None and choice.answer.choice == YES:
        label, style = words.yes, "primary"
    elif label is None:
        label = words.none_of_these if nth > 1 else words.no
    action_id = f"{slack_buttons.ANSWER}_{nth}"
    return _button(action_id, label, slack_buttons.value(choice.answer), style=style)


def _button(action_id: str, label: str, value: str, *, style: str | None = None) -> ButtonElement:
    text = _cut(wording.one_line(label) or "…", LONGEST_BUTTON)
    return ButtonElement(
        action_id=action_id, text=PlainTextObject(text=text, emoji=False), value=value, style=style
    )


def _title(title: str) -> str:
    return _cut(wording.one_line(title) or "…", LONGEST_TITLE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
