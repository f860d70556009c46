"""The end of an account at its doors: looked at, asked for, taken back. A workflow does it."""

from uuid import UUID, uuid4

from fastapi import FastAPI
from httpx2 import AsyncClient

from core import embedded
from tests.people import API, PASSWORD, Person, anonymous
from tests.teams import sql, team
from tests.todos import make

ASKED = {"password": PASSWORD}


async def test_the_preview_counts_what_goes_and_says_what_stays(
    app: FastAPI, alice: Person, bob: Person
) -> None:
    url = embedded.database_url(app.state.settings)
    shared = await team(url, owner=alice, member=bob)
    alone = await team(url, owner=alice)
    await make(alice, list="Home", reminders=[], title="mine")
    for workspace_id in (shared, alone):
        made = await alice.post(f"/todos?workspace_id={workspace_id}", json={"title": "ours"})
        assert made.status_code == 201, made.text
    found = (await alice.get("/me/erasure/preview")).json()
    assert found["goes"]["todos"] == 2
    assert found["goes"]["sessions"] == 1
    assert set(found["ends"]) == {str(alice.id), str(alone)}
    assert found["passes_on"] == [str(shared)]
    kept = {each["what"]: each["count"] for each in found["keeps"]}
    assert kept["todos"] == 1
    assert kept["audit_log"] >= 1
    assert (await bob.get("/me/erasure/preview")).json()["goes"].get("todos") is None


async def test_it_takes_the_password(alice: Person) -> None:
    for body in ({}, {"password": "something else entirely"}):
        refused = await alice.post("/me/erasure", json=body)
        assert refused.status_code == 403, refused.text
    assert (await alice.get("/me/erasure")).status_code == 404


async def test_an_anonymous_account_has_none_to_show(http: AsyncClient) -> None:
    somebody = await anonymous(http)
    assert (await somebody.post("/me/erasure", json={})).status_code == 202


async def test_during_the_grace_everything_works_and_it_can_be_cancelled(
    app: FastAPI, alice: Person
) -> None:
    url = embedded.database_url(app.state.settings)
    asked = await alice.post("/me/erasure", json=ASKED)
    assert asked.status_code == 202, asked.text
    told = asked.json()
    assert asked.headers["location"] == f"{API}/me/erasure"
    assert (told["status"], told["finished_at"]) == ("waiting", None)
    assert (await alice.post("/me/erasure", json=ASKED)).status_code == 409
    await make(alice, title="still here")
    shown = await alice.http.get(f"{API}/erasure-receipts/{told['receipt_id']}")
    assert (shown.json()["status"], shown.json()["signature"]) == ("waiting", None)
    register = "SELECT kind, outcome FROM data_requests WHERE subject_id = %s"
    assert await sql(url, register, UUID(told["id"])) == [("erasure", None)]
    assert (await alice.delete("/me/erasure")).status_code == 204
    assert (await alice.get("/me/erasure")).json()["status"] == "cancelled"
    assert (await alice.delete("/me/erasure")).status_code == 404
    assert await sql(url, register, UUID(told["id"])) == [("erasure", "withdrawn")]
    gone = await alice.http.get(f"{API}/erasure-receipts/{told['receipt_id']}")
    assert gone.status_code == 404
    assert (await alice.post("/me/erasure", json=ASKED)).status_code == 202  # another time


async def test_the_grace_has_bounds(alice: Person) -> None:
    for days in (-1, 31):
        refused = await alice.post("/me/erasure", json={**ASKED, "grace_days": days})
        assert refused.status_code == 422


async def test_a_receipt_is_not_found_by_guessing(http: AsyncClient) -> None:
    assert (await http.get(f"{API}/erasure-receipts/{uuid4()}")).status_code == 404
