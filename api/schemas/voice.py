"""What may come in as words."""

from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from api.pages import DEFAULT_LIMIT, MAX_LIMIT
from api.schemas.dues import Body, Zone
from api.schemas.moments import Calendar, Instant
from api.schemas.text import line, text
from core.rules.understanding import languages
from core.services.voice_results import Asked

MAX_CHARS = 2_000
MAX_DEVICE_ENTRIES = 20
NO_LANGUAGE = "name a language of GET /voice/languages"


def _tag(code: str) -> str:
    """Of one that we have no lexicon for, a language model may know more."""
    return languages.tabled(code.strip()) or code.strip()


def _known(code: str) -> str:
    """A tag of BCP 47 is its language here: `de-AT` is German."""
    language = languages.tabled(code.strip())
    if language is None:
        raise ValueError(NO_LANGUAGE)
    return language


Language = Annotated[str, line(35, blank=False), AfterValidator(_known)]
AnyLanguage = Annotated[str, line(35, blank=False), AfterValidator(_tag)]
Words = Annotated[str, text(MAX_CHARS, blank=False)]


class Spoken(Body):
    """Words, and how they are to be understood."""

    text: Words
    language: Language | None = Field(
        None, description="A hint (BCP 47); without it the words tell", examples=["en", "de-AT"]
    )
    timezone: Zone | None = Field(
        None, description="Where the words are said; default: one's own zone, and floating times"
    )
    dry_run: StrictBool = Field(default=False, description="Understand only: nothing is written")
    now: Instant | None = Field(
        None, description="Only with `dry_run`: understand as if it were then"
    )

    @model_validator(mode="after")
    def _pretending_writes_nothing(self) -> Self:
        if self.now is not None and not self.dry_run:
            msg = "`now` goes with `dry_run` only"
            raise ValueError(msg)
        return self

    def to_asked(self, session_id: UUID | None = None) -> Asked:
        return Asked(
            language=self.language,
            session_id=session_id,
            zone=self.timezone,
            dry_run=self.dry_run,
            moment=self.now,
        )


class VoiceCommandBody(Spoken):
    language: AnyLanguage | None = Field(
        None,
        description="A hint (BCP 47); without it the words tell. One that is not in "
        "`GET /voice/languages` is understood by a language model, if one is set up",
        examples=["en", "de-AT"],
    )
    session_id: UUID | None = Field(
        None, description="Default: the talk that goes on, or a new one"
    )

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "Remind me to call mom tomorrow at 5 pm", "language": "en"},
                {"text": "Was ist diese Woche fällig?", "dry_run": True},
            ]
        },
    )


class QuickBody(Spoken):
    """`#list @tag p1 {friday}` are understood as in Todoist."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Buy milk tomorrow 5pm #Groceries @errand p1"}]},
    )


class ConfirmBody(Body):
    choice: Annotated[
        str,
        line(64, blank=False),
        Field(
            description="`yes`, `no`, the id of a todo, or the number of a candidate, from 1",
            examples=["yes", "2"],
        ),
    ]


# Strict: a word of nothing but digits is a word. Numbers: those that JSON keeps exact everywhere.
DeviceText = Annotated[str, line(200)]
DeviceCount = Annotated[int, Field(strict=True, ge=1 - 2**53, le=2**53 - 1)]
DeviceNumber = Annotated[float, Field(strict=True, ge=1 - 2**53, le=2**53 - 1)]
DeviceValue = DeviceText | DeviceCount | DeviceNumber | StrictBool | None


class VoiceSessionBody(Body):
    device: (
        Annotated[
            dict[Annotated[str, line(50, blank=False)], DeviceValue],
            Field(max_length=MAX_DEVICE_ENTRIES),
        ]
        | None
    ) = Field(None, description="As the client describes it", examples=[{"model": "Pixel 12"}])

    def described(self) -> dict[str, Any] | None:
        return None if self.device is None else dict(self.device)


class VoicePageQuery(BaseModel):
    workspace_id: UUID | None = Field(None, description="Default: the personal one")
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=512)] | None = None


class VoiceCommandQuery(VoicePageQuery):
    session_id: UUID | None = None


class VoiceAnalyticsQuery(BaseModel):
    """Days in one's own zone, both included."""

    workspace_id: UUID | None = Field(None, description="Default: the personal one")
    from_: Calendar | None = Field(
        None, alias="from", description="Default: 29 days before `to`", examples=["2030-05-01"]
    )
    to: Calendar | None = Field(None, description="Default: today", examples=["2030-05-30"])
