"""Push through the whole ledger, over loopback, to browsers behind the sandbox's push service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, PushVendor
from activities.deliveries import Deliveries, Step, Verdict
from activities.reminders import Reminders
from activities.tick import Ticks
from core import clock
from core.actor import Actor
from core.db import Database
from core.ids import uuid7
from core.messages import DeliveryMessage, Kind, TickMessage
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.services import explanations, push_subscriptions
from integrations.http import guarded_client
from integrations.http_transport import Limits
from integrations.pushes import Pushes
from integrations.web_push import WebPush
from tests.activities.conftest import KEY, Mailbox
from tests.reminding import Scene, scene

VAPID = generate_private_key(SECP256R1())


@dataclass(frozen=True, slots=True)
class Browser:
    id: UUID
    path: str
    sandbox: httpx2.Client

    def shows(self) -> list[dict[str, Any]]:
        """One of each topic and of each tag, as its screen does."""
        path = self.path.replace("/push/", "/push/subscriptions/")
        found = [
            orjson.loads(each["payload"]) for each in self.sandbox.get(f"{path}/messages").json()
        ]
        return list({each["tag"]: each for each in found}.values())

    def got(self) -> int:
        """Messages its push service accepted, however often."""
        rows = self.sandbox.get("/ledger.json", params={"vendor": "web_push"}).json()
        return sum(
            each["request"]["path"] == self.path and "decrypted" in each["request"] for each in rows
        )

    def gives_up(self) -> None:
        self.sandbox.delete(self.path.replace("/push/", "/push/subscriptions/"))


@dataclass(frozen=True, slots=True)
class Pushing:
    ticks: Ticks
    attempts: Deliveries
    app_db: Database
    mailbox: Mailbox
    url: str
    browsers: list[Browser] = field(default_factory=list)

    def scene(
        self, *, count: int = 1, reminders: int = 1, channels: list[str] | None = None
    ) -> Scene:
        """A person with so many browsers."""
        at = scene(self.url, [clock.now()] * reminders, channels=channels or ["push"])
        at.run("DELETE FROM push_subscriptions WHERE user_id = %s", at.user_id)
        for nth in range(count):
            self.browsers.append(self.subscribe(at, f"Browser {nth}"))
        return at

    def subscribe(self, at: Scene, name: str, session_id: UUID | None = None) -> Browser:
        given = self.mailbox.http.post("/push/subscriptions").json()
        made = Browser(uuid7(), given["endpoint"].removeprefix(self.mailbox.url), self.mailbox.http)
        at.run(
            "INSERT INTO push_subscriptions (id, user_id, session_id, endpoint, p256dh, auth, name)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            made.id,
            at.user_id,
            session_id,
            given["endpoint"],
            given["keys"]["p256dh"],
            given["keys"]["auth"],
            name,
        )
        return made

    async def tick(self, at: Scene) -> int:
        return await ActivityEnvironment().run(self.ticks.run, TickMessage(Kind.REMINDERS, at.lane))

    async def again(self, at: Scene, delivery: dict[str, Any]) -> Step:
        """The next attempt, as its workflow makes it, and its time has come."""
        at.run("UPDATE deliveries SET next_attempt_at = NULL WHERE id = %s", delivery["id"])
        message = DeliveryMessage(at.user_id, delivery["id"])
        return await ActivityEnvironment().run(self.attempts.attempt, message)

    def fault(self, **fault: object) -> None:
        self.mailbox.fault(vendor="web_push", **fault)


@pytest.fixture
async def pushing(
    app_db: Database, worker_db: Database, mailbox: Mailbox, database_url: str
) -> AsyncIterator[Pushing]:
    async with guarded_client(Limits(timeout=1), sandbox_url=mailbox.url) as client:
        sender = WebPush(client, VAPID, "mailto:todo@example.com", frozenset({"*"}))
        vendor = PushVendor(Pushes("https://todo.example", KEY), sender)
        channels = Channels({Channel.PUSH: vendor})
        handlers = {Kind.REMINDERS: Reminders(app_db, channels, dev=False)}
        yield Pushing(
            Ticks(worker_db, handlers, lanes=1, life_s=1.0),
            Deliveries(app_db, channels, dev=False),
            app_db,
            mailbox,
            database_url,
        )


def subscriptions(at: Scene) -> list[dict[str, Any]]:
    return at.rows("SELECT * FROM push_subscriptions WHERE user_id = %s ORDER BY id", at.user_id)


def outcome(delivery: dict[str, Any]) -> tuple[str, str | None, int]:
    return delivery["status"], delivery["error"], delivery["attempts"]


async def test_each_browser_gets_it_once(pushing: Pushing) -> None:
    at = pushing.scene(count=3, reminders=2)
    assert await pushing.tick(at) == 2
    deliveries = at.deliveries("push")
    assert [outcome(each) for each in deliveries] == [("sent", None, 1)] * 6
    assert {each["target_id"] for each in deliveries} == {each.id for each in pushing.browsers}
    for browser in pushing.browsers:
        shown = browser.shows()
        assert {each["title"] for each in shown} == {
            "Water <b>plant</b> 0",
            "Water <b>plant</b> 1",
        }
        ours = {str(each["id"]) for each in deliveries if each["target_id"] == browser.id}
        assert {each["tag"] for each in shown} == ours
        assert browser.got() == 2
    assert all(each["last_used_at"] and not each["failures"] for each in subscriptions(at))
    assert (at.waiting(), at.leases(), at.outbox()) == (0, 0, [])


async def test_without_a_browser_it_says_so(pushing: Pushing) -> None:
    at = pushing.scene(count=0, channels=["push", "in_app"])
    await pushing.tick(at)
    [delivery] = at.deliveries("push")
    assert outcome(delivery) == ("cancelled", "no_subscription", 0)
    assert sorted(each["kind"] for each in at.notifications()) == ["delivery_failed", "reminder"]
    async with pushing.app_db.transaction(read_only=True) as tx:
        tx.act_in([at.user_id], at.user_id)
        actor = Actor(at.user_id, uuid7())
        told = await explanations.why(tx, actor, at.reminders[0], now=clock.now())
    assert any("no browser or phone is set up for push messages" in each for each in told.sentences)


async def test_who_never_said_is_told_by_their_browsers(pushing: Pushing) -> None:
    at = pushing.scene()
    at.run("UPDATE reminders SET channels = NULL WHERE lane = %s", at.lane)
    await pushing.tick(at)
    assert {
        each["channel"]: each["status"]
        for each in at.rows("SELECT channel, status FROM deliveries WHERE user_id = %s", at.user_id)
    } == {"in_app": "sent", "email": "cancelled", "push": "sent"}  # no mail vendor here
    assert len(pushing.browsers[0].shows()) == 1


async def test_a_browser_that_gave_up_is_forgotten(pushing: Pushing) -> None:
    at = pushing.scene(count=2, reminders=1)
    gone, kept = pushing.browsers
    gone.gives_up()
    await pushing.tick(at)
    found = {each["target_id"]: outcome(each) for each in at.deliveries("push")}
    assert found == {
        gone.id: ("failed", "subscription_ended", 1),
        kept.id: ("sent", None, 1),
    }
    assert [each["id"] for each in subscriptions(at)] == [kept.id]
    assert [each["kind"] for each in at.notifications()] == ["delivery_failed"]
    assert at.outbox() == []


async def test_a_browser_that_refuses_is_counted(pushing: Pushing) -> None:
    at = pushing.scene()
    pushing.fault(status=403)
    await pushing.tick(at)
    assert outcome(at.deliveries("push")[0]) == ("failed", "vendor_rejected", 1)
    [kept] = subscriptions(at)
    assert (kept["failures"], kept["last_used_at"]) == (1, None)


@pytest.mark.parametrize(
    ("fault", "ambiguous", "reason"),
    [
        ({"status": 429, "headers": {"Retry-After": "30"}}, False, Reason.VENDOR_THROTTLED),
        ({"status": 500}, False, Reason.VENDOR_UNAVAILABLE),
        ({"status": 502, "body": "<html>\x00garbage"}, False, Reason.VENDOR_UNAVAILABLE),
        ({"delay_ms": 1300}, True, Reason.VENDOR_UNAVAILABLE),
        ({"drop": "before"}, True, Reason.VENDOR_UNAVAILABLE),
        ({"drop": "after"}, True, Reason.VENDOR_UNAVAILABLE),
    ],
)
async def test_whatever_breaks_it_is_shown_once(
    pushing: Pushing,
    fault: dict[str, object],
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    reason: Reason,
) -> None:
    at = pushing.scene(count=2)
    pushing.fault(**fault)
    await pushing.tick(at)
    by_status = {each["status"]: each for each in at.deliveries("push")}
    assert set(by_status) == {"sent", "pending"}
    pending = by_status["pending"]
    assert (pending["error"], pending["ambiguous"]) == (reason, ambiguous)
    if reason is Reason.VENDOR_THROTTLED:
        assert (pending["next_attempt_at"] - clock.now()).total_seconds() > 25
    assert len(at.outbox()) == 1
    assert await pushing.again(at, pending) == Step(Verdict.OVER, 2, Channel.PUSH, None, 0)
    assert {each["status"] for each in at.deliveries("push")} == {"sent"}
    for browser in pushing.browsers:
        assert len(browser.shows()) == 1


async def test_a_worker_that_died_while_sending_is_followed_by_another(pushing: Pushing) -> None:
    at = pushing.scene(count=2)
    await pushing.tick(at)
    # As it stands when the worker is killed after the send: nothing was settled.
    at.run(
        "UPDATE deliveries SET status = 'sending', sent_at = NULL WHERE user_id = %s", at.user_id
    )
    at.run(
        "UPDATE reminders SET next_at = %s WHERE lane = %s",
        at.deliveries("push")[0]["due_at"],
        at.lane,
    )
    await pushing.tick(at)
    assert [
        (each["status"], each["ambiguous"], each["attempts"]) for each in at.deliveries("push")
    ] == [("sent", True, 2)] * 2
    for browser in pushing.browsers:
        assert (browser.got(), len(browser.shows())) == (2, 1)


async def test_what_was_on_its_way_to_a_removed_browser_ends(pushing: Pushing) -> None:
    at = pushing.scene()
    pushing.fault(status=500)
    await pushing.tick(at)
    at.run("DELETE FROM push_subscriptions WHERE user_id = %s", at.user_id)
    [pending] = at.deliveries("push")
    step = await pushing.again(at, pending)
    assert (step.verdict, step.reason) == (Verdict.OVER, Reason.SUBSCRIPTION_ENDED)
    assert outcome(at.deliveries("push")[0]) == ("failed", "subscription_ended", 1)
    assert [each["kind"] for each in at.notifications()] == ["delivery_failed"]


async def test_what_is_held_for_a_removed_browser_ends_and_others_get_it(
    pushing: Pushing,
) -> None:
    at = pushing.scene(count=2)
    gone, kept = pushing.browsers
    at.run(
        "UPDATE users SET preferences = jsonb_build_object('quiet_hours', jsonb_build_object("
        "'start', to_char(now() AT TIME ZONE 'UTC' - interval '1 hour', 'HH24:MI'),"
        "'end', to_char(now() AT TIME ZONE 'UTC' + interval '1 hour', 'HH24:MI'))) WHERE id = %s",
        at.user_id,
    )
    await pushing.tick(at)
    assert {each["status"] for each in at.deliveries("push")} == {"held"}
    at.run("DELETE FROM push_subscriptions WHERE id = %s", gone.id)
    at.run("UPDATE users SET preferences = '{}' WHERE id = %s", at.user_id)
    at.run("UPDATE reminders SET next_at = now() WHERE lane = %s", at.lane)
    await pushing.tick(at)
    found = {each["target_id"]: outcome(each)[:2] for each in at.deliveries("push")}
    assert found == {gone.id: ("cancelled", "subscription_ended"), kept.id: ("sent", None)}
    assert (gone.got(), kept.got()) == (0, 1)


async def test_a_signed_out_browser_gets_nothing(pushing: Pushing) -> None:
    at = pushing.scene(count=0)
    session_id = uuid7()
    at.run(
        "INSERT INTO sessions (id, user_id, expires_at, revoked_at)"
        " VALUES (%s, %s, now() - interval '1 day', now())",
        session_id,
        at.user_id,
    )
    lost = pushing.subscribe(at, "Lost phone", session_id)
    await pushing.tick(at)
    assert outcome(at.deliveries("push")[0]) == ("cancelled", "no_subscription", 0)
    at.run("UPDATE sessions SET revoked_at = NULL WHERE id = %s", session_id)  # only run out
    at.run("UPDATE reminders SET next_at = now(), arm_no = 2 WHERE lane = %s", at.lane)
    await pushing.tick(at)
    assert len(lost.shows()) == 1


async def test_one_can_try_a_browser(pushing: Pushing) -> None:
    at = pushing.scene(reminders=1)
    browser = pushing.browsers[0]
    async with pushing.app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        actor = Actor(at.user_id, uuid7())
        await push_subscriptions.try_out(tx, actor, browser.id, now=clock.now())
    [delivery] = at.deliveries("push")
    step = await pushing.again(at, delivery)
    assert (step.verdict, step.reason) == (Verdict.OVER, None)
    [shown] = browser.shows()
    assert shown["title"] == "Push messages work here"
    assert at.deliveries("push")[0]["kind"] == "test"
