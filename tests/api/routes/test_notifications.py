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
