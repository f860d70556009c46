"""What a language model may propose: nothing that was not said, and nothing for all todos."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from core.rules.reminders import Due
from core.rules.understanding import languages
from core.rules.understanding.commands import Command, Intent, Reading, Reference
from core.rules.understanding.proposals import MOST, PROPOSED, Proposal, Wish, checked

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
TEXT = "I guess someone oughta ring Mom back tomorrow at 5 about the Party, Groceries and work"


def read(text: str, *wishes: Wish, language: str = "en", **more: Any) -> Reading | None:
    return checked(Proposal(wishes), text, language=language, now=NOW, zone="UTC", **more)


def one(text: str, wish: Wish, language: str = "en", **more: Any) -> Command:
    found = read(text, wish, language=language, **more)
    assert found is not None
    [command] = found.commands
    assert command.confidence == PROPOSED
    return command


def test_the_words_are_the_persons_own() -> None:
    wish = Wish(
        Intent.CREATE,
        title="RING mom  back",
        when="tomorrow at 5",
        remind=True,
        priority="high",
        tags=("Work",),
        list="groceries",
    )
    command = one(TEXT, wish, lists=["Groceries list", "GROCERIES"], tags=["work"])
    assert command.fields == {
        "title": "ring Mom back",
        "due": Due(date(2026, 3, 3), time(17), None),
        "remind": True,
        "priority": "high",
        "tags": ["work"],
        "list": "GROCERIES",
    }
    assert {name: TEXT[slice(*span)] for name, span in command.spans.items()} == {
        "title": "ring Mom back",
        "due": "tomorrow at 5",
        "list": "Groceries",
    }


def test_a_title_goes_on_behind_its_time() -> None:
    command = one(
        TEXT, Wish(Intent.CREATE, title="ring Mom back about the party", when="tomorrow at 5")
    )
    assert command.fields["title"] == "ring Mom back about the Party"


@pytest.mark.parametrize(
    "wish",
    [
        Wish(Intent.CREATE, title="send money to Eve"),
        Wish(Intent.CREATE, title="ring Mom back tomorrow night"),
        Wish(Intent.CREATE, title="art"),  # of "Party"
        Wish(Intent.CREATE, title="Mom ring"),  # in another order
        Wish(Intent.CREATE, title=" ?! "),
        Wish(Intent.CREATE),
        Wish(Intent.CREATE, title="ring Mom", when="Friday"),
        Wish(Intent.CREATE, title="ring Mom", when="back tomorrow at 5 about"),
        Wish(Intent.CREATE, title="ring Mom", when="2026-03-03T17:00"),
        Wish(Intent.CREATE, title="ring Mom", when="someone"),
        Wish(Intent.CREATE, title="ring Mom", when="someone", when_in_english="tomorrow"),
        Wish(Intent.CREATE, title="ring Mom", tags=("shopping",)),
        Wish(Intent.CREATE, title="ring Mom", list="Shopping"),
        Wish(Intent.CREATE, title="ring Mom", priority="urgent"),
        Wish(Intent.DELETE),
        Wish(Intent.DELETE, target="everything"),
        Wish(Intent.COMPLETE, title="ring Mom"),
        Wish(Intent.UPDATE, target="ring Mom"),
        Wish(Intent.SNOOZE, target="ring Mom"),
        Wish(Intent.UNKNOWN, title="ring Mom"),
    ],
)
def test_what_was_not_said_takes_all_of_it_along(wish: Wish) -> None:
    good = Wish(Intent.CREATE, title="ring Mom back")
    assert read(TEXT, good) is not None
    assert read(TEXT, good, wish) is None


def test_there_is_an_end_to_it() -> None:
    wish = Wish(Intent.CREATE, title="ring Mom back")
    assert read(TEXT, *[wish] * MOST) is not None
    assert read(TEXT, *[wish] * (MOST + 1)) is None
    assert read(TEXT) == Reading("en", [])


def test_one_todo_is_meant_and_never_all() -> None:
    text = "be a dear and get rid of all of the party things, then push the report to Friday"
    gone = one(text, Wish(Intent.DELETE, target="all of the party things"))
    assert gone.target == Reference(text="all of the party things", every=False)
    moved = one(text, Wish(Intent.UPDATE, target="the report", when="Friday"))
    assert moved.target == Reference(text="the report")
    assert moved.fields == {"due": Due(date(2026, 3, 6), None, None), "due_part": "day"}
    put_off = one(
        "shove the report off for an hour",
        Wish(Intent.SNOOZE, target="the report", when="for an hour"),
    )
    assert put_off.fields == {"due": Due(date(2026, 3, 2), time(10), None)}


def test_a_time_alone_leaves_the_day() -> None:
    command = one(
        "the report thing, five pm instead",
        Wish(Intent.UPDATE, target="the report thing", when="five pm"),
    )
    assert command.fields["due_part"] == "time"


def test_a_question_is_a_filter() -> None:
    command = one(
        "whaddya got for me tomorrow on groceries",
        Wish(Intent.LIST, when="tomorrow", list="groceries"),
    )
    assert command.filter is not None
    tomorrow = date(2026, 3, 3)
    assert (command.filter.due_from, command.filter.due_to) == (tomorrow, tomorrow)
    assert (command.filter.list, command.filter.status) == ("groceries", "pending")


FINNISH = "muistuta minua soittamaan äidille huomenna kello viisi"


def test_of_a_language_without_a_lexicon_the_time_is_read_in_english() -> None:
    wish = Wish(
        Intent.CREATE,
        title="soittamaan äidille",
        when="huomenna kello viisi",
        when_in_english="tomorrow at five",
        remind=True,
    )
    command = one(FINNISH, wish, "fi")
    assert command.fields["title"] == "soittamaan äidille"
    assert command.fields["due"] == Due(date(2026, 3, 3), time(17), None)
    assert FINNISH[slice(*command.spans["due"])] == "huomenna kello viisi"
    for wrong in (
        replace(wish, when_in_english=None),
        replace(wish, when_in_english="tomorrow at five or so, delete everything"),
        replace(wish, when="ylihuomenna"),
        replace(wish, title="call mother"),
    ):
        assert read(FINNISH, wrong, language="fi") is None


def test_where_blanks_part_no_words_any_stretch_may_be_one() -> None:
    text = "พรุ่งนี้ซื้อนม"
    wish = Wish(Intent.CREATE, title="ซื้อนม", when="พรุ่งนี้", when_in_english="tomorrow")
    command = one(text, wish, "th")
    assert command.fields == {"title": "ซื้อนม", "due": Due(date(2026, 3, 3), None, None)}
    chinese = one(
        "明天下午五点买牛奶", Wish(Intent.CREATE, title="买牛奶", when="明天下午五点"), "zh"
    )
    assert chinese.fields["due"] == Due(date(2026, 3, 3), time(17), None)


@pytest.mark.parametrize(
    ("text", "hint", "expected"),
    [
        (FINNISH, None, "und"),
        (FINNISH, "en", None),
        ("anything", "fi-FI", "fi"),
        ("anything", "de_AT", None),
        ("anything", "x1", None),
        ("milk", None, None),
        ("Remind me to call mom tomorrow at five", None, None),
        ("Erinnere mich morgen um fünf, Mama anzurufen", None, None),
        ("明天下午五点提醒我买牛奶", None, None),
        ("", None, None),
        ("!!!", None, None),
    ],
)
def test_which_languages_are_foreign(text: str, hint: str | None, expected: str | None) -> None:
    assert languages.foreign(text, hint) == expected
    assert languages.named(expected or "en") == ("other" if expected else "en")
