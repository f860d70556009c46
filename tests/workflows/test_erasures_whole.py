"""An account all the way out: the API, the outbox, real Temporal, a worker that may be killed."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from core.messages import Store
from tests import temporal
from tests.erasing import Marked, Site, holding, marked, site
from tests.logged import Lines, logged
from tests.patience import until
from tests.people import API, PASSWORD, Person, anonymous, register
from tests.voicing import upload, wav


# One for each test, as each has its own database and keys: a tick that was left by the site before
# cannot be read by the next one's worker, and its Schedule starts no other while it is retried.
@pytest.fixture
def own_temporal() -> Iterator[temporal.Server]:
    with temporal.server() as server:
        yield server


@pytest.fixture
async def place(
    database_url: str, own_temporal: temporal.Server, tmp_path: Path
) -> AsyncIterator[Site]:
    async with site(database_url, own_temporal, tmp_path) as made:
        yield made


@pytest.fixture
def said() -> Iterator[Lines]:
    """What the API says, which is in this process."""
    with logged("api") as lines:
        yield lines


@pytest.fixture
async def ada(place: Site) -> Person:
    return await register(place.world.http, "ada", timezone="Europe/Berlin")


async def test_nothing_is_left_and_the_receipt_says_how_much_it_was(
    place: Site, ada: Person
) -> None:
    for nth in range(3):
        assert (await ada.post("/todos", json={"title": f"todo {nth}"})).status_code == 201
    await place.sql("UPDATE users SET email_suppressed = 'bounced' WHERE id = %s", ada.id)
    receipt_id = await place.erase(ada)
    with place.worker():
        receipt = await place.erased(receipt_id)
    assert receipt["stores"]["rows"]["todos"] == 3
    assert receipt["stores"]["mail"] == {"mail_failed": 1}  # nobody is waited for who is not there
    assert receipt["stores"]["account"] == {"users": 1}
    assert await place.sql("SELECT count(*) FROM users WHERE id = %s", ada.id) == [(0,)]
    assert (await ada.get("/me")).status_code == 401
    again = await place.world.http.post(
        "/api/v1/auth/login", json={"email": ada.email, "password": PASSWORD}
    )
    assert again.status_code == 401


# Where nobody is named any more: proof, of which an account's random id is a part.
PROOF = {"audit_log", "erasures", "erasure_ledger", "data_requests"}
WITH_MARK = {"users", "todos", "lists", "events", "workspaces", "webhook_endpoints", "connections"}
WITH_ID = WITH_MARK | {"memberships", "sessions", "jobs", "reminders", "voice_memos", "consents"}


async def test_no_trace_is_left_of_somebody_who_used_it_all(place: Site, said: Lines) -> None:
    ada = await marked(place)
    with place.worker() as worker:
        await working(place, ada)
        assert holding(place, ada.mark) >= WITH_MARK
        assert holding(place, str(ada.person.id)) >= WITH_ID
        receipt = await place.erased(await place.erase(ada.person))
        scraped = place.metrics(worker) + (await place.world.http.get("/metrics")).text
    stores = receipt["stores"]
    assert stores["rows"]["todos"] >= ada.todos
    assert stores["connections"] == {"google_calendar": 1, "slack": 1}
    assert stores["blobs"]["blobs"] >= 2
    assert stores["workflows"]["workflows"] >= 2
    # What a team's members wrote stays with them; she said so herself in it.
    assert holding(place, ada.mark) <= {"todos", "events"}
    [(left, makers)] = await place.sql(
        "SELECT count(*), count(created_by) FROM todos WHERE workspace_id = %s", ada.team
    )
    assert (left, makers) == (2, 0)
    assert await place.sql("SELECT count(*) FROM todos WHERE workspace_id <> %s", ada.team) == [
        (0,)
    ]
    owner = "SELECT role FROM memberships WHERE workspace_id = %s"
    assert await place.sql(owner, ada.team) == [("owner",)]
    assert holding(place, str(ada.person.id)) <= PROOF | {"events"}
    assert [path.name for path in place.kept()] == [str(ada.person.id)]
    for path in (place.log, *place.server.files()):
        assert ada.mark.encode() not in path.read_bytes(), path
    assert all(each in scraped for each in ("data_work_total", "http_request_duration"))
    assert ada.mark not in scraped
    assert {f"{API}/{each}" for each in ("me/erasure", "voice/memos", "imports")} <= {
        row.get("route") for row in said.read_all()
    }
    assert ada.mark not in said.getvalue()
    assert await place.histories(ada.person.id) == []


async def nobody_in(place: Site) -> bool:
    return not await place.sql("SELECT 1 FROM users")


async def working(place: Site, ada: Marked) -> None:
    """The worker has done what was asked of it so far."""
    words = f"{ada.mark}%"
    told = "SELECT 1 FROM notifications WHERE title LIKE %s"

    async def done() -> bool:
        return bool(
            await place.sql(told, words)
            and await place.sql("SELECT 1 FROM webhook_deliveries")
            and not await place.sql("SELECT 1 FROM outbox")
        )

    await until(done)


POINTS = [  # in the order in which they are met
    "erasure_begin",
    *(f"erasure_{store}" for store in list(Store)[: list(Store).index(Store.ROWS)]),
    "erasure_rows_todos",
    "erasure_rows_deliveries",
    "erasure_rows",
    "erasure_histories",
    "erasure_account",
]


async def test_a_worker_that_dies_half_way_has_done_each_step_once(place: Site) -> None:
    await killed(place, ["erasure_rows_todos"])


@pytest.mark.long
async def test_a_worker_that_dies_at_every_step_has_done_each_once(place: Site) -> None:
    await killed(place, POINTS)


async def killed(place: Site, points: list[str]) -> None:
    ada = await marked(place)
    receipt_id = await place.erase(ada.person)
    for point in points:
        with place.worker(fault=point) as worker:
            await place.died(worker)
    with place.worker():
        receipt = await place.erased(receipt_id)
    stores = receipt["stores"]
    assert stores["rows"]["series"] == ada.todos
    assert stores["connections"] == {"google_calendar": 1, "slack": 1}
    assert stores["account"] == {"users": 1, "keys": 1}
    mails = place.mails(ada.person.email or "")
    assert [mail["category"] for mail in mails].count("erasure_begun") == 1
    for statement in (
        "SELECT count(*) FROM erasure_receipts",
        "SELECT count(*) FROM erasure_ledger",
        "SELECT count(*) FROM audit_log WHERE action = 'account.erased'",
        "SELECT count(*) FROM audit_log WHERE action = 'erasure.begun'",
    ):
        assert await place.sql(statement) == [(1,)], statement
    assert holding(place, ada.mark) <= {"todos", "events"}


async def test_services_that_refuse_for_a_while_are_asked_again_and_shown(place: Site) -> None:
    ada = await marked(place)
    place.world.fault("slack", times=3, status=503, kind="auth.revoke")
    place.world.fault("sendgrid", times=3, status=503, kind="recipients.erase")
    receipt_id = await place.erase(ada.person)
    with place.worker():

        async def shown() -> bool:
            progress = (await place.receipt(receipt_id))["progress"]
            return "slack" in [each["problem"] for each in progress]

        await until(shown)
        receipt = await place.erased(receipt_id)
    assert receipt["stores"]["connections"] == {"google_calendar": 1, "slack": 1}
    assert receipt["stores"]["mail_service"] == {"sendgrid": 1}
    seen = [row["kind"] for row in place.ledger("sendgrid")]
    assert "recipients.erase" in seen


async def test_an_anonymous_account_that_became_part_of_it_goes_with_it(place: Site) -> None:
    mark = "zqwhilenobodyknewme"
    somebody = await anonymous(place.world.http)
    assert (await upload(somebody, wav(1.0))).status_code == 202
    [todo] = [(await somebody.post("/todos", json={"title": f"{mark} before"})).json()]
    await somebody.patch(f"/todos/{todo['id']}", json={"title": "after"})
    ada = await register(place.world.http, "ada")
    linked = await somebody.post("/auth/link", json={"email": ada.email, "password": PASSWORD})
    assert linked.is_success, linked.text
    assert holding(place, mark)
    receipt_id = await place.erase(ada)
    with place.worker():
        await place.erased(receipt_id)
        await until(partial(nobody_in, place))
    assert holding(place, mark) == set()
    assert {path.name for path in place.kept()} == {str(ada.id), str(somebody.id)}


async def test_whom_a_backup_brings_back_is_erased_again_before_anybody_is_served(
    place: Site,
) -> None:
    ada = await register(place.world.http, "ada")
    await ada.post("/todos", json={"title": "from before"})
    copy = place.backup()
    receipt_id = await place.erase(ada)
    with place.worker():
        await place.erased(receipt_id)
    await place.restore(copy)
    assert await place.sql("SELECT status FROM users WHERE id = %s", ada.id) == [("active",)]
    async with place.another_api() as (app, http):
        assert (await http.get("/ready")).status_code == 503
        refused = await http.get("/api/v1/me", headers=ada.headers)
        assert (refused.status_code, "reapply" in refused.text) == (503, True)
        with place.worker():
            await until(partial(nobody_in, place))
            await until(lambda: app.state.cleared)
        assert (await http.get("/ready")).status_code == 200
        assert (await http.get("/api/v1/me", headers=ada.headers)).status_code == 401
    assert await place.sql("SELECT count(*) FROM todos") == [(0,)]
