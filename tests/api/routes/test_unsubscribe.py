"""One click in a mailbox, without a session: e-mails of a kind end, and can come back."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from core import crypto
from core.ids import uuid7
from core.rules import unsubscribing
from core.rules.unsubscribing import Kind, Wish
from tests.people import Person
from tests.teams import sql

PATH = "/api/v1/unsubscribe"
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def link(app: FastAPI, alice: Person) -> str:
    return token(app, alice)


def token(app: FastAPI, person: Person, kind: Kind = Kind.REMINDER) -> str:
    key = crypto.derive(app.state.keys.encryption, unsubscribing.PURPOSE)
    return unsubscribing.token(key, Wish(person.id, kind))


async def click(http: AsyncClient, link: str) -> Response:
    """As RFC 8058 has it."""
    body = b"List-Unsubscribe=One-Click"
    return await http.post(f"{PATH}/{link}", content=body, headers=ONE_CLICK)


async def preferences(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get("/me")).json()["preferences"]
    return found


async def audited(url: str, person: Person) -> list[str]:
    return [
        row[0]
        for row in await sql(
            url,
            "SELECT action FROM audit_log WHERE actor_id = %s AND action LIKE 'email.%%subscribed'"
            " ORDER BY id",
            person.id,
        )
    ]


async def test_one_click_is_enough_and_twice_is_once(
    database_url: str, alice: Person, http: AsyncClient, link: str
) -> None:
    for _ in range(3):
        answer = await click(http, link)
        assert answer.status_code == 200
        told = answer.json()
        assert (told["kind"], told["subscribed"]) == ("reminder", False)
    found = await preferences(alice)
    assert found == {"channels": {"reminder": ["in_app"]}, "unsubscribed": ["reminder"]}
    assert await audited(database_url, alice) == ["email.unsubscribed"]


async def test_the_way_back_leads_back(
    database_url: str, alice: Person, http: AsyncClient, link: str
) -> None:
    chosen = {"channels": {"reminder": ["push", "email"]}, "theme": "dark"}
    await alice.patch("/me", json={"preferences": chosen})
    again = (await click(http, link)).json()["again"]
    assert (await preferences(alice))["channels"]["reminder"] == ["push"]
    answer = await click(http, again)
    assert answer.json()["subscribed"] is True
    assert await preferences(alice) == chosen
    assert await audited(database_url, alice) == ["email.unsubscribed", "email.resubscribed"]
    assert (await click(http, link)).json()["subscribed"] is False


async def test_a_browser_gets_pages_and_looking_changes_nothing(
    alice: Person, http: AsyncClient, link: str
) -> None:
    for _ in range(2):
        page = await http.get(f"{PATH}/{link}", headers=BROWSER)
        assert page.status_code == 200
        assert "No more e-mails with reminders?" in page.text
        assert f'action="{PATH}/{link}"' in page.text
    assert await preferences(alice) == {}
    done = await http.post(f"{PATH}/{link}", headers=BROWSER)
    assert "You get no more e-mails with reminders" in done.text
    [back] = re.findall(r'action="([^"]+)"', done.text)
    assert back != f"{PATH}/{link}"
    assert "Get e-mails with reminders again?" in (await http.get(back, headers=BROWSER)).text
    assert "You get e-mails with reminders" in (await http.post(back, headers=BROWSER)).text
    german = await http.get(f"{PATH}/{link}", headers=BROWSER | {"Accept-Language": "de-AT,de"})
    assert "Keine E-Mails mit Erinnerungen mehr?" in german.text


async def test_digests_are_another_kind(app: FastAPI, alice: Person, http: AsyncClient) -> None:
    await click(http, token(app, alice, Kind.DIGEST))
    found = await preferences(alice)
    assert found == {"channels": {"digest": []}, "unsubscribed": ["digest"]}


async def test_foreign_and_altered_links_are_nobody_s(
    app: FastAPI, alice: Person, http: AsyncClient, link: str
) -> None:
    key = crypto.derive(app.state.keys.encryption, unsubscribing.PURPOSE)
    other = crypto.derive(app.state.keys.encryption, "action-links")
    altered = ("B" if link[0] == "A" else "A") + link[1:]
    for wrong in (
        altered,
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link[:-4],
        "x" * 56,
        unsubscribing.token(other, Wish(alice.id, Kind.REMINDER)),
        unsubscribing.token(key, Wish(uuid7(), Kind.REMINDER)),
    ):
        assert (await click(http, wrong)).status_code == 404
        page = await http.get(f"{PATH}/{wrong}", headers=BROWSER)
        assert page.status_code == 404
        assert "not ours" in page.text
    assert await preferences(alice) == {}
