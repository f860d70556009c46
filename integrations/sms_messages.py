"""What our text messages say: one line, in two segments at most, with what it is found again by."""

from base64 import b32encode
from hashlib import sha256
from typing import Final

from core.models.deliveries import DeliveryKind
from core.services.deliveries import Send
from integrations import wording
from integrations.twilio import Text

# GSM 03.38: the alphabet of a text message; with any other character it is sent as UTF-16.
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # take two places
PLACES: Final = 2 * 153
PLACES_UTF_16: Final = 2 * 67
DOTS: Final = "..."  # the character would make the whole message one of UTF-16


def verification(send: Send, to: str, code: str) -> Text:
    words = wording.words(send.person.locale)
    return Text(to, words.code.format(code=code), code)


def render(send: Send, to: str) -> Text:
    words = wording.words(send.person.locale)
    reference = "#" + b32encode(sha256(send.delivery_id.bytes).digest()[:5]).decode()
    is_reminder = send.kind in (DeliveryKind.REMINDER, DeliveryKind.ESCALATION)
    form = words.reminder if is_reminder else "{title}"
    rest = f"\n{wording.moment(send)}. {reference}" if is_reminder else f"\n{reference}"
    title = words.test if send.kind is DeliveryKind.TEST else wording.one_line(send.title)
    body = form.format(title=title) + rest
    while not fits(body):
        title = title[:-1]
        body = form.format(title=title + DOTS) + rest
    return Text(to, body, reference)


def fits(body: str) -> bool:
    """Whether these are two segments or one."""
    if all(each in BASIC or each in EXTENDED for each in body):
        return sum(1 + (each in EXTENDED) for each in body) <= PLACES
    return len(body.encode("utf-16-be")) // 2 <= PLACES_UTF_16
