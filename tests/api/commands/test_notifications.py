"""`voicetodo notifications | digest | quiet`."""

import psycopg
import pytest

from tests.commanding import Run


def test_a_digest_is_wished_told_and_shown(alice: Run) -> None:
    assert alice("digest").out == "No digest: `voicetodo digest --daily 07:30`\n"
    assert alice("digest", "--daily", "7:30").out == "Every day at 07:30.\n"
    weekly = alice("digest", "--weekly", "mon 08:00", "--json")
    assert weekly.document == {"frequency": "weekly", "at": "08:00", "weekday": "monday"}
    assert alice("digest").out == "Every Monday at 08:00.\n"
    assert alice("digest", "--preview").out.startswith("Nothing to tell")
    assert alice("add", "water the plants", "--due", "tomorrow").code == 0
    assert "water the plants" in alice("digest", "--preview").out
    assert alice("digest", "--off").out.startswith("No digest")


@pytest.mark.parametrize(
    "given",
    [
        ("digest", "--daily", "25:00"),
        ("digest", "--weekly", "t 08:00"),  # two days begin so
        ("digest", "--weekly", "monday"),
        ("digest", "--daily", "07:30", "--off"),
        ("quiet", "22:00"),
        ("quiet", "22:00-7"),
    ],
)
def test_what_is_no_time_is_refused(alice: Run, given: tuple[str, ...]) -> None:
    assert alice(*given).code == 2


def test_quiet_hours_are_set_and_cleared(alice: Run) -> None:
    assert alice("quiet").out == "No quiet hours.\n"
    assert alice("quiet", "22:00-07:00").out == "Quiet from 22:00 to 07:00.\n"
    assert alice("quiet", "off", "--json").document == {"quiet_hours": None}


def test_notifications_are_shown_and_read(alice: Run, database_url: str) -> None:
    assert alice("notifications").out == "Nothing yet.\n"
    me = alice("whoami", "--json").document["id"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO notifications (workspace_id, id, user_id, kind, title)"
            " VALUES (%s, gen_random_uuid(), %s, 'digest', '[b]Your day[/b]')",
            [me, me],
        )
    shown = alice("notifications").out
    assert "[b]Your day[/b]" in shown
    assert "1 unread" in shown
    assert alice("notifications", "--read-all").out == "Read 1, 0 unread.\n"
    assert "0 unread" in alice("notifications").out
