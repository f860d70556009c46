"""What SendGrid finds wrong with a message, in its words.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
"""

import re
from collections.abc import Iterator
from typing import Final

import orjson

from integrations.sandbox import sendgrid_substitutions

MAX_RECIPIENTS: Final = 1000
MAX_CATEGORIES: Final = 10
MAX_CATEGORY_CHARS: Final = 255
MAX_CUSTOM_ARGS_BYTES: Final = 10_000
ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
MAX_ADDRESS_CHARS: Final = 254

PERSONALIZATION_FIELDS: Final = frozenset(
    {
        "to",
        "cc",
        "bcc",
        "from",
        "subject",
        "headers",
        "substitutions",
        "dynamic_template_data",
        "custom_args",
        "send_at",
    }
)
MESSAGE_FIELDS: Final = frozenset(
    {
        "personalizations",
        "from",
        "reply_to",
        "reply_to_list",
        "subject",
        "content",
        "attachments",
        "template_id",
        "sections",
        "headers",
        "categories",
        "custom_args",
        "send_at",
        "batch_id",
        "asm",
        "ip_pool_name",
        "mail_settings",
        "tracking_settings",
    }
)

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors#message.headers
RESERVED_HEADERS: Final = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
TO_REQUIRED: Final = (
    "The to array is required for all personalization objects, and must have at least one email"
    " object with a valid email address."
)
FROM_REQUIRED: Final = (
    "The from object must be provided for every email send. It is an object that requires the"
    ' email parameter, but may also contain a name parameter.  e.g. {"email" :'
    ' "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.'
)
SUBJECT_REQUIRED: Final = (
    "The subject is required. You can get around this requirement if you use a template with a"
    " subject defined or if every personalization has a subject defined."
)
CONTENT_REQUIRED: Final = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at"
    " least one defined content block. We typically suggest both text/plain and text/html blocks"
    " are included, but only one block is required."
)

Problem = tuple[str, str, str]  # message, field, anchor of the help page


def problems(message: dict[str, object]) -> Iterator[Problem]:
    yield from _unknown(message, MESSAGE_FIELDS, "")
    personalizations = message.get("personalizations")
    if not isinstance(personalizations, list) or not personalizations:
        yield (
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
            "-Personalizations-Errors",
        )
        personalizations = []
    elif len(personalizations) > MAX_RECIPIENTS:
        yield (
            "You may not have more than 1000 personalizations per request.",
            "personalizations",
            "-Personalizations-Errors",
        )
        return
    yield from _twice(personalizations)
    yield from sendgrid_substitutions.problems(personalizations)
    recipients = 0
    all_have_subjects = bool(personalizations)
    for at, each in enumerate(personalizations):
        field = f"personalizations.{at}"
        if not isinstance(each, dict):
            yield "Invalid type. Expected: object.", field, "-Personalizations-Errors"
            continue
        yield from _personalization(each, field)
        recipients += sum(len(_list(each.get(name))) for name in ("to", "cc", "bcc"))
        all_have_subjects = all_have_subjects and _is_text(each.get("subject"))
    if recipients > MAX_RECIPIENTS:
        yield (
            "There is a limit of 1000 total recipients (to + cc + bcc) per request.",
            "personalizations",
            "-Personalizations-Errors",
        )
    sender = message.get("from")
    if not isinstance(sender, dict) or "email" not in sender:
        yield FROM_REQUIRED, "from.email", "message.from"
    else:
        yield from _address(sender, "from", "message.from")
    if "reply_to" in message:
        yield from _address(message["reply_to"], "reply_to", "message.reply_to")
    has_template = _is_text(message.get("template_id"))
    if "subject" in message and not isinstance(message["subject"], str):
        yield "The subject must be a string.", "subject", "message.subject"
    elif not has_template and not all_have_subjects and not _is_text(message.get("subject")):
        yield SUBJECT_REQUIRED, "subject", "message.subject"
    yield from _content(message, has_template=has_template)
    yield from _categories(message)
    yield from _custom_args(message, "custom_args")
    yield from _headers(message, "headers")


def _twice(personalizations: list[object]) -> Iterator[Problem]:
    """An address may be in one personalization only. In several of one block is told elsewhere."""
    seen: set[str] = set()
    for each in personalizations:
        people = _list(each.get("to")) if isinstance(each, dict) else []
        emails = {
            person["email"].lower()
            for person in people
            if isinstance(person, dict) and isinstance(person.get("email"), str)
        }
        for email in emails & seen:
            text = (
                "Each unique email address in the personalizations array should only be included"
                f" once. You have included [{email}] more than once."
            )
            yield text, "personalizations", "-Personalizations-Errors"
        seen |= emails


