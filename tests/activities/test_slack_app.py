"""What people type in Slack, from the signed request to the answer to it."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from core.services.slack_replies import Deed, Notice
from integrations import slack_words
from tests.people import Person, register
from tests.slacking import ANN, BEN, Team, acme, ann, buttons, lines
from tests.teams import sql, team
from tests.todos import listed, make

__all__ = ["acme", "ann"]  # fixtures


def pressed(message: dict[str, Any], label: str) -> dict[str, Any]:
    [found] = [each for each in buttons(message) if each["label"] == label]
    return {name: found[name] for name in ("block_id", "action_id", "value")}


async def test_words_become_a_todo(acme: Team, ann: Person) -> None:
    said = await acme.types(ANN, "add Buy milk tomorrow 5pm #Groceries")
    assert lines(said) == ["Added: Buy milk", "Due tomorrow at 17:00"]
    assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
    [todo] = await listed(ann)
    assert (todo["title"], todo["created_via"], todo["due"]["time"]) == (
        "Buy milk",
        "slack",
        "17:00",
    )
    assert "voice" not in todo or todo["voice"] is None


async def test_bare_words_are_understood(acme: Team, ann: Person) -> None:
    assert lines(await acme.types(ANN, "water the plants every Monday at 9"))[0].startswith("Added")
    assert lines(await acme.types(ANN, "complete water the plants")) == [
        "Completed: water the plants"
    ]
    assert [t["status"] for t in await listed(ann, status="completed")] == ["completed"]


async def test_what_is_added_is_taken_back(acme: Team, ann: Person) -> None:
    said = await acme.types(ANN, "add Buy milk")
    undone = await acme.presses(ANN, pressed(said, "Undo"))
    assert lines(undone) == ["Taken back."]
    assert undone["replace_original"] is True
    assert await listed(ann) == []
    assert lines(await acme.types(ANN, "undo")) == [
        "There is nothing of the last day to take back."
    ]


async def test_undo_goes_back_step_by_step(acme: Team, ann: Person) -> None:
    await acme.types(ANN, "add Buy milk")
    await acme.types(ANN, "add Buy bread")
    assert lines(await acme.types(ANN, "undo")) == ["Taken back."]
    assert [each["title"] for each in await listed(ann)] == ["Buy milk"]
    assert lines(await acme.types(ANN, "undo")) == ["Taken back."]
    assert await listed(ann) == []


async def test_a_list_has_ten_todos_and_their_buttons(acme: Team, ann: Person) -> None:
    for n in range(12):
        await make(ann, f"Todo {n}", due={"date": f"2030-01-{n + 10}"})
    said = await acme.types(ANN, "list")
    shown = lines(said)
    assert shown[0] == "Your open todos"
    assert shown[-1] == "and 2 more"
    completes = [each for each in buttons(said) if each["label"] == "Complete"]
    assert len(completes) == 10
    first = {name: completes[0][name] for name in ("block_id", "action_id", "value")}
    after = await acme.presses(ANN, first)
    assert after["replace_original"] is True
    assert lines(after)[0] == "Completed: Todo 0"
    assert len([each for each in buttons(after) if each["label"] == "Complete"]) == 10
    assert lines(after)[-1] == "and 1 more"


async def test_a_list_of_what_is_asked_for(acme: Team, ann: Person) -> None:
    await make(ann, "Buy milk", list="Groceries")
    await make(ann, "Write report")
    said = await acme.types(ANN, "list groceries")
    assert [line.partition("\n")[0] for line in lines(said)] == [
        "Your todos: groceries",
        "Buy milk",
    ]
    done = await acme.presses(ANN, pressed(said, "Complete"))
    assert lines(done) == ["Completed: Buy milk", "Nothing found: groceries"]
    assert lines(await acme.types(ANN, "list report"))[1] == "Write report"
    assert lines(await acme.types(ANN, ""))[1] == "Write report"


async def test_done_asks_which_one(acme: Team, ann: Person) -> None:
    for title in ("Buy milk", "Get milk"):
        await make(ann, title)
    said = await acme.types(ANN, "done milk")
    labels = [each["label"] for each in buttons(said)]
    assert (sorted(labels[:2]), labels[2:]) == (["Buy milk", "Get milk"], ["None of these"])
    done = await acme.presses(ANN, pressed(said, "Get milk"))
    assert lines(done) == ["Completed: Get milk"]
    assert done["replace_original"] is True
    assert [each["title"] for each in await listed(ann, status="pending")] == ["Buy milk"]


async def test_done_names_the_only_one(acme: Team, ann: Person) -> None:
    await make(ann, "Buy milk")
    await make(ann, "Write report")
    assert lines(await acme.types(ANN, "done buy milk")) == ["Completed: Buy milk"]
    missing = await acme.types(ANN, "done the taxes of last year")
    assert buttons(missing) == []
    assert "taxes" in lines(missing)[0]


async def test_none_of_these_is_left_as_it_is(acme: Team, ann: Person) -> None:
    for title in ("Buy milk", "Get milk"):
        await make(ann, title)
    said = await acme.types(ANN, "done milk")
    left = await acme.presses(ANN, pressed(said, "None of these"))
    assert lines(left) == ["Left as it is."]
    assert len(await listed(ann, status="pending")) == 2


async def test_what_is_deleted_is_asked_about(acme: Team, ann: Person) -> None:
    await make(ann, "Buy milk")
    said = await acme.types(ANN, "delete buy milk")
    assert [each["label"] for each in buttons(said)] == ["Yes", "No"]
    assert len(await listed(ann)) == 1
    assert lines(await acme.presses(ANN, pressed(said, "Yes"))) == ["Deleted: Buy milk"]
    assert await listed(ann) == []


async def test_all_of_them_want_one_yes(acme: Team, ann: Person) -> None:
    for title in ("Buy milk", "Write report", "Call Zoe"):
        await make(ann, title)
    said = await acme.types(ANN, "delete everything")
    assert lines(said)[0] == "Delete 3 todos?"
    assert [each["label"] for each in buttons(said)] == ["Yes", "No"]
    gone = await acme.presses(ANN, pressed(said, "Yes"))
    assert lines(gone) == ["Done, with all of them."]
    assert await listed(ann) == []
    await acme.presses(ANN, pressed(gone, "Undo"))
    assert len(await listed(ann)) == 3


async def test_what_nobody_can_say_yes_to_has_no_buttons(acme: Team, ann: Person) -> None:
    await make(ann, "Buy milk")
    said = await acme.types(ANN, "delete the piano lesson")
    assert buttons(said) == []
    assert lines(await acme.types(ANN, "hello there"))[0].startswith("I did not understand that")


async def test_remind_makes_a_reminder(acme: Team, ann: Person) -> None:
    said = await acme.types(ANN, "remind me to call Zoe tomorrow at 9")
    assert lines(said) == [
        "Added: call Zoe",
        "Due tomorrow at 09:00 · You will be reminded tomorrow at 09:00",
    ]
    [todo] = await listed(ann)
    assert [each["before"] for each in todo["reminders"]] == ["PT0S"]
    without = await acme.types(ANN, "remind me to sing")
    assert lines(without)[0] == "Added: sing"
    assert lines(without)[1].startswith("No time was said")


def test_every_sentence_is_there_in_every_language() -> None:
    for locale in ("en", "de-AT", "fr"):
        words = slack_words.words(locale)
        assert set(words.notices) == set(Notice)
        assert set(words.deeds) == set(Deed)


async def test_help_and_who_one_is(acme: Team, ann: Person) -> None:
    assert "/todo list today" in lines(await acme.types(ANN, "help"))[0]
    assert lines(await acme.types(ANN, "connect")) == [f"You are connected as {ann.email}."]


async def test_an_answer_is_in_the_persons_language(acme: Team, http: httpx2.AsyncClient) -> None:
    eva = await register(http, "eva", locale="de-AT", timezone="Europe/Vienna")
    await acme.join(eva, "U0EVA")
    said = await acme.types("U0EVA", "Milch kaufen morgen um 17 Uhr")
    assert lines(said) == ["Hinzugefügt: Milch kaufen", "Fällig morgen um 17:00"]


async def test_who_is_unknown_is_asked_to_connect(acme: Team, ann: Person) -> None:
    said = await acme.types(BEN, "add Buy milk")
    [button] = buttons(said)
    assert button["url"].startswith("http://api/api/v1/integrations/slack/link?token=")
    assert lines(said)[0].startswith("I do not know yet who you are")
    assert await listed(ann) == []


async def test_what_is_refused_is_told_and_nothing_is_done(
    acme: Team, ann: Person, bob: Person, database_url: str
) -> None:
    there = await team(database_url, owner=bob, viewer=ann)
    await sql(
        database_url,
        "UPDATE slack_members SET workspace_id = %s, connection_id = %s WHERE team_id = %s",
        there,
        await connection(database_url, there, ann),
        acme.id,
    )
    said = await acme.types(ANN, "add Buy milk")
    assert lines(said) == ["That did not work: Your role in this workspace does not allow that."]
    assert (await bob.get(f"/todos?workspace_id={there}")).json()["data"] == []
    assert [result for _, result in await acme.rows()] == ["refused"]


async def test_a_closed_account_does_nothing(acme: Team, ann: Person, database_url: str) -> None:
    await sql(database_url, "UPDATE users SET status = 'disabled' WHERE id = %s", ann.id)
    said = await acme.types(ANN, "add Buy milk")
    assert lines(said) == ["Your account with Voice Todo is closed."]


@pytest.mark.usefixtures("ann")
async def test_words_stay_no_longer_than_needed(acme: Team, database_url: str) -> None:
    await acme.types(ANN, "add Buy secret milk")
    [(body, result)] = await sql(
        database_url, "SELECT body, result FROM slack_inbound WHERE team_id = %s", acme.id
    )
    assert (body, result) == (None, "add")


async def connection(database_url: str, workspace_id: UUID, person: Person) -> UUID:
    key = uuid4()
    await sql(
        database_url,
        "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address,"
        " secret, secret_key, secret_hash, status, updated_at)"
        " VALUES (%s, %s, %s, 'slack', 'T', 'U', '', '', '', 'active', now())",
        workspace_id,
        key,
        person.id,
    )
    return key
