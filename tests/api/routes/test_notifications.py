from datetime import UTC, datetime, timedelta

import psycopg

from core.ids import uuid7
from tests.people import Person


def notify(database_url: str, person: Person, count: int) -> None:
    began = datetime(2030, 1, 1, tzinfo=UTC)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for nth in range(count):
            connection.execute(
                "INSERT INTO notifications (workspace_id, id, user_id, kind, title, created_at)"
                " VALUES (%s, %s, %s, 'reminder', %s, %s)",
                # pairs of the same instant: the id decides
                (person.id, uuid7(), person.id, f"n{nth}", began + timedelta(seconds=nth // 2)),
            )


async def test_pages_go_back_in_time_without_loss(alice: Person, database_url: str) -> None:
    notify(database_url, alice, 7)
    titles, cursor = [], ""
    while True:
        page = (await alice.get(f"/notifications?limit=3{cursor}")).json()
        titles += [each["title"] for each in page["data"]]
        assert page["unread"] == 7
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(titles) == [f"n{nth}" for nth in range(7)]
    seconds = [int(title[1:]) // 2 for title in titles]
    assert seconds == sorted(seconds, reverse=True)


async def test_reading_counts_once_and_only_ones_own(
    alice: Person, charlie: Person, database_url: str
) -> None:
    notify(database_url, alice, 1)
    [told] = (await alice.get("/notifications")).json()["data"]
    path = f"/notifications/{told['id']}/read"
    assert (await charlie.post(path)).status_code == 404
    first = await alice.post(path)
    again = await alice.post(path)
    assert first.json()["read_at"] == again.json()["read_at"] is not None
    assert (await alice.get("/notifications")).json()["unread"] == 0
    assert (await charlie.get("/notifications")).json()["data"] == []


async def test_all_are_read_up_to_an_instant(
    alice: Person, charlie: Person, database_url: str
) -> None:
    notify(database_url, alice, 4)
    notify(database_url, charlie, 1)
    until = "2030-01-01T00:00:00Z"  # of pairs two seconds apart, the first
    answer = await alice.post("/notifications/read-all", json={"until": until})
    assert answer.json() == {"read": 2, "unread": 2}
    later = {"until": "2031-01-01T00:00:00Z"}
    assert (await alice.post("/notifications/read-all", json=later)).json()["unread"] == 0
    assert (await alice.post("/notifications/read-all", json=later)).json()["read"] == 0
    assert (await alice.post("/notifications/read-all")).json() == {"read": 0, "unread": 0}
    assert (await charlie.get("/notifications")).json()["unread"] == 1


async def test_reading_ends_the_mail_that_would_follow(alice: Person, database_url: str) -> None:
    told, mail, reminder = uuid7(), uuid7(), uuid7()
    notify(database_url, alice, 1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE notifications SET id = %s WHERE user_id = %s", [told, alice.id])
        for key, kind, channel, status in (
            (told, "reminder", "in_app", "sent"),
            (mail, "escalation", "email", "pending"),
        ):
            connection.execute(
                "INSERT INTO deliveries (workspace_id, id, kind, subject_id, user_id, arm_no,"
                " channel, status, due_at, next_attempt_at)"
                " VALUES (%s, %s, %s, %s, %s, 3, %s, %s, now(), now())",
                [alice.id, key, kind, reminder, alice.id, channel, status],
            )
        await alice.post(f"/notifications/{told}/read")
        found = connection.execute(
            "SELECT status, error, next_attempt_at FROM deliveries WHERE id = %s", [mail]
        ).fetchone()
    assert found == ("cancelled", "read", None)
