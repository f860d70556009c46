"""Recurring todos edited: this one, the following, all of them; and their rule."""

from datetime import datetime, timedelta

from tests.people import Person
from tests.series import DAILY, NINE, ahead, complete, daily, monday, occurrences, series_of
from tests.todos import make, read, refusal


async def test_only_one_is_moved_and_the_rule_stays(alice: Person) -> None:
    begins = monday()
    due = {"date": begins.isoformat(), **NINE}
    todo = await make(
        alice, due=due, recurrence={"rrule": "FREQ=WEEKLY"}, reminders=[{"before": "PT1H"}]
    )
    wednesday = {**due, "date": (begins + timedelta(days=2)).isoformat()}
    moved = (await alice.post(f"/todos/{todo['id']}/move", json={"due": wednesday})).json()
    assert moved["due"] == wednesday
    fires = datetime.fromisoformat(moved["due_at"]) - timedelta(hours=1)
    assert datetime.fromisoformat(moved["reminders"][0]["next_fire_at"]) == fires
    assert await occurrences(alice, todo) == [(due["date"], "moved")]
    following = (await complete(alice, moved))["next"]
    assert following["due"]["date"] == (begins + timedelta(days=7)).isoformat()
    assert (await occurrences(alice, todo))[0] == (due["date"], "completed")


async def test_a_new_due_time_is_this_ones_and_everything_else_the_followings(
    alice: Person,
) -> None:
    todo = await daily(alice)
    later = ahead(3, time="17:00", timezone="Europe/Berlin")
    edited = await alice.patch(f"/todos/{todo['id']}", json={"due": later, "title": "water them"})
    assert edited.json()["due"] == later
    following = (await complete(alice, todo))["next"]
    assert (following["title"], following["due"]) == ("water them", ahead(4, **NINE))


async def test_this_one_alone_has_another_title(alice: Person) -> None:
    todo = await daily(alice, tags=["plants"])
    body = {"title": "only today", "tags": ["guests"]}
    edited = await alice.patch(f"/todos/{todo['id']}", params={"scope": "this"}, json=body)
    assert edited.json()["title"] == "only today"
    following = (await complete(alice, todo))["next"]
    assert (following["title"], following["tags"]) == (todo["title"], ["plants"])


async def test_the_following_are_at_another_time(alice: Person) -> None:
    todo = await daily(alice)
    later = ahead(3, time="17:00", timezone="Europe/Berlin")
    edited = await alice.patch(
        f"/todos/{todo['id']}", params={"scope": "following"}, json={"due": later}
    )
    assert edited.json()["due"] == later
    following = (await complete(alice, todo))["next"]
    assert following["due"] == ahead(4, time="17:00", timezone="Europe/Berlin")


async def test_all_are_renamed_the_completed_ones_too(alice: Person) -> None:
    todo = await daily(alice)
    following = (await complete(alice, todo))["next"]
    await alice.patch(f"/todos/{following['id']}", params={"scope": "all"}, json={"title": "ferns"})
    assert (await read(alice, todo["id"]))["title"] == "ferns"
    assert (await read(alice, following["id"]))["title"] == "ferns"


async def test_another_rule_holds_from_this_one_on(alice: Person) -> None:
    todo = await daily(alice)
    weekly = {"rrule": "FREQ=WEEKLY"}
    edited = (await alice.patch(f"/todos/{todo['id']}", json={"recurrence": weekly})).json()
    assert (edited["due"], edited["recurrence"]["rrule"]) == (todo["due"], "FREQ=WEEKLY")
    assert edited["series_id"] == todo["series_id"]
    assert (await complete(alice, todo))["next"]["due"] == ahead(10, **NINE)


async def test_another_policy_lets_the_rule_go_on_from_its_start(alice: Person) -> None:
    """Else a monthly one of the 31st that stands on 28 February would stay on the 28th."""
    monthly = {"rrule": "FREQ=MONTHLY;COUNT=4", "skip": "backward"}
    todo = await make(alice, due={"date": "2031-01-31"}, recurrence=monthly)
    second = (await complete(alice, todo))["next"]
    assert second["due"]["date"] == "2031-02-28"
    kept = {**monthly, "pile_up": "keep"}
    edited = (await alice.patch(f"/todos/{second['id']}", json={"recurrence": kept})).json()
    assert edited["recurrence"]["pile_up"] == "keep"
    third = (await complete(alice, second))["next"]
    assert third["due"]["date"] == "2031-03-31"
    fourth = (await complete(alice, third))["next"]
    assert (await complete(alice, fourth))["next"] is None


async def test_a_todo_begins_to_recur_and_stops(alice: Person) -> None:
    todo = await make(alice, due=ahead(3, **NINE), reminders=[{"before": "PT1H"}])
    path = f"/todos/{todo['id']}"
    begun = (await alice.patch(path, json={"recurrence": DAILY})).json()
    assert begun["recurrence"]["rrule"] == "FREQ=DAILY"
    assert begun["series_id"] is not None
    stopped = (await alice.patch(path, json={"recurrence": None})).json()
    assert (stopped["recurrence"], stopped["due"]) == (None, todo["due"])
    assert stopped["reminders"][0]["next_fire_at"] == todo["reminders"][0]["next_fire_at"]
    assert (await complete(alice, todo))["next"] is None
    assert (await series_of(alice, begun))["status"] == "ended"


async def test_a_recurring_todo_keeps_a_due_time(alice: Person) -> None:
    todo = await daily(alice)
    path = f"/todos/{todo['id']}"
    assert refusal(await alice.patch(path, json={"due": None})) == (422, "/due", "missing")
    both = await alice.patch(path, json={"due": None, "recurrence": None})
    assert (both.json()["due"], both.json()["recurrence"]) == (None, None)


async def test_put_replaces_the_rule_too(alice: Person) -> None:
    todo = await daily(alice)
    path = f"/todos/{todo['id']}"
    kept = await alice.put(path, json={"title": "a", "due": todo["due"], "recurrence": DAILY})
    assert kept.json()["recurrence"] == todo["recurrence"]
    assert await occurrences(alice, todo) == [(ahead(3)["date"], "open")]
    gone = await alice.put(path, json={"title": "a", "due": todo["due"]})
    assert gone.json()["recurrence"] is None
