"""Lines typed to be todos, with Todoist's signs."""

import pytest

from tests.core.rules.understanding.readings import told


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("Call mom tomorrow 5pm", ["create due=2026-03-03T17:00 title=Call mom"]),
        (
            "Call mom tomorrow #work @home p1",
            ["create due=2026-03-03 list=Work priority=high tags=Home title=Call mom"],
        ),
        ("Taxes {april 15}", ["create due=2026-04-15 title=Taxes"]),
        ("Taxes friday {april 15}", ["create due=2026-03-06 title=Taxes"]),
        ("Report !high", ["create priority=high title=Report"]),
        ("Report !2", ["create priority=medium title=Report"]),
        ("Fix bug #12", ["create title=Fix bug #12"]),
        ("Delete old photos", ["create title=Delete old photos"]),
        ("Cancel the gym", ["create title=Cancel the gym"]),
        ("milk", ["create title=milk"]),
        ("remind me to stretch", ["create remind=yes title=stretch"]),
        ("don't panic", ["create title=don't panic"]),
        ("What is love?", ["create title=What is love"]),
        ("Milk\nEggs tomorrow\n", ["create title=Milk", "create due=2026-03-03 title=Eggs"]),
        ("add milk and eggs to groceries", [
            "create list=Groceries title=milk", "create list=Groceries title=eggs",
        ]),
        ("p3", ["create? priority=low"]),
    ],
)  # fmt: skip
def test_typed(text: str, understood: list[str]) -> None:
    assert told(text, "en", typed=True) == understood
