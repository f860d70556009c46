"""Whatever is done to a series, in whatever order: what must always be true of it."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.courses import NINE, Course, course
from tests.teams import sql

__all__ = ["course"]  # a fixture
BEGINS = datetime(2030, 9, 2, 7, tzinfo=UTC)  # 09:00 in Berlin
RULES = (
    {"rrule": "FREQ=DAILY"},
    {"rrule": "FREQ=DAILY", "pile_up": "keep"},
    {"rrule": "FREQ=DAILY", "pile_up": "all"},
    {"rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR", "shift": "after", "holidays": "DE"},
    {"rrule": "FREQ=DAILY;COUNT=4"},
    {"rrule": "FREQ=DAILY;INTERVAL=2", "anchor": "completion"},
)
STEPS = 14


class Walk:
    """One person's calls at random, on a series that a worker advances at random moments."""

    def __init__(self, course: Course, rng: Random, series_id: str) -> None:
        self.course = course
        self.rng = rng
        self.series_id = series_id
        self.at = BEGINS
        self.change_sets: list[str] = []

    async def todo_id(self) -> str:
        return str((await self.course.person.get(f"/series/{self.series_id}")).json()["todo_id"])

    async def step(self) -> str:
        todo_id = await self.todo_id()
        day = (self.at + timedelta(days=self.rng.randint(0, 9))).date().isoformat()
        path, series = f"/todos/{todo_id}", f"/series/{self.series_id}"
        calls: dict[str, tuple[str, str, dict[str, Any] | None]] = {
            "complete": ("POST", f"{path}/complete", None),
            "reopen": ("POST", f"{path}/reopen", None),
            "skip": ("POST", f"{path}/skip", None),
            "move": ("POST", f"{path}/move", {"due": {**NINE, "date": day}}),
            "later": ("PATCH", f"{path}?scope=following", {"due": {**NINE, "date": day}}),
            "title": ("PATCH", f"{path}?scope=this", {"title": day}),
            "rule": ("PATCH", path, {"recurrence": self.rng.choice(RULES)}),
            "pause": ("POST", f"{series}/pause", None),
            "resume": ("POST", f"{series}/resume", None),
            "stop": ("POST", f"{series}/stop", None),
            "delete": ("DELETE", path, None),
        }
        verb = self.rng.choice([*calls, "complete", "skip", "tick", "tick", "tick", "undo", "undo"])
        if verb == "tick":
            self.at += timedelta(hours=self.rng.choice((5, 24, 24, 100)))
            while await self.course.tick(self.at):
                pass
            return verb
        if verb == "undo":
            if not self.change_sets:
                return verb
            calls["undo"] = ("POST", "/undo", {"change_set": self.change_sets.pop()})
        method, path, body = calls[verb]
        answer = await self.course.person.request(method, path, json=body)
        assert answer.status_code in {200, 204, 404, 409}, (verb, answer.text)
        if answer.is_success and verb != "undo" and "change-set" in answer.headers:
            self.change_sets.append(answer.headers["change-set"])
        return f"{verb} {answer.status_code}"

    async def check(self) -> None:
        found = (await self.course.person.get(f"/series/{self.series_id}")).json()
        page = (await self.course.person.get("/todos", params={"limit": 100})).json()["data"]
        ours = [todo for todo in page if todo["series_id"] == self.series_id]
        pending = [todo for todo in ours if todo["status"] == "pending"]
        newest = [todo for todo in ours if todo["id"] == found["todo_id"]]
        piled = await self.piled_up()
        if found["status"] == "active":
            assert [todo["status"] for todo in newest] == ["pending"]
        if not piled:
            assert len(pending) <= 1, "two todos of one series are open"
        open_ones = await sql(
            self.course.url,
            "SELECT o.todo_id, t.status FROM occurrences o LEFT JOIN todos t ON t.id = o.todo_id"
            " WHERE o.series_id = %s AND o.status IN ('open', 'moved') AND t.deleted_at IS NULL",
            self.series_id,
        )
        ids = [each[0] for each in open_ones]
        assert len(ids) == len(set(ids)), "one todo stands for two open occurrences"
        if found["status"] == "active":
            assert {str(each[0]) for each in open_ones} >= {found["todo_id"]}
            assert {each[1] for each in open_ones} == {"pending"}

    async def piled_up(self) -> bool:
        [(ever,)] = await sql(
            self.course.url,
            "SELECT count(*) FROM events WHERE subject_id = %s AND"
            " (before ->> 'pile_up' = 'all' OR type = 'recurrence.created')",
            self.series_id,
        )
        [(now,)] = await sql(
            self.course.url, "SELECT pile_up FROM series WHERE id = %s", self.series_id
        )
        return bool(ever > 1 or now == "all")


@pytest.mark.parametrize("seed", range(12))
async def test_a_walk(course: Course, seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - repeatable, which is the point
    todo = await course.begin(
        recurrence=RULES[seed % len(RULES)], reminders=[{"before": "PT1H", "channels": ["in_app"]}]
    )
    walk = Walk(course, rng, todo["series_id"])
    steps = []
    for _ in range(STEPS):
        steps.append(await walk.step())
        try:
            await walk.check()
        except AssertionError as error:
            raise AssertionError(f"{error} after {steps}") from error
