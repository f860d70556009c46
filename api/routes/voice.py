from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from api import pages, query
from api.advice import Advised
from api.paths import V1
from api.schemas.voice import (
    NO_LANGUAGE,
    ConfirmBody,
    VoiceAnalyticsQuery,
    VoiceCommandBody,
    VoiceCommandQuery,
    VoicePageQuery,
    VoiceSessionBody,
)
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.db import Database
from core.errors import Conflict, Invalid
from core.rules import zones
from core.rules.understanding import languages
from core.rules.understanding.languages import Language
from core.services import (
    voice_analytics,
    voice_answers,
    voice_commands,
    voice_history,
    voice_sessions,
)
from core.services.voice_analytics import VoiceAnalytics
from core.services.voice_history import VoiceCommand, VoiceCommandDetail
from core.services.voice_results import Asked, Using, VoiceResult
from core.services.voice_sessions import VoiceSession

router = APIRouter(prefix=f"{V1}/voice", tags=["voice"], route_class=Authenticated)
advised = APIRouter(prefix=f"{V1}/voice", tags=["voice"], route_class=Advised)

LONGEST_SPAN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class VoiceCommandPage:
    """Newest first."""

    data: list[VoiceCommand]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class VoiceSessionPage:
    """The last spoken in first."""

    data: list[VoiceSession]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class LanguagePage:
    """Best understood first; all of them."""

    data: list[Language]
    next_cursor: str | None
    has_more: bool


@advised.post(
    "/commands", operation_id="say_voice_command", openapi_extra=query.documented(InWorkspace)
)
async def say(visit: Visit, body: VoiceCommandBody) -> VoiceResult:
    """Understand what was said, and do it as far as that is sure; else ask back.

    "Yes", "no" and "the second one" answer the question that stands in the session.
    """
    using = _using(visit)
    if body.language and using.adviser is None and languages.tabled(body.language) is None:
        raise Invalid(NO_LANGUAGE, pointer="/language", code="unknown_language")
    asked = body.to_asked(body.session_id)
    heard: dict[str, Any] = {
        "using": using,
        "workspace_id": visit.workspace_id,
        "now": visit.now,
    }
    answer = await voice_answers.spoken(visit.tx, visit.actor, body.text, asked, **heard)
    if answer is not None:
        return answer
    try:
        return await voice_commands.run(
            visit.tx,
            visit.actor,
            body.text,
            asked,
            **heard,
            advice=visit.state.advice,
        )
    except (Conflict, Invalid):
        if not body.dry_run:
            visit.state.refused = partial(_keep_refused, visit, body.text, asked)
        raise


@router.post("/commands/{command_id}/confirm", operation_id="confirm_voice_command")
async def confirm(visit: Visit, command_id: UUID, body: ConfirmBody) -> VoiceResult:
    """Answer what was asked back, within ten minutes, of a recording a week.

    The same answer twice is one.
    """
    return await voice_answers.confirm(
        visit.tx, visit.actor, command_id, body.choice, using=_using(visit), now=visit.now
    )


@router.get(
    "/commands",
    operation_id="list_voice_commands",
    openapi_extra=query.documented(VoiceCommandQuery),
)
async def list_commands(visit: Visit, response: Response) -> VoiceCommandPage:
    """What I said, and what became of it."""
    asked = query.read(VoiceCommandQuery, visit)
    workspace_id = asked.workspace_id or visit.actor.user_id
    question = f"voice commands {visit.actor.user_id} {workspace_id} {asked.session_id}"
    found = await voice_history.page(
        visit.tx,
        visit.actor,
        workspace_id=workspace_id,
        session_id=asked.session_id,
        before=pages.moment(visit, question, asked.cursor),
        limit=asked.limit,
        ring=_using(visit).ring,
    )
    data, cursor = pages.cut(
        visit, response, question, found, asked.limit, lambda each: [each.created_at, each.id]
    )
    return VoiceCommandPage(data, cursor, has_more=cursor is not None)


