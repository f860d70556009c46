"""Todos from the command line, and what it says where it refuses."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from api.commands.client import Client
from api.commands.credentials import Credentials
from core.ids import uuid7
from tests.commanding import Run


def test_adds_a_todo_due_in_an_hour_with_a_reminder(alice: Run) -> None:
    options = ("--list", "Family", "--tag", "phone", "--priority", "high", "--note", "her birthday")
    asked = datetime.now(UTC).replace(microsecond=0)
    ran = alice("add", "Call mum", "--due", "in 1h", "--remind", "email", *options, "--json")
    todo = ran.document
    due_at = datetime.fromisoformat(todo["due_at"])
    assert asked <= due_at - timedelta(hours=1) <= datetime.now(UTC) + timedelta(minutes=1)
    assert todo["due"]["timezone"] == "Europe/Berlin"
    assert (todo["priority"], todo["tags"]) == ("high", ["phone"])
    assert todo["description"] == "her birthday"
    (reminder,) = todo["reminders"]
    assert reminder["channels"] == ["email"]
    assert datetime.fromisoformat(reminder["next_fire_at"]) == due_at
    listed = alice("list").out
    for part in (todo["id"].replace("-", "")[-8:], "Call mum", "high", "Family", "#phone"):
        assert part in listed
    shown = alice("show", todo["id"]).out
    assert "her birthday" in shown


def test_adds_a_reminder_to_a_todo_that_asks_nothing_else(alice: Run) -> None:
    ran = alice("add", "Call mum", "--due", "in 1 minute", "--remind", "email", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["reminders"][0]["next_fire_at"] == ran.document["due_at"]


def test_lets_wall_times_float_unless_a_zone_is_named(alice: Run) -> None:
    floating = alice("add", "a", "--due", "tomorrow 9:00", "--json").document["due"]
    assert (floating["time"], floating["timezone"]) == ("09:00", None)
    fixed = alice("add", "b", "--due", "tomorrow 9:00", "--zone", "Asia/Tokyo", "--json").document
    assert fixed["due"]["timezone"] == "Asia/Tokyo"
    assert alice("add", "c", "--due", "tomorrow", "--json").document["due"]["time"] is None


def test_changes_a_todo_and_takes_it_back_step_by_step(alice: Run) -> None:
    todo = alice("add", "Water the plants", "--tag", "home", "--json").document["id"]
    short = todo[-8:]
    edited = alice("edit", short, "--title", "Water all plants", "--tag", "none", "--json").document
    assert (edited["title"], edited["tags"]) == ("Water all plants", [])
    assert alice("done", short, "--json").document["completed"]["status"] == "completed"
    assert "Nothing to do" in alice("list").out
    assert alice("rm", short, "--json").document["deleted"] == todo
    assert alice("show", todo).code == 1
    expected = [("completed", "Water all plants"), ("pending", "Water all plants")]
    expected.append(("pending", "Water the plants"))
    for status, title in expected:
        assert alice("undo").code == 0
        found = alice("show", todo, "--json").document
        assert (found["status"], found["title"]) == (status, title)


def test_takes_back_what_was_added_and_then_nothing_more(alice: Run) -> None:
    todo = alice("add", "Call mum", "--json").document["id"]
    assert alice("undo", "--json").document["changed"] == 1
    assert alice("show", todo).code == 1
    nothing_left = alice("undo")
    assert (nothing_left.code, "nothing was changed" in nothing_left.err) == (2, True)


def test_reopens_a_todo(alice: Run) -> None:
    todo = alice("add", "Call mum", "--json").document["id"]
    alice("done", todo)
    assert alice("reopen", todo, "--json").document["status"] == "pending"
    assert "Call mum" in alice("list").out


def test_reminds_snoozes_and_explains(alice: Run) -> None:
    todo = alice("add", "Call mum", "--due", "tomorrow 9:00", "--json").document["id"]
    made = alice("remind", todo[-8:], "--before", "15m", "--channel", "email", "--json").document
    assert (made["before"], made["channels"]) == ("PT15M", ["email"])
    later = alice("snooze", made["id"][-8:], "--until", "2030-01-01 09:00", "--json").document
    assert later["next_fire_at"] == "2030-01-01T08:00:00Z"
    words = alice("snooze", made["id"][-8:], "--until", "2030-01-01T09:00", "--json").document
    assert words["next_fire_at"] == later["next_fire_at"]
    tonight = alice("snooze", made["id"][-8:], "--for", "tonight", "--json").document
    assert datetime.fromisoformat(tonight["next_fire_at"]) > datetime.now(UTC)
    assert alice("snooze", made["id"][-8:], "--for", "soon").code == 2
    assert alice("snooze", made["id"][-8:], "--until", "soon").code == 2
    asked = datetime.now(UTC).replace(microsecond=0)
    soon = alice("snooze", todo[-8:], "--for", "10m", "--json").document
    fires = datetime.fromisoformat(soon["next_fire_at"])
    assert asked <= fires - timedelta(minutes=10) <= datetime.now(UTC)
    assert "in 1" in alice("remind", todo, "--in", "10m").out
    ambiguous = alice("why", todo)
    assert (ambiguous.code, "several reminders" in ambiguous.err) == (2, True)
    story = alice("why", made["id"][-8:], "--json").document
    assert story["reminder"]["id"] == made["id"]
    assert story["sentences"][0] in alice("why", made["id"]).out


def test_follows_pages(alice: Run) -> None:
    for title in "abc":
        alice("add", title)
    first = alice("list", "--sort", "created", "--limit", "2", "--json").document
    assert (len(first["data"]), first["has_more"]) == (2, True)
    everything = alice("list", "--limit", "2", "--all", "--json").document
    assert {todo["title"] for todo in everything["data"]} == {"a", "b", "c"}
    assert not everything["has_more"]


def test_filters(alice: Run) -> None:
    alice("add", "now", "--due", "today", "--tag", "x", "--list", "One")
    alice("add", "then", "--due", "in 5d", "--priority", "low")
    for option, expected in {
        ("--tag", "x"): ["now"],
        ("--list", "one"): ["now"],
        ("--priority", "low"): ["then"],
        ("--due-before", "tomorrow"): ["now"],
        ("--status", "completed"): [],
        ("--status", "all"): ["now", "then"],
    }.items():
        found = alice("list", *option, "--json").document["data"]
        assert [todo["title"] for todo in found] == expected, option
    assert alice("list", "--list", "Nowhere").code == 1


def test_says_when_a_short_id_is_ambiguous(alice: Run, tmp_path: Path, api: str) -> None:
    credentials = Credentials(tmp_path / "voicetodo" / "credentials.json")
    first = uuid7()
    twin = UUID(int=first.int ^ (1 << 32))  # differs above the characters that are shown
    with Client(api, credentials) as client:
        for key in (first, twin):
            client.send("PUT", f"/todos/{key}", {"title": "twin"})
    ran = alice("done", str(first)[-8:])
    assert (ran.code, "ambiguous" in ran.err) == (2, True)
    assert alice("done", str(first)).code == 0
    assert alice("done", "ffff").code == 1
    assert alice("done", " ").code == 2


def test_takes_a_title_for_an_id(alice: Run) -> None:
    alice("add", "Call mum", "--due", "in 1 hour", "--remind", "email")
    alice("add", "Call dad")
    assert alice("show", "call m", "--json").document["title"] == "Call mum"
    assert "It fires at" in alice("why", "Call mum").out
    assert "ambiguous" in alice("done", "call").err
    assert alice("done", "Call nobody").code == 1


def test_refuses_in_one_sentence_or_one_document(alice: Run) -> None:
    for arguments, code in {
        ("add", "x" * 501): 1,
        ("show", str(uuid7())): 1,
        ("show", "00000000"): 1,
        ("add", "a", "--due", "soonish"): 2,
        ("add", "a", "--due", "today", "--zone", "Mars/Olympus"): 2,
        ("add", "a", "--remind", "email"): 2,
        ("add",): 2,
        ("remind", str(uuid7()), "--in", "5m", "--at", "tomorrow 9:00"): 2,
        ("list", "--limit", "0"): 2,
        ("whoami", "--api", "http://127.0.0.1:9"): 1,
        ("login", "--email", "a@example.com", "--api", "nonsense"): 2,
        ("nonsense",): 2,
    }.items():
        ran = alice(*arguments)
        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), ran
        ran = alice(*arguments, "--json")
        problem = json.loads(ran.err)
        assert (ran.code, ran.out) == (code, "")
        assert {"type", "title", "detail"} <= problem.keys()
