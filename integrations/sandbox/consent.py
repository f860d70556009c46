"""The page on which people let the app in, shared by the vendors whose accounts it connects.

Every choice on it is a link to the address it stands at with one parameter more: a browser that
holds forms to their own origin would not follow the answer back to the app. Scripts add the same
parameters themselves: `&approve=1` or `&deny=1`, and `&account=…` for who it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi.responses import RedirectResponse, Response

from integrations.sandbox.pages import page

FOUND = 302


class BadRequest(Exception):
    """The page is shown `code` and the sentence; nobody is sent back to the app."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Person:
    """`account` is what `&account=` takes, `where` a line below the name."""

    account: str
    name: str
    where: str


def ask(
    url: str,
    *,
    vendor: str,
    colour: str,
    people: Sequence[Person],
    chosen: Person | None,
    wants: Sequence[str],
) -> Response:
    """Show who is there and what is wanted; `url` is the one that was asked for.

    Nobody `chosen`: it asks who it is first. `wants`: sentences that end "Voice Todo wants to …".
    """
    return page(
        "consent.html",
        vendor=vendor,
        colour=colour,
        people=[(each, added(url, account=each.account)) for each in people],
        chosen=chosen,
        wants=wants,
        approve=added(url, approve="1"),
        deny=added(url, deny="1"),
    )


def refuse(vendor: str, error: BadRequest) -> Response:
    """What people see when the app is wrong."""
    return page("consent_refused.html", 400, vendor=vendor, code=error.code, why=error.why)


def back(redirect_uri: str, **answer: str | None) -> Response:
    """To the app, with the answer; parameters that are None are left out."""
    return RedirectResponse(
        added(redirect_uri, **answer),
        FOUND,
        {"cache-control": "no-store", "referrer-policy": "no-referrer"},
    )


def added(url: str, **parameters: str | None) -> str:
    """The same address with these parameters, each in place of one of its name."""
    parts = urlsplit(url)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in parameters
    ]
    given = [(name, value) for name, value in parameters.items() if value is not None]
    return urlunsplit(parts._replace(query=urlencode(kept + given)))
