"""The page on which people let the app into the workspace."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from integrations.sandbox import consent, slack_grants
from integrations.sandbox.consent import Person
from integrations.sandbox.slack import SlackService
from integrations.sandbox.slack_workspace import TEAM_NAME

COLOUR: Final = "#611f69"
SHOWN: Final = 8


def router(slack: SlackService) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.get(slack_grants.AUTHORIZE)
    async def authorize(request: Request) -> Response:
        """For scripts: `approve=1`, `deny=1`, `account=…`: a member's id or e-mail address."""
        given = dict(request.query_params)
        try:
            wanted = slack_grants.wanted(given)
        except consent.BadRequest as error:
            return consent.refuse("Slack", error)
        if given.get("deny"):
            return consent.back(wanted.redirect_uri, error="access_denied", state=wanted.state)
        account = given.get("account", "").casefold()
        members = list(slack.workspace.members.values())
        chosen = next((m for m in members if account in (m.id.casefold(), m.email)), None)
        if given.get("approve"):
            code = slack.grants.approve(wanted, (chosen or members[0]).id)
            return consent.back(wanted.redirect_uri, code=code, state=wanted.state)
        people = [Person(m.id, m.name, f"{m.email} · {TEAM_NAME}") for m in members[:SHOWN]]
        return consent.ask(
            f"{request.url.path}?{request.url.query}",
            vendor="Slack",
            colour=COLOUR,
            people=people,
            chosen=next((p for p in people if chosen and p.account == chosen.id), None),
            wants=[slack_grants.SCOPES[each] for each in wanted.scopes],
        )

    return pages
