"""SendGrid's substitutions: what is refused, and what becomes of the rest.

https://www.twilio.com/docs/sendgrid/for-developers/sending-email/substitution-tags and the tables
of `personalizations.substitutions` in https://www.twilio.com/docs/sendgrid/api-reference/mail-send.
"""

from collections.abc import Iterator, Mapping
from typing import Final

MAX_BYTES: Final = 10_000  # of one personalization's, tags and values
MAX_IN_CALL: Final = 10_000
NESTED: Final = 4
ANCHOR: Final = "message.personalizations.substitutions"

Problem = tuple[str, str, str]


def problems(personalizations: list[object]) -> Iterator[Problem]:
    count = 0
    for at, each in enumerate(personalizations):
        found = each.get("substitutions") if isinstance(each, dict) else None
        if found is None:
            continue
        field = f"personalizations.{at}.substitutions"
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            text = (
                "The substitution values must be an object of key/value pairs, where the values"
                " are all strings."
            )
            yield text, field, ANCHOR
            continue
        count += len(found)
        if sum(len(f"{tag}{value}".encode()) for tag, value in found.items()) > MAX_BYTES:
            text = "The substitutions may not exceed 10000 bytes per personalization."
            yield text, field, ANCHOR
    if count > MAX_IN_CALL:
        yield "You are limited to 10,000 substitutions.", "personalizations", ANCHOR


def apply(text: str, substitutions: Mapping[str, str]) -> str:
    """Also inside of what was substituted, up to four deep: a tag that can be guessed is a hole."""
    for _ in range(NESTED):
        before = text
        for tag, value in substitutions.items():
            text = text.replace(tag, value)
        if text == before:
            break
    return text
