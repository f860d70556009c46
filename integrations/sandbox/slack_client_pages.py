"""Slack as people have it before them: commands, shortcuts, buttons, the app's Home.

Each door takes JSON, for scripts, or the page's forms, which lead back to the page.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.sandbox import slack_blocks, slack_responses
from integrations.sandbox.gate import Gate
from integrations.sandbox.pages import page
from integrations.sandbox.slack import SlackService
from integrations.sandbox.slack_client import SlackClient
from integrations.sandbox.slack_people import People
from integrations.sandbox.slack_workspace import Unknown

PAGE: Final = "/slack/client"
MAX_BODY: Final = 64 * 1024
MESSAGES: Final = 50

Text = Annotated[str, Field(max_length=3000)]
Name = Annotated[str, Query(max_length=254)]
FoundT = TypeVar("FoundT")


class _Doing(BaseModel):
    """`user` and `channel` by id or name; no channel: the direct messages with the app."""

    model_config = ConfigDict(extra="forbid")

    user: Text = "Alice"
    channel: Text = ""


class CommandIn(_Doing):
    text: Text = ""
    command: Text = "/todo"


class ShortcutIn(_Doing):
    ts: Text
    callback_id: Text = "voicetodo_make_todo"


class ActionIn(_Doing):
    """Without `ts`: in the App Home. `value`: which one, of several with this `action_id`."""

    ts: Text = ""
    action_id: Text
    value: Text | None = None


class MessageIn(_Doing):
    text: Annotated[str, Field(min_length=1, max_length=3000)]


class HomeIn(_Doing):
    pass


class EventIn(_Doing):
    event: dict[str, Any]


BodyT = TypeVar("BodyT", bound=_Doing)


class RetriesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[list[Annotated[float, Field(ge=0, le=3600)]], Field(max_length=10)]


def router(slack: SlackService, client: SlackClient | None, gate: Gate) -> APIRouter:  # noqa: C901 - a list of routes; each is one decision or none
    pages = APIRouter(include_in_schema=False)
    kept = slack.workspace

    def people() -> People:
        if client is None:
            raise HTTPException(409, "this sandbox was not told where the app is")
        return People(slack, client)

    @pages.get(PAGE)
    async def look(user: Name = "Alice", channel: Name = "", *, home: bool = False) -> Response:
        if client is None:
            return page("slack_client.html", 409, shown=None, newest=0, live=False)
        member = _known(lambda: kept.member(user))
        place = _known(lambda: kept.named(channel, member))
        return page(
            "slack_client.html",
            shown=[
                each | {"parts": _parts(each["blocks"])}
                for each in _conversation(slack, member.id, place.id)
            ],
            home=_home(slack, member.id) if home else None,
            member=member,
            place=place,
            members=list(kept.members.values()),
            channels=[each for each in kept.conversations.values() if each.name],
            newest=gate.ledger.last_seq,
            live=True,
        )

    @pages.get(f"{PAGE}/messages")
    async def messages(user: Name = "Alice", channel: Name = "") -> Response:
        """What this person sees there, oldest first; `ephemeral`: nobody else does."""
        member = _known(lambda: kept.member(user))
        place = _known(lambda: kept.named(channel, member))
        return _json(_conversation(slack, member.id, place.id))

    @pages.get(f"{PAGE}/home")
    async def home(user: Name = "Alice") -> Response:
        """The view that the app published for this person; null: none yet."""
        member = _known(lambda: kept.member(user))
        return _json(kept.homes.get(member.id))

    @pages.post(f"{PAGE}/home")
    async def open_home(request: Request) -> Response:
        body, back = await _read(request, HomeIn, home="1")
        return await _done(people().home(body.user), back)

    @pages.post(f"{PAGE}/command")
    async def command(request: Request) -> Response:
        body, back = await _read(request, CommandIn)
        here = _here(request)
        doing = people().command(body.user, body.channel, body.text, name=body.command, here=here)
        return await _done(doing, back)

    @pages.post(f"{PAGE}/shortcut")
    async def shortcut(request: Request) -> Response:
        body, back = await _read(request, ShortcutIn)
        here = _here(request)
        doing = people().shortcut(
            body.user, body.channel, body.ts, callback_id=body.callback_id, here=here
        )
        return await _done(doing, back)

    @pages.post(f"{PAGE}/action")
    async def action(request: Request) -> Response:
        body, back = await _read(request, ActionIn)
        doing = people().action(
            body.user,
            body.channel,
            body.ts,
            action_id=body.action_id,
            value=body.value,
            here=_here(request),
        )
        return await _done(doing, back if body.ts else back and f"{back}&home=1")

    @pages.post(f"{PAGE}/event")
    async def event(request: Request) -> Response:
        body, back = await _read(request, EventIn)
        return await _done(people().event(body.event), back)

    @pages.post(f"{PAGE}/message")
    async def message(request: Request) -> Response:
        body, back = await _read(request, MessageIn)
        written = _known(lambda: people().write(body.user, body.channel, body.text))
        return RedirectResponse(back, 303) if back else _json(written.to_json(), 201)

    @pages.put(f"{PAGE}/retries", status_code=204)
    async def retries(body: RetriesIn) -> Response:
        """The waits before an event is told again, instead of Slack's own."""
        people().retry_after(body.seconds)
        return Response(status_code=204)

    return pages


def _here(request: Request) -> str:
    return str(request.base_url).rstrip("/")


async def _read(request: Request, model: type[BodyT], **more: str) -> tuple[BodyT, str]:
    """The body, and the page to go back to when it came from there."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise HTTPException(413)
    kind = request.headers.get("content-type", "").partition(";")[0]
    is_form = kind == "application/x-www-form-urlencoded"
    given: object = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        body = model.model_validate(given if is_form else orjson.loads(raw or b"{}"))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise HTTPException(422, str(error)) from error
    if not is_form:
        return body, ""
    return body, f"{PAGE}?{urlencode({'user': body.user, 'channel': body.channel} | more)}"


async def _done(doing: Awaitable[object], back: str) -> Response:
    try:
        told = await doing
    except Unknown as error:
        raise HTTPException(404, str(error)) from error
    return RedirectResponse(back, 303) if back else _json(told)


def _known(find: Callable[[], FoundT]) -> FoundT:
    try:
        return find()
    except Unknown as error:
        raise HTTPException(404, str(error)) from error


def _conversation(slack: SlackService, user: str, channel: str) -> list[dict[str, Any]]:
    place = slack.workspace.place(channel)
    written = [
        slack_responses.shown(slack.workspace, each) | {"ephemeral": False}
        for each in (place.messages if place else ())
    ]
    whispered = [
        slack_responses.shown(slack.workspace, each.message) | {"ephemeral": True}
        for each in slack.workspace.ephemeral
        if (each.user, each.channel) == (user, channel)
    ]
    return sorted(written + whispered, key=lambda each: float(each["ts"]))[-MESSAGES:]


def _home(slack: SlackService, user: str) -> list[dict[str, Any]]:
    view = slack.workspace.homes.get(user) or {"blocks": []}
    return _parts(view["blocks"])


def _parts(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Block by block: what stands there, and its buttons."""
    return [
        {
            "type": block.get("type"),
            "lines": slack_blocks.lines([block]),
            "buttons": slack_blocks.buttons([block]),
        }
        for block in blocks
    ]


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
