"""What may come in about accounts."""

from math import isfinite
from typing import Annotated, Any, ClassVar

import orjson
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)

from api.schemas.dues import Body, Zone
from api.schemas.preferences import ClockTime, Notifying
from api.schemas.text import line
from core.rules.passwords import MAX_CHARS
from core.rules.preferences import MOST_AUDIO_DAYS
from core.services.accounts import Draft
from core.services.users import MAX_PREFERENCES_BYTES

MAX_EMAIL_CHARS = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets

MAX_DEPTH = 20


def _address(value: str) -> str:
    """Lower case, so that one mailbox is one account. Nothing is looked up."""
    try:
        found = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        msg = "this is not an e-mail address"
        raise ValueError(msg) from error
    if "." not in found.domain:
        msg = "the domain of this e-mail address has no dot"
        raise ValueError(msg)
    return found.normalized.lower()


def _encodable(secret: SecretStr) -> SecretStr:
    """Refuse lone surrogates: pydantic looks for them in plain strings only."""
    secret.get_secret_value().encode()
    return secret


def _storable(value: object, depth: int = 0) -> object:
    """Any JSON of RFC 8259 that PostgreSQL and orjson take: no NaN, NUL, lone surrogate, 2**64."""
    match value:
        case dict() | list() if depth == MAX_DEPTH:
            msg = f"nested deeper than {MAX_DEPTH}"
            raise ValueError(msg)
        case dict():
            for name, inner in value.items():
                _storable(name)
                _storable(inner, depth + 1)
        case list():
            for inner in value:
                _storable(inner, depth + 1)
        case float() if not isfinite(value):
            raise ValueError("NaN and infinity are not JSON")
        case str() if "\0" in value:
            raise ValueError("NUL cannot be stored")
    return value


def _bounded(value: object) -> object:
    try:
        size = len(orjson.dumps(_storable(value)))
    except TypeError as error:
        msg = "too large a number, or no Unicode"
        raise ValueError(msg) from error
    if size > MAX_PREFERENCES_BYTES:
        msg = f"at most {MAX_PREFERENCES_BYTES} bytes"
        raise ValueError(msg)
    return value


Email = Annotated[
    str,
    Field(
        max_length=MAX_EMAIL_CHARS,
        json_schema_extra={"format": "email"},
        examples=["alice@example.com"],
    ),
    AfterValidator(_address),
]
Password = Annotated[
    SecretStr,
    Field(max_length=MAX_CHARS, examples=["a few words make a good one"]),
    AfterValidator(_encodable),
]
PersonName = Annotated[str, line(100)]
Locale = Annotated[
    str,
    Field(
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        description="BCP 47",
        examples=["en-GB"],
    ),
]


Phone = Annotated[
    str,
    Field(
        pattern=r"^\+[1-9][0-9]{6,14}$",
        max_length=16,
        description="E.164; text messages go there once it is verified",
        examples=["+491701234567"],
    ),
]


class Registration(Body):
    email: Email
    password: Password
    name: PersonName = ""
    timezone: Zone = "UTC"
    locale: Locale = "en"

    def to_draft(self) -> Draft:
        return Draft(
            self.email, self.password.get_secret_value(), self.name, self.timezone, self.locale
        )


class AnonymousRegistration(Body):
    """All of it may be left out, the body as well."""

    timezone: Zone = "UTC"
    locale: Locale = "en"

    def to_draft(self) -> Draft:
        return Draft(timezone=self.timezone, locale=self.locale)


class Credentials(Body):
    email: Email
    password: Password


class Upgrade(Credentials):
    name: PersonName = ""

    def to_draft(self) -> Draft:
        return Draft(self.email, self.password.get_secret_value(), self.name)


class Refresh(Body):
    refresh_token: Annotated[str, line(200, blank=False)]


class Verification(Body):
    token: Annotated[str, line(200, blank=False)]


class Preferences(Notifying):
    """Ours, as `PUT /me/notification-preferences` takes them; a client's own keys are kept."""

    audio_retention_days: Annotated[
        int | None,
        Field(
            strict=True,
            ge=0,
            le=MOST_AUDIO_DAYS,
            description="Days that the audio of recordings is kept once it is text, those that are"
            " there included; 0: not at all. Default: as whoever runs this service chose",
            examples=[7],
        ),
    ] = None
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "channels": {"reminder": ["push", "email"]},
                    "quiet_hours": {"start": "22:00", "end": "07:00"},
                }
            ]
        },
    )


class PhoneCode(Body):
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$", max_length=6, examples=["042137"])]


class MePatch(Body):
    """JSON Merge Patch: absent keeps, null goes back to the default."""

    name: PersonName | None = None
    timezone: Zone | None = None
    locale: Locale | None = None
    all_day_time: ClockTime | None = None
    phone: Phone | None = None
    preferences: Annotated[
        Preferences | None, BeforeValidator(_bounded), Field(description="At most 16 KiB")
    ] = None

    def to_patch(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)
