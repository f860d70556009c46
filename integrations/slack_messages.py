"""What our Slack messages say and how they look: a title, when it is due, three buttons.

A title stands in a block of rich text, where nothing is markup: neither `*`, nor `<!channel>`, nor
a link. Only the fallback text is parsed by Slack, so that one is escaped.
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

from typing import Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
)

from core.models.deliveries import DeliveryKind
from core.rules import digest_words
from core.services.deliveries import Send
from integrations import wording
from integrations.slack import SlackMessage

TITLE: Final = 1000  # characters; Slack's bound is beyond that for a message, not for a reader
BLOCK: Final = "voicetodo_reminder"
COMPLETE: Final = "voicetodo_complete"
SNOOZE_10: Final = "voicetodo_snooze_10m"
SNOOZE_60: Final = "voicetodo_snooze_1h"


def render(send: Send, *, team_id: str, channel: str, is_shared: bool = False) -> SlackMessage:
    """The message of this attempt. Each button's `value` is the delivery, and nothing else.

    `is_shared`: others read it as well, so it says whose it is.
    """
    words = wording.words(send.person.locale)
    title = words.test if send.kind is DeliveryKind.TEST else wording.one_line(send.title)
    title = title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"
    blocks: list[Block] = [RichTextBlock(elements=[_text(title or "…", bold=True)])]
    text = title
    if lines := _lines(send):
        blocks.append(RichTextBlock(elements=[_text("\n".join(lines))]))
        text = "\n".join((title, *lines))
    if is_shared and (name := wording.one_line(send.person.name)):
        blocks.insert(0, ContextBlock(elements=[PlainTextObject(text=name[:TITLE], emoji=False)]))
        text = f"{name}\n{text}"
    if send.kind in (DeliveryKind.REMINDER, DeliveryKind.ESCALATION):
        moment = wording.moment(send)
        text = f"{words.reminder.format(title=title)}\n{moment}"
        blocks.append(ContextBlock(elements=[PlainTextObject(text=moment, emoji=False)]))
        buttons = [
            _button(send, SNOOZE_10, words.snooze_10),
            _button(send, SNOOZE_60, words.snooze_60),
        ]
        if send.todo_id is not None:
            buttons.insert(0, _button(send, COMPLETE, words.complete, style="primary"))
        blocks.append(ActionsBlock(block_id=BLOCK, elements=buttons))
    return SlackMessage(
        team_id=team_id,
        channel=channel,
        text=escaped(text),
        blocks=blocks,
        delivery_id=send.delivery_id,
    )


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(send: Send) -> list[str]:
    """What stands below the title of a digest, and of a summary."""
    if send.digest is not None:
        return digest_words.lines(send.digest, send.person.locale)
    return digest_words.summary_lines(list(send.titles), send.person.locale)


def _text(text: str, *, bold: bool = False) -> RichTextSectionElement:
    style = RichTextElementParts.TextStyle(bold=True) if bold else None
    return RichTextSectionElement(elements=[RichTextElementParts.Text(text=text, style=style)])


def _button(send: Send, action_id: str, text: str, *, style: str | None = None) -> ButtonElement:
    return ButtonElement(
        action_id=action_id,
        text=PlainTextObject(text=text, emoji=False),
        value=str(send.delivery_id),
        style=style,
    )