@router.get("/commands/{command_id}", operation_id="get_voice_command")
async def get_command(visit: Visit, command_id: UUID) -> VoiceCommandDetail:
    """With what was answered, and which words each value came from."""
    return await voice_history.get(visit.tx, visit.actor, command_id, ring=_using(visit).ring)


@router.delete("/commands/{command_id}", status_code=204, operation_id="forget_voice_command")
async def forget_command(visit: Visit, command_id: UUID) -> None:
    """Forget the words. What was done stays done, and that something was said is still counted."""
    await voice_history.forget(visit.tx, visit.actor, command_id)


@router.post(
    "/sessions",
    status_code=201,
    operation_id="begin_voice_session",
    openapi_extra=query.documented(InWorkspace),
)
async def begin_session(visit: Visit, body: VoiceSessionBody, response: Response) -> VoiceSession:
    """A talk of its own: "that" and "undo" are about what was said in it."""
    made = await voice_sessions.begin(
        visit.tx, visit.actor, body.described(), workspace_id=visit.workspace_id
    )
    response.headers["Location"] = f"/api/v1/voice/sessions/{made.id}"
    return made


@router.get(
    "/sessions",
    operation_id="list_voice_sessions",
    openapi_extra=query.documented(VoicePageQuery),
)
async def list_sessions(visit: Visit, response: Response) -> VoiceSessionPage:
    asked = query.read(VoicePageQuery, visit)
    workspace_id = asked.workspace_id or visit.actor.user_id
    question = f"voice sessions {visit.actor.user_id} {workspace_id}"
    found = await voice_sessions.page(
        visit.tx,
        visit.actor,
        workspace_id=workspace_id,
        before=pages.moment(visit, question, asked.cursor),
        limit=asked.limit,
    )
    data, cursor = pages.cut(
        visit, response, question, found, asked.limit, lambda each: [each.last_at, each.id]
    )
    return VoiceSessionPage(data, cursor, has_more=cursor is not None)


@router.get("/sessions/{session_id}", operation_id="get_voice_session")
async def get_session(visit: Visit, session_id: UUID) -> VoiceSession:
    return await voice_sessions.get(visit.tx, visit.actor, session_id)


@router.get("/languages", operation_id="list_voice_languages")
async def list_languages(visit: Visit) -> LanguagePage:
    """Those that are understood without a language model, and how well: tier 1 is measured."""
    await visit.tx.person()
    return LanguagePage(list(languages.listed()), None, has_more=False)


@router.get(
    "/analytics",
    operation_id="get_voice_analytics",
    openapi_extra=query.documented(VoiceAnalyticsQuery),
)
async def analytics(visit: Visit) -> VoiceAnalytics:
    """How well I am understood, by day, intent, language and transcriber."""
    asked = query.read(VoiceAnalyticsQuery, visit)
    zone = (await visit.tx.person()).timezone
    to = asked.to or visit.now.astimezone(zones.zone(zone)).date()
    since = asked.from_ or to - timedelta(days=29)
    if not timedelta(0) <= to - since <= LONGEST_SPAN:
        detail = "`from` is not after `to`, and at most 366 days before it"
        raise Invalid(detail, pointer="/query/from", code="range")
    return await voice_analytics.of_person(
        visit.tx,
        visit.actor,
        workspace_id=asked.workspace_id or visit.actor.user_id,
        since=zones.instant(since, time(), zone),
        until=zones.instant(to + timedelta(days=1), time(), zone),
    )


async def _keep_refused(visit: Visit, text: str, asked: Asked) -> None:
    database: Database = visit.app.state.database
    async with database.transaction() as tx:
        tx.act_for(visit.actor.user_id, limit_key=f"voice:{visit.actor.user_id}")
        await voice_commands.failed(
            tx, visit.actor, text, asked, using=_using(visit), workspace_id=visit.workspace_id
        )


def _using(visit: Visit) -> Using:
    using: Using = visit.app.state.voice
    return using
