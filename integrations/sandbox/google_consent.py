"""The page on which a Google account is connected."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from integrations.sandbox import consent, google_accounts
from integrations.sandbox.consent import Person
from integrations.sandbox.google_accounts import GoogleAccounts

COLOUR = "#1a73e8"
SHOWN = 8


def router(accounts: GoogleAccounts) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.get(google_accounts.AUTHORIZE)
    async def authorize(request: Request) -> Response:
        """For scripts: `approve=1`, `deny=1`, `account=…`, and `granted=…` for fewer scopes."""
        given = dict(request.query_params)
        try:
            wanted = google_accounts.wanted(given)
        except consent.BadRequest as error:
            return consent.refuse("Google", error)
        if given.get("deny"):
            return consent.back(wanted.redirect_uri, error="access_denied", state=wanted.state)
        account = accounts.known(wanted.account) if wanted.account else None
        if given.get("approve"):
            granted = tuple(given["granted"].split()) if "granted" in given else wanted.scopes
            scopes = tuple(each for each in wanted.scopes if each in granted)
            code = accounts.approve(wanted, account or next(iter(accounts.accounts)), scopes)
            return consent.back(
                wanted.redirect_uri, state=wanted.state, code=code, scope=" ".join(scopes)
            )
        people = [Person(email, name, email) for email, name in accounts.accounts.items()]
        return consent.ask(
            str(request.url.path) + "?" + request.url.query,
            vendor="Google",
            colour=COLOUR,
            people=people[:SHOWN],
            chosen=next((each for each in people if each.account == account), None),
            wants=[google_accounts.SCOPES[each] for each in wanted.scopes],
        )

    return pages
