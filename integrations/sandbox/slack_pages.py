"""The workspace as people see it, and the ways to add to it and to take its token away."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from integrations.sandbox import slack_blocks
from integrations.sandbox.gate import Gate
from integrations.sandbox.pages import page
from integrations.sandbox.slack import SlackService
from integrations.sandbox.slack_workspace import TEAM, Conversation

SHOWN: Final = 20
MESSAGES: Final = 30

Name = Annotated[str, Field(min_length=1, max_length=80)]


class ChannelIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    is_member: bool = True  # whether the app was invited


class MemberIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    email: Annotated[str, Field(min_length=3, max_length=254)]


class TokenIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, Field(min_length=1, max_length=200)]


def router(slack: SlackService, gate: Gate) -> APIRouter:
    pages = APIRouter(include_in_schema=False)
    kept = slack.workspace

    @pages.get("/slack")
    async def workspace() -> Response:
        shown = list(kept.newest())[:SHOWN]
        return page(
            "slack.html",
            team=TEAM,
            conversations=[_shown(each) for each in shown],
            channels=[each.to_json() for each in kept.conversations.values() if each.name],
            members=list(kept.members.values()),
            newest=gate.ledger.last_seq,
            live=True,
        )

    @pages.post("/slack/channels", status_code=201)
    async def add_channel(body: ChannelIn) -> Response:
        made = kept.add_channel(body.name, is_member=body.is_member)
        return _json(made.to_json(), 201)

    @pages.patch("/slack/channels/{channel_id}")
    async def archive(channel_id: str, *, archived: bool) -> Response:
        found = kept.conversations.get(channel_id)
        if found is None:
            raise HTTPException(404)
        found.is_archived = archived
        return _json(found.to_json())

    @pages.get("/slack/channels/{channel_id}/messages")
    async def messages(channel_id: str) -> Response:
        """All of them with their metadata, oldest first; a person's id names their messages."""
        found = kept.place(channel_id)
        given = found.messages if found else ()
        return _json([each.to_json(metadata=True) for each in given])

    @pages.get("/slack/members.json")
    async def members() -> Response:
        return _json([each.to_json() for each in kept.members.values()])

    @pages.post("/slack/members", status_code=201)
    async def add_member(body: MemberIn) -> Response:
        return _json(kept.add_member(body.name, body.email.casefold()).to_json(), 201)

    @pages.post("/slack/revoked", status_code=204)
    async def revoke(body: TokenIn) -> Response:
        """As when an administrator removes the app: the token is refused from now on."""
        slack.grants.revoked.add(body.token)
        return Response(status_code=204)

    return pages


def _shown(of: Conversation) -> dict[str, Any]:
    return {
        "id": of.id,
        "name": of.name,
        "is_direct": of.with_user is not None,
        "messages": [
            {
                "at": each.at_utc,
                "lines": slack_blocks.lines(each.blocks) or [each.text],
                "text": each.text,
                "buttons": slack_blocks.buttons(each.blocks),
                "edited": each.edited_ts is not None,
            }
            for each in list(of.messages)[-MESSAGES:]
        ],
    }


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
