"""Where digests go in Slack, as its person says it over HTTP."""

from tests.connecting import World
from tests.people import Person
from tests.teams import team


async def with_a_digest(person: Person) -> None:
    wishes = {"preferences": {"digest": {"frequency": "daily"}}}
    assert (await person.patch("/me", json=wishes)).status_code == 200


async def test_a_channel_is_chosen_and_taken_back(world: World, ann: Person) -> None:
    await with_a_digest(ann)
    connected = await world.connect(ann, "slack", "alice@example.com")
    assert connected["settings"] == {"digest_channel": None}
    path = f"/integrations/{connected['id']}"
    for channel in ("C0123ABCD", "C0123ABCD", None):
        answer = await ann.patch(path, json={"digest_channel": channel})
        assert answer.status_code == 200, answer.text
        assert answer.json()["settings"] == {"digest_channel": channel}


async def test_a_channel_is_kept_when_connected_again(world: World, ann: Person) -> None:
    await with_a_digest(ann)
    first = await world.connect(ann, "slack", "bob@example.com")
    await ann.patch(f"/integrations/{first['id']}", json={"digest_channel": "C0123ABCD"})
    again = await world.connect(ann, "slack", "bob@example.com")
    assert (again["id"], again["settings"]) == (first["id"], {"digest_channel": "C0123ABCD"})


async def test_what_cannot_be_is_said(world: World, ann: Person) -> None:
    connected = await world.connect(ann, "slack", "alice@example.com")
    path = f"/integrations/{connected['id']}"
    answer = await ann.patch(path, json={"digest_channel": "C0123ABCD"})
    assert answer.status_code == 422
    [problem] = answer.json()["errors"]
    assert (problem["pointer"], problem["code"]) == ("/digest_channel", "digest_off")
    await with_a_digest(ann)
    for channel in ("#general", "U0123ABCD", "c0123abcd", "C0123ABCD/../x"):
        answer = await ann.patch(path, json={"digest_channel": channel})
        assert answer.json()["errors"][0]["code"] == "format", channel


async def test_digests_go_out_from_ones_own_workspace(world: World, ann: Person) -> None:
    await with_a_digest(ann)
    shared = await team(world.database_url, owner=ann)
    connected = await world.connect(ann, "slack", "alice@example.com", workspace_id=str(shared))
    assert connected["workspace_id"] == str(shared)
    answer = await ann.patch(
        f"/integrations/{connected['id']}", json={"digest_channel": "C0123ABCD"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_personal"
