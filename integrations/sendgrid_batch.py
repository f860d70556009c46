"""Several e-mails in one call of SendGrid, each a personalization of its own.

What is common stands in the call, what is a person's in their personalization: the two bodies come
as substitutions, which is where a v3 call has room for them.

- 1,000 personalizations in a call; 10,000 bytes of substitutions in each, which apply to subject
  and content: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send. (10,000
  substitutions in a call, an address in one personalization only: …/mail-send/errors.)
- 30 MB in all: https://docs.sendgrid.com/api-reference/mail-send/limitations
- Tags are replaced inside of what was substituted as well, and must hold neither spaces nor `<>&`:
  https://www.twilio.com/docs/sendgrid/for-developers/sending-email/substitution-tags (which says
  50,000 bytes; the smaller of the two is certain).
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import orjson

from integrations.http import check
from integrations.sendgrid import VENDOR, Email, SendGrid, accepted, personalization

MOST: Final = 1000
MAX_SUBSTITUTIONS: Final = 10_000  # bytes of one e-mail's
# Of a call, far below the vendor's bound: it has 5 s, in which a slow line carries so much.
MAX_BYTES: Final = 4 * 1024 * 1024
REFUSED: Final = frozenset({400, 413})  # for something in it; nothing of it was accepted
# Nobody can know them, so no todo's title can hold one.
_NONCE: Final = secrets.token_hex(8)
_TEXT: Final = f"-text-{_NONCE}-"
_HTML: Final = f"-html-{_NONCE}-"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One e-mail's share of a call."""

    address: str
    category: str
    body: bytes


def part(mail: Email) -> Part | None:
    """What `send_many` takes; None of an e-mail that must go by itself, as it is too long."""
    substitutions = {_TEXT: mail.text, _HTML: mail.html}
    # A part's JSON is never shorter than what it says, whichever way the vendor counts.
    if len(orjson.dumps(substitutions)) > MAX_SUBSTITUTIONS:
        return None
    body = personalization(mail) | {"subject": mail.subject, "substitutions": substitutions}
    return Part(mail.to.casefold(), mail.category, orjson.dumps(body))


def calls(parts: Iterable[tuple[Part, T]], *, most: int = MOST) -> Iterator[list[tuple[Part, T]]]:
    """As few calls as may be: of one category, no address twice, within the vendor's bounds.

    An address that is there twice would have the call refused, or the second e-mail left out.
    """
    times: Counter[tuple[str, str]] = Counter()
    together: dict[tuple[str, int], list[tuple[Part, T]]] = defaultdict(list)
    for each, whose in parts:
        key = each.category, each.address
        together[each.category, times[key]].append((each, whose))
        times[key] += 1
    for several in together.values():
        yield from _pieces(several, most)


async def send_many(sendgrid: SendGrid, parts: Sequence[Part]) -> str | None:
    """Hand over all of one call of `calls`; the one X-Message-Id of all of them.

    None: it was refused for something in it, and nothing of it was accepted; `send` each by itself
    to learn for which. Raises VendorError as `SendGrid.send` does, and then it holds for all.
    """
    content = {
        "from": sendgrid.sender,
        "personalizations": [orjson.Fragment(each.body) for each in parts],
        "content": [
            {"type": "text/plain", "value": _TEXT},
            {"type": "text/html", "value": _HTML},
        ],
        "categories": [parts[0].category],
    }
    response = await sendgrid.post(orjson.dumps(content))
    if response.status_code in REFUSED:
        return None
    check(response, VENDOR)
    return accepted(response)


def _pieces(parts: list[tuple[Part, T]], most: int) -> Iterator[list[tuple[Part, T]]]:
    piece: list[tuple[Part, T]] = []
    size = 0
    for each in parts:
        more = len(each[0].body) + 1
        if piece and (len(piece) >= most or size + more > MAX_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(each)
        size += more
    if piece:
        yield piece
