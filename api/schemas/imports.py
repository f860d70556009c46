from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from core.rules.importing.records import Format
from core.services.import_report import Report
from core.services.import_rows import Line, Seen

FORMATS: Final = (
    "What the file is; found out when it is left out. `localstorage`: what a browser kept, "
    "also arrays as TodoMVC keeps them. `json`: our own export, the archive or its todos.json"
)


def _flag(value: object) -> object:
    """A form has text only; pydantic alone would take `0`, `off` and `n` as well."""
    if isinstance(value, str) and value not in {"true", "false"}:
        raise ValueError("send true or false")
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]


class ImportFields(BaseModel):
    """What may come beside the file."""

    model_config = ConfigDict(extra="forbid")

    format: Format | None = Field(None, description=FORMATS)
    dry_run: Flag = Field(default=False, description="Say what would come of it; make nothing")
    again: Flag = Field(
        default=False, description="Make again what came with an earlier file and was deleted since"
    )


class TakeBack(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep_changed: StrictBool = Field(
        default=False, description="Keep what was changed since, and take back all else"
    )


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that made nothing. `line` 0 is the file itself."""

    line: int
    code: str | None
    reason: str | None
    excerpt: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows came to which end."""

    created: int
    existed: int
    rejected: int
    skipped: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """`rejected` has the first hundred, `GET …/rows` all of them.

    `lists` are the new ones; `lost` says what could not be kept as it was, in words.
    """

    total: int | None
    counts: Counts
    lists: list[str]
    rejected: list[Refused]
    lost: list[str]

    @classmethod
    def of(cls, report: Report) -> Self:
        told = report.told()
        counts, rejected = Counts(**told["counts"]), [Refused(**each) for each in told["rejected"]]
        return cls(**told | {"counts": counts, "rejected": rejected})


@dataclass(frozen=True, slots=True)
class ImportUndo:
    """`kept` was changed since, and stays."""

    job_id: UUID
    status: str
    progress: float
    error: str | None
    taken_back: int
    kept: int
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Import:
    """A file and what became of it. A trial (`dry_run`) counts what would be created."""

    id: UUID
    workspace_id: UUID
    status: str
    progress: float
    result: ImportResult
    error: str | None
    format: str | None
    dry_run: bool
    again: bool
    file_name: str | None
    bytes: int
    sha256: str
    change_set: UUID | None
    undo: ImportUndo | None
    created_at: datetime
    updated_at: datetime
    undo_until: datetime

    @classmethod
    def of(cls, seen: Seen) -> Self:
        row, report = seen.row, Report.of(seen.row.report)
        undo = None
        if row.undo_id is not None:
            undo = ImportUndo(
                row.undo_id,
                seen.undo_status or "",
                seen.undo_progress or 0.0,
                seen.undo_error,
                report.taken_back,
                report.kept,
                row.undone_at,
            )
        return cls(
            row.id,
            row.workspace_id,
            seen.status,
            seen.progress,
            ImportResult.of(report),
            seen.error,
            row.format,
            row.dry_run,
            row.again,
            row.file_name,
            row.size,
            row.sha256.hex(),
            None if row.dry_run else row.change_set_id,
            undo,
            row.created_at,
            max(filter(None, (row.updated_at, seen.told_at, seen.undo_told_at))),
            row.expires_at,
        )

    @property
    def etag(self) -> str:
        return f'"{int(self.updated_at.timestamp() * 1_000_000)}"'


@dataclass(frozen=True, slots=True)
class ImportPage:
    """Newest first."""

    data: list[Import]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """`taken` says what an undoing did with its todo: `back`, or `kept` since it was changed."""

    line: int
    ref: str | None
    outcome: str
    todo_id: UUID | None
    code: str | None
    reason: str | None
    excerpt: str
    lost: list[str]
    taken: str | None

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(**{name: getattr(line, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class ImportedRowPage:
    """In the order of the file."""

    data: list[ImportedRow]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Migrated:
    """Which id of the browser became which todo: of those that are new, and those that were here.

    One that was deleted here since is not among them.
    """

    import_id: UUID
    todos: dict[str, UUID]
    result: ImportResult
