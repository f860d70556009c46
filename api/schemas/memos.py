from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, model_validator

from core.crypto import Keyring
from core.models.memos import ConsentKind
from core.services import memo_secrets
from core.services.consents import Consent
from core.services.memo_rows import MemoRow
from core.services.voice_results import VoiceResult

Language = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        max_length=35,
        description="A hint: BCP 47, as in `GET /voice/languages`",
        examples=["en"],
    ),
]
Sha256 = Annotated[
    str,
    Field(
        pattern="^[0-9a-fA-F]{64}$",
        max_length=64,
        description="Of the recording, in hex; 422 when something else arrived",
    ),
]
CAPTURE = "Made by the client: the same capture sent twice is one memo"


class MemoFields(BaseModel):
    """What may come beside the recording."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None
    capture_id: UUID | None = Field(None, description=CAPTURE)
    session_id: UUID | None = Field(None, description="A voice session in this workspace")
    sha256: Sha256 | None = None


class Reprocess(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dry_run: StrictBool = Field(
        default=False, description="Understand the kept words anew and show what differs"
    )
    language: Language | None = None


def _without_default(schema: dict[str, Any]) -> None:
    """A false there would read as if leaving it out withdrew it."""
    schema.pop("default", None)


Version = Annotated[int | None, Field(ge=1, le=1000, examples=[1])]


class VersionsShown(BaseModel):
    """Of the texts that the person had before them."""

    model_config = ConfigDict(extra="forbid")

    third_party_transcription: Version = None
    third_party_understanding: Version = None


class ConsentsGiven(BaseModel):
    """What is not named stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"anyOf": [{"required": [kind]} for kind in ConsentKind]},
    )

    third_party_transcription: StrictBool = Field(
        default=False,
        description="Recordings may be transcribed by an outside service",
        examples=[True],
        json_schema_extra=_without_default,
    )
    third_party_understanding: StrictBool = Field(
        default=False,
        description="What was said, as text, may be interpreted by an outside language model",
        examples=[True],
        json_schema_extra=_without_default,
    )
    versions: VersionsShown | None = Field(None, description="Those that were shown, if any were")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.given():
            msg = "give at least one of the two"
            raise ValueError(msg)
        return self

    def given(self) -> dict[ConsentKind, bool]:
        return {kind: getattr(self, kind) for kind in ConsentKind if kind in self.model_fields_set}

    def shown(self, kind: ConsentKind) -> int | None:
        """The version of this text that was shown; null: nobody said."""
        return getattr(self.versions, kind) if self.versions else None


@dataclass(frozen=True, slots=True)
class Consents:
    data: list[Consent]


@dataclass(frozen=True, slots=True)
class Word:
    """Seconds from the beginning of the recording."""

    text: str
    start: float
    end: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class MemoSummary:
    """`audio_until` is null as long as it is not known, and for audio that is kept for ever."""

    id: UUID
    status: str
    stage: str | None
    job_id: UUID
    session_id: UUID | None
    language: str | None
    duration_s: float | None
    bytes: int
    media_type: str
    sha256: str
    transcript: str | None
    transcriber: str | None
    quality: str | None
    stt_confidence: float | None
    problem: str | None
    has_audio: bool
    audio_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, memo: MemoRow, ring: Keyring, **more: Any) -> Self:
        return cls(
            id=memo.id,
            status=memo.status,
            stage=memo.stage,
            job_id=memo.job_id,
            session_id=memo.session_id,
            language=memo.language,
            duration_s=memo.duration_s,
            bytes=memo.size,
            media_type=memo.media_type,
            sha256=memo.sha256.hex(),
            transcript=memo_secrets.transcript(ring, memo),
            transcriber=memo.transcriber,
            quality=memo.quality,
            stt_confidence=memo.stt_confidence,
            problem=memo.problem,
            has_audio=memo.blob is not None,
            audio_until=memo.retain_until if memo.blob is not None else None,
            created_at=memo.created_at,
            updated_at=memo.updated_at,
            **more,
        )


@dataclass(frozen=True, slots=True)
class Memo(MemoSummary):
    """With each word's place where the transcriber tells them, and with what came of it."""

    words: list[Word] | None
    result: VoiceResult | None

    @classmethod
    def whole(cls, memo: MemoRow, ring: Keyring, result: VoiceResult | None) -> Self:
        told = memo_secrets.words(ring, memo)
        words = None if told is None else [Word(**each) for each in told]
        return cls.of(memo, ring, words=words, result=result)


@dataclass(frozen=True, slots=True)
class MemoPage:
    """Newest first, without those that were deleted."""

    data: list[MemoSummary]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """What `dry_run` shows: what came of it, what would now, and which parts of it differ."""

    before: VoiceResult | None
    after: VoiceResult
    differs: list[str]

    @classmethod
    def of(cls, before: VoiceResult | None, after: VoiceResult) -> Self:
        was = _RESULT.dump_python(before, mode="json") if before else {}
        now = _RESULT.dump_python(after, mode="json")
        return cls(
            before, after, [name for name in COMPARED if _meant(was, name) != _meant(now, name)]
        )


# What is understood; what it was done to is another matter.
COMPARED: Final = ("language", "question", "commands", "proposed")
MEANT: Final = ("intent", "fields", "filter")
_RESULT: Final = TypeAdapter(VoiceResult)


def _meant(result: dict[str, Any], name: str) -> Any:
    told = result.get(name)
    if not isinstance(told, list):
        return told
    return [{part: each[part] for part in MEANT} for each in told]