def _personalization(each: dict[str, object], field: str) -> Iterator[Problem]:
    yield from _unknown(each, PERSONALIZATION_FIELDS, f"{field}.")
    if not _list(each.get("to")):
        yield TO_REQUIRED, f"{field}.to", "message.personalizations.to"
    seen: set[str] = set()
    for name in ("to", "cc", "bcc"):
        group = each.get(name)
        if group is not None and not isinstance(group, list):
            yield "Invalid type. Expected: array.", f"{field}.{name}", "-Personalizations-Errors"
        for at, person in enumerate(_list(group)):
            yield from _address(person, f"{field}.{name}.{at}", f"message.personalizations.{name}")
            email = person.get("email") if isinstance(person, dict) else None
            if not isinstance(email, str):
                continue
            if email.lower() in seen:
                text = (
                    "Each email address in the personalization block should be unique between to,"
                    f" cc, and bcc. We found the first duplicate instance of [{email}] in the"
                    f" {field}.{name} field."
                )
                yield text, field, "-Personalizations-Errors"
                return
            seen.add(email.lower())
    if "subject" in each and not _is_text(each["subject"]):
        text = "The personalized subject must be a string at least one character in length."
        yield text, f"{field}.subject", "message.personalizations.subject"
    yield from _custom_args(each, f"{field}.custom_args")
    yield from _headers(each, f"{field}.headers")


def _address(person: object, field: str, anchor: str) -> Iterator[Problem]:
    if not isinstance(person, dict):
        yield "Invalid type. Expected: object.", field, anchor
        return
    email = person.get("email")
    if not isinstance(email, str) or len(email) > MAX_ADDRESS_CHARS or not ADDRESS.fullmatch(email):
        yield "Does not contain a valid address.", f"{field}.email", anchor
    name = person.get("name")
    if not isinstance(name, str | None):
        yield "Invalid type. Expected: string.", f"{field}.name", anchor
    elif name and set(name) & set(";,") and field.startswith("personalizations."):
        # https://docs.sendgrid.com/api-reference/mail-send/limitations
        yield "The name may not include either ; or , characters.", f"{field}.name", anchor


def _content(message: dict[str, object], *, has_template: bool) -> Iterator[Problem]:
    content = message.get("content")
    if content is None and has_template:
        return
    if not isinstance(content, list) or not content:
        yield CONTENT_REQUIRED, "content", "message.content"
        return
    types: list[str] = []
    for at, part in enumerate(content):
        if not isinstance(part, dict):
            yield "Invalid type. Expected: object.", f"content.{at}", "message.content"
            continue
        kind = part.get("type")
        if not isinstance(kind, str) or "/" not in kind or set(kind) & set(";,\r\n"):
            text = "The content type must be a valid MIME type without ; or ,."
            yield text, f"content.{at}.type", "message.content.type"
        else:
            types.append(kind.lower())
        if not _is_text(part.get("value")):
            text = "The content value must be a string at least one character in length."
            yield text, f"content.{at}.value", "message.content.value"
    order = [kind for kind in types if kind in {"text/plain", "text/html"}]
    if "text/plain" in order[1:] or types[: len(order)] != order:
        text = (
            "If present, text/plain and text/html may only be provided once, text/plain must be"
            " first, followed by text/html, followed by any other content."
        )
        yield text, "content", "message.content.type"


def _categories(message: dict[str, object]) -> Iterator[Problem]:
    categories = message.get("categories")
    if categories is None:
        return
    if not isinstance(categories, list) or len(categories) > MAX_CATEGORIES:
        text = "You may have at most 10 categories, given as an array."
        yield text, "categories", "message.categories"
        return
    for at, category in enumerate(categories):
        if not isinstance(category, str) or len(category) > MAX_CATEGORY_CHARS:
            text = "Each category must be a string of at most 255 characters."
            yield text, f"categories.{at}", "message.categories"
    if len({str(category) for category in categories}) < len(categories):
        yield "The categories must be unique.", "categories", "message.categories"


def _custom_args(holder: dict[str, object], field: str) -> Iterator[Problem]:
    args = holder.get("custom_args")
    if args is None:
        return
    if not isinstance(args, dict) or not all(isinstance(each, str) for each in args.values()):
        text = "The custom_args must be an object of strings."
        yield text, field, "message.custom_args"
    elif len(orjson.dumps(args)) > MAX_CUSTOM_ARGS_BYTES:
        text = "The custom_args must not be larger than 10000 bytes."
        yield text, field, "message.custom_args"


def _headers(holder: dict[str, object], field: str) -> Iterator[Problem]:
    headers = holder.get("headers")
    if headers is None:
        return
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        yield "The headers must be an object of strings.", field, "message.headers"
        return
    for name in headers:
        if name.lower() in RESERVED_HEADERS or not name.isascii():
            text = f"The header {name} is reserved or not ASCII, and may not be overwritten."
            yield text, f"{field}.{name}", "message.headers"


def _unknown(found: dict[str, object], known: frozenset[str], prefix: str) -> Iterator[Problem]:
    for name in found.keys() - known:
        yield f"Additional property {name} is not allowed", prefix + name, ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
