"""What may come in about todos."""

from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from api.pages import DEFAULT_LIMIT, MAX_LIMIT
from api.schemas.dues import Body, DueBody
from api.schemas.lists import Name, Position
from api.schemas.moments import Instant
from api.schemas.recurrence import RecurrenceBody
from api.schemas.reminders import ReminderBody
from api.schemas.tags import TagName
from api.schemas.text import line, text
from core.models.todos import Priority, Status
from core.services.reminders import MAX_PER_TODO
from core.services.series import Scope
from core.services.todo_pages import Filters, Sort
from core.services.todos import TodoDraft

UUID_VERSION = 7


def _version7(value: UUID) -> UUID:
    if value.version != UUID_VERSION:
        msg = "ids made by clients are UUIDv7"
        raise ValueError(msg)
    return value


Title = Annotated[str, line(500, blank=False)]
Description = Annotated[str, text(10_000)]
Tags = Annotated[list[TagName], Field(max_length=50)]
ClientId = Annotated[UUID, AfterValidator(_version7)]


class TodoBody(Body):
    title: Title
    description: Description = ""
    list_id: UUID | None = None
    list_name: Name | None = Field(
        None, alias="list", description="A list by name; made when there is none"
    )
    parent_id: UUID | None = None
    priority: Priority = Priority.NONE
    tags: Tags = Field(default_factory=list)
    due: DueBody | None = None
    assignee_id: UUID | None = None
    position: Position | None = None
    location: Annotated[str, line(300)] | None = None
    reminders: Annotated[list[ReminderBody], Field(max_length=MAX_PER_TODO)] = Field(
        default_factory=list
    )
    recurrence: RecurrenceBody | None = Field(
        None, description="How it comes back; its due time is the first occurrence"
    )

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Call mum",
                    "due": {"date": "2030-05-04", "time": "18:00", "timezone": "Europe/Berlin"},
                    "reminders": [{"before": "PT15M", "channels": ["email"]}],
                    "recurrence": {"rrule": "FREQ=WEEKLY"},
                }
            ]
        },
    )

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.list_id is not None and self.list_name is not None:
            msg = "give either `list_id` or `list`"
            raise ValueError(msg)
        return self

    def to_draft(self, todo_id: UUID | None = None) -> TodoDraft:
        return TodoDraft(
            title=self.title,
            description=self.description,
            list_id=self.list_id,
            list_name=self.list_name,
            parent_id=self.parent_id,
            priority=self.priority,
            tags=self.tags,
            due=self.due.to_due() if self.due else None,
            assignee_id=self.assignee_id,
            position=self.position,
            location=self.location,
            reminders=[reminder.to_draft() for reminder in self.reminders],
            recurrence=self.recurrence.to_draft() if self.recurrence else None,
            id=todo_id,
        )


class TodoPatch(Body):
    """JSON Merge Patch: null clears, absent keeps. `recurrence` is replaced as a whole."""

    title: Title = ""
    description: Description | None = None
    list_id: UUID | None = None
    list_name: Name | None = Field(None, alias="list")
    parent_id: UUID | None = None
    priority: Priority | None = None
    tags: Tags | None = None
    due: DueBody | None = None
    assignee_id: UUID | None = None
    position: Position = 0.0
    location: Annotated[str, line(300)] | None = None
    recurrence: RecurrenceBody | None = Field(None, description="Null: it comes back no more")

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if {"list_id", "list_name"} <= self.model_fields_set:
            msg = "give either `list_id` or `list`"
            raise ValueError(msg)
        return self

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, null replaced by what empty means."""
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        for name, empty in (("description", ""), ("priority", Priority.NONE), ("tags", [])):
            if name in sent and sent[name] is None:
                sent[name] = empty
        if sent.get("due") is not None:
            sent["due"] = sent["due"].to_due()
        if self.recurrence is not None:
            sent["recurrence"] = self.recurrence.to_draft()
        if "list_name" in sent and sent["list_name"] is None:
            del sent["list_name"]
            sent["list_id"] = None
        return sent


class MoveBody(Body):
    due: DueBody


class EditQuery(BaseModel):
    scope: Scope | None = Field(
        None,
        description="Of a todo that recurs: this occurrence, this and the `following`, or `all`. "
        "Without it a new due time is this one's, everything else this and the following's",
    )


class DeleteQuery(BaseModel):
    scope: Literal[Scope.THIS, Scope.ALL] | None = Field(
        None,
        description="Of a todo that recurs: `this` goes on to the next occurrence, `all` (the "
        "default) ends the series with it",
    )


class TodoQuery(BaseModel):
    """What a page of todos is asked by; parameters that are not known are no concern of ours."""

    workspace_id: UUID | None = Field(None, description="Default: the personal one")
    status: Status | None = None
    priority: Priority | None = None
    tag: Annotated[str, line(50)] | None = None
    list_id: UUID | None = None
    parent_id: UUID | None = None
    due_before: Instant | None = Field(None, description="RFC 3339, exclusive")
    due_after: Instant | None = Field(None, description="RFC 3339, inclusive")
    q: Annotated[str, line(200)] | None = Field(None, description="In title or description")
    assignee: UUID | Literal["me"] | None = Field(None, description="An id, or `me`")
    sort: Sort = Sort.CREATED
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=512)] | None = None
    fields: Annotated[str, line(500)] | None = Field(None, description="Only these: a,b")

    def to_filters(self, me: UUID) -> Filters:
        return Filters(
            self.status,
            self.priority,
            self.tag,
            self.list_id,
            self.parent_id,
            self.due_before,
            self.due_after,
            self.q or None,
            me if self.assignee == "me" else self.assignee,
        )
