"""`voicetodo integrations …`, against the API and the sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.main import create_app
from tests.commanding import Run
from tests.connecting import world_settings
from tests.ports import free_port
from tests.serving import serve


@pytest.fixture(scope="module")
def api(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Knows its own address: the sandbox sends people back to it."""
    folder, port = Path(tmp_path_factory.mktemp("connecting")), free_port()
    with (
        world_settings(database_url, folder, api_port=port) as (settings, _),
        serve(create_app(settings), port=port) as url,
    ):
        yield url


def test_an_account_is_connected_set_shown_and_disconnected(alice: Run) -> None:
    assert alice("integrations").out.startswith("Nothing yet")
    email = "cli.alice@sandbox.test"
    made = alice("integrations", "connect", "google-calendar", "--approve", "--account", email)
    assert made.code == 0, made.err
    assert made.out == f"Google Calendar is connected: {email}\n"
    listed = alice("integrations").out
    assert email in listed
    assert "active" in listed
    [found] = alice("integrations", "--json").document
    shown = alice("integrations", "show", found["id"][-8:]).out
    assert "tagged" in shown
    assert "calendar.events" in shown
    changed = alice("integrations", "set", "google-calendar", "--events", "none", "--json").document
    assert changed["settings"]["events_become_todos"] == "none"
    assert alice("integrations", "activity", "google-calendar").out == "Nothing was done yet.\n"
    assert alice("integrations", "disconnect", "google-calendar").code == 0
    assert alice("integrations", "--json").document == []
    gone = alice("integrations", "show", found["id"])
    assert gone.code == 1
    assert "is not connected" in gone.err


def test_another_calendar_is_chosen_by_its_name(alice: Run) -> None:
    made = alice(
        "integrations", "connect", "google-calendar", "--approve", "--account", "cal@sandbox.test"
    )
    assert made.code == 0, made.err
    shown = alice("integrations", "calendars").out
    assert [word in shown for word in ("cal@sandbox.test", "Family", "read only")] == [True] * 3
    before = {each["name"]: each for each in alice("integrations", "calendars", "--json").document}
    assert before["Holidays"]["writable"] is False
    unwritable = alice("integrations", "set", "google-calendar", "--calendar", "holidays")
    assert (unwritable.code, "can only be read" in unwritable.err) == (1, True)
    unknown = alice("integrations", "set", "google-calendar", "--calendar", "Work")
    assert (unknown.code, "there is no calendar" in unknown.err) == (1, True)
    changed = alice("integrations", "set", "google-calendar", "--calendar", "family", "--json")
    assert changed.document["settings"]["calendar_id"] == before["Family"]["id"]
    assert alice("integrations", "set", "google-calendar").code == 2, "nothing to set"


def test_the_page_is_given_to_whoever_does_not_wait(alice: Run) -> None:
    begun = alice("integrations", "connect", "slack", "--no-wait")
    assert begun.code == 0, begun.err
    assert "/slack/oauth/v2/authorize?" in begun.out
    assert alice("integrations", "--json").document == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("show", "slack"), "is not connected"),
        (("show", "00000000"), "is not connected"),
        (("set", "slack"), "is not connected"),
        (("quarantine", "--apply", "--keep"), "give one of"),
        (("connect", "outlook"), "outlook"),
    ],
)
def test_what_is_wrong_is_said(alice: Run, given: tuple[str, ...], told: str) -> None:
    refused = alice("integrations", *given)
    assert refused.code in {1, 2}
    assert told in refused.err
    assert refused.out == ""
