"""What an operator owes to people: a register with due dates, and who is concerned by a breach."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from core import clock
from core.db import Database
from core.errors import Conflict
from core.ids import uuid7
from core.rules.data_requests import RequestKind, RequestOutcome
from core.services import breaches, data_requests
from core.services.breaches import Exposed, Report
from core.services.data_requests import DataRequest
from tests.api.commands.conftest import Run
from tests.people import Person, address, alice
from tests.teams import sql, team

__all__ = ["alice"]  # the fixture: here she is a person, elsewhere a command line

LONG_AGO: Final = datetime(2020, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def run(administer: Run) -> Run:
    return administer


async def test_a_request_by_letter(alice: Person, run: Run) -> None:
    async def told(*arguments: str) -> Any:
        code, out, err = await run("requests", *arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    assert alice.email
    of = ("--user", alice.email.upper(), "--received", "2020-01-31")
    [asked] = await told("add", "rectification", *of)
    assert (asked["user_id"], asked["kind"]) == (str(alice.id), "rectification")
    assert (asked["received_at"][:10], asked["due_at"][:10]) == ("2020-01-31", "2020-02-29")
    _, shown, _ = await run("requests")
    assert "2020-02-29" in shown
    assert asked["id"] in {each["id"] for each in await told()}
    [closed] = await told("close", asked["id"], "--outcome", "refused")
    assert (closed["outcome"], bool(closed["closed_at"])) == ("refused", True)
    assert asked["id"] not in {each["id"] for each in await told()}
    assert asked["id"] in {each["id"] for each in await told("--all")}
    for twice in (("close", asked["id"]), ("extend", asked["id"])):
        code, _, err = await run("requests", *twice)
        assert (code, "Traceback" in err) == (1, False)
    [strangers] = await told("add", "objection")
    assert strangers["user_id"] is None
    for wrong in (("add", "access", "--user", address("nobody")), ("close", str(uuid7()))):
        assert (await run("requests", *wrong))[0] == 1


async def test_two_months_more_within_the_first(worker_db: Database) -> None:
    month = timedelta(days=29)
    async with worker_db.transaction() as tx:
        late = data_requests.begin(tx, RequestKind.ACCESS, None, now=LONG_AGO)
        soon = data_requests.begin(tx, RequestKind.ERASURE, None, now=LONG_AGO)
    async with worker_db.transaction() as tx:
        extended = await data_requests.extend(tx, soon, now=LONG_AGO + timedelta(days=3))
    assert extended.due_at == datetime(2020, 4, 30, 12, tzinfo=UTC)
    for request, at in ((late, LONG_AGO + month), (soon, LONG_AGO + timedelta(days=4))):
        with pytest.raises(Conflict):
            async with worker_db.transaction() as tx:
                await data_requests.extend(tx, request, now=at)


async def test_what_answers_a_request_is_one_request(app_db: Database, alice: Person) -> None:
    subject, now = uuid7(), clock.now()
    for outcome in (RequestOutcome.DONE, RequestOutcome.WITHDRAWN):
        async with app_db.transaction() as tx:
            data_requests.begin(tx, RequestKind.ACCESS, alice.id, subject_id=subject, now=now)
            data_requests.close(tx, subject, outcome, now=now)
    async with app_db.transaction() as tx:
        found = await data_requests.page(tx, closed=True)
    assert [each.outcome for each in found if each.subject_id == subject] == ["done"]


async def test_an_export_writes_itself_in(app_db: Database, alice: Person) -> None:
    asked = await alice.post("/exports", json={})
    assert asked.status_code == 202, asked.text
    export_id = UUID(asked.json()["id"])

    async def found() -> DataRequest:
        async with app_db.transaction() as tx:
            [one] = [
                each
                for each in await data_requests.page(tx, closed=True)
                if each.subject_id == export_id
            ]
        return one

    opened = await found()
    assert (opened.kind, opened.user_id, opened.closed_at) == ("access", alice.id, None)
    assert timedelta(days=27) < opened.due_at - opened.received_at < timedelta(days=32)
    removed = await alice.delete(f"/exports/{export_id}")
    assert removed.status_code == 204, removed.text
    assert (await found()).outcome == "withdrawn"


async def test_who_is_gone_waits_for_no_archive(
    app_db: Database, alice: Person, bob: Person
) -> None:
    archive, erasure, others, now = uuid7(), uuid7(), uuid7(), clock.now()
    async with app_db.transaction() as tx:
        for kind, person, subject in (
            (RequestKind.ACCESS, alice, archive),
            (RequestKind.ERASURE, alice, erasure),
            (RequestKind.ACCESS, bob, others),
        ):
            data_requests.begin(tx, kind, person.id, subject_id=subject, now=now)
        by_hand = data_requests.begin(tx, RequestKind.OBJECTION, alice.id, now=now)
    async with app_db.transaction() as tx:
        data_requests.close(tx, erasure, now=now)
    async with app_db.transaction() as tx:
        found = {each.id: each for each in await data_requests.page(tx, closed=True)}
    of = {each.subject_id: each.outcome for each in found.values()}
    assert (of[erasure], of[archive], of[others]) == ("done", "withdrawn", None)
    assert found[by_hand].outcome is None


def of(report: Report, category: str, *, sealed: bool = False) -> Exposed:
    [found] = [
        each for each in report.exposed if (each.category, each.sealed) == (category, sealed)
    ]
    return found


async def counted(
    database_url: str, since: datetime, until: datetime, workspace_id: UUID | None = None
) -> Report:
    return await asyncio.to_thread(
        breaches.report, database_url, since=since, until=until, workspace_id=workspace_id
    )


async def test_whose_data_lay_open(
    database_url: str, alice: Person, bob: Person, charlie: Person
) -> None:
    before = clock.now()
    shared = await team(database_url, owner=alice, member=bob)
    await alice.post(f"/todos?workspace_id={shared}", json={"title": "Ours"})
    await charlie.post("/todos", json={"title": "Not theirs"})
    after = clock.now() + timedelta(seconds=1)

    found = await counted(database_url, before, after, shared)
    assert {each.id for each in found.people} == {alice.id, bob.id}
    assert {each.email for each in found.people} == {alice.email, bob.email}
    content = of(found, "content")
    assert (content.risk, content.people) == ("high", 2)
    assert content.tables == ("todos", "events")
    assert (content.records, content.new) == (2, 2)  # a row of two people is one row
    assert "voice" not in {each.category for each in found.exposed}
    risks = [each.risk for each in found.exposed if not each.sealed]
    assert risks == sorted(risks, key=["high", "medium", "low"].index)

    later = await counted(database_url, after, after + timedelta(hours=1), shared)
    assert (of(later, "content").records, of(later, "content").new) == (2, 0)
    early = await counted(database_url, LONG_AGO, LONG_AGO + timedelta(days=1), shared)
    kinds = {each.category for each in early.exposed}
    assert kinds <= {"use", "bookkeeping", "schedule", "contact"}  # of rows that tell no time

    every = await counted(database_url, before, after)
    assert {alice.id, bob.id, charlie.id} <= {each.id for each in every.people}
    assert "users" in of(every, "contact").tables
    charlies = next(each for each in every.people if each.id == charlie.id)
    assert {"identity", "contact", "credential", "content"} <= set(charlies.categories)


async def test_what_is_sealed_is_told_apart(database_url: str, alice: Person) -> None:
    await sql(
        database_url,
        "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address, secret,"
        " secret_key, secret_hash, status, updated_at)"
        " VALUES (%s, %s, %s, 'slack', 'T1', 'U1', 'x', 'k', 'h', 'active', now())",
        alice.id,
        uuid7(),
        alice.id,
    )
    until = clock.now() + timedelta(seconds=1)
    found = await counted(database_url, until - timedelta(hours=1), until, alice.id)
    sealed = of(found, "credential", sealed=True)
    assert (sealed.tables, sealed.records) == (("connections",), 1)
    assert "sealed" not in str(found.people[0].categories)
    assert found.exposed[-1].sealed


async def test_every_table_of_the_map_is_counted(database_url: str, alice: Person) -> None:
    """Each of them by a statement that the database takes, in all and in one workspace."""
    now = clock.now()
    for room in (None, alice.id):
        found = await counted(database_url, LONG_AGO, now + timedelta(days=1), room)
        assert alice.id in {each.id for each in found.people}


async def test_the_report_as_people_read_it(alice: Person, run: Run) -> None:
    room = ("--workspace", str(alice.id))
    dates = ("--since", "2020-01-01", "--until", "2100-01-01T12:30")
    code, out, err = await run("breach-report", *dates, *room)
    assert code == 0, err
    assert out.startswith("# What lay open from 2020-01-01 00:00 to 2100-01-01 12:30 UTC\n")
    assert f"1 person is concerned, workspace {alice.id}." in out
    assert str(alice.email) not in out
    _, named, _ = await run("breach-report", *dates, *room, "--people")
    assert f"| {alice.id} | {alice.email} |" in named
    _, told, _ = await run("breach-report", *dates, *room, "--json")
    assert json.loads(told)["people"] == 1
    wrong = ("--since", "2020-01-01", "--until", "2019-01-01")
    assert (await run("breach-report", *wrong))[0] == 2
    nowhere = ("--workspace", str(uuid7()))
    code, _, err = await run("breach-report", *dates, *nowhere)
    assert (code, "no such workspace" in err) == (1, True)
