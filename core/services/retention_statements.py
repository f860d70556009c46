"""A rule of what is forgotten when, and the statements that do it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from core.settings import settings
from core.statements import Query, row

NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table`, `t` in SQL, are over `age` after the instant `since`.

    Then they go; or, where columns are named by `forgets`, these alone, and the row stays. `also`
    has to be so as well. At most `bite` rows go in one transaction.
    """

    name: str
    kind: str  # the class
    table: str
    since: str
    age: timedelta = NO_TIME
    also: str = "true"
    forgets: tuple[str, ...] = ()  # assignments
    setting: str | None = None  # which says the age in days, in place of `age`
    # Where a row says itself when it ends: what it was given when it was written, or the setting.
    given: timedelta | str = NO_TIME
    own_clock: bool = False  # written by the clock of its workspace
    through: str = ""  # a join with another table, whose index leads to the rows
    bite: int = 1000

    @property
    def lasts(self) -> timedelta:
        """The age that counts in this installation."""
        if self.setting is None:
            return self.age
        return timedelta(days=getattr(settings(), self.setting))

    @property
    def action(self) -> str:
        """In words: which columns are emptied, or that the row goes."""
        emptied = ", ".join(each.split(" = ")[0] for each in self.forgets)
        return f"empty {emptied}" if emptied else "delete"


def _found(rule: Rule) -> Iterator[str]:
    """Where rows are looked for, each way with an index of its own."""
    if rule.through:
        yield f"FROM {rule.through} WHERE {rule.since} <= %(until)s::timestamptz AND {rule.also}"
        return
    unclocked = (
        " AND t.workspace_id NOT IN (SELECT w.id FROM workspaces w WHERE w.clock_at IS NOT NULL)"
        if rule.own_clock
        else ""
    )
    yield (
        f"FROM {rule.table} t WHERE {rule.since} <= %(until)s::timestamptz"
        f" AND {rule.also}{unclocked}"
        f" ORDER BY {rule.since}"
    )
    if rule.own_clock:
        yield (
            f"FROM workspaces w JOIN {rule.table} t ON t.workspace_id = w.id"
            f" WHERE w.clock_at IS NOT NULL AND {rule.since} <= w.clock_at - %(age)s::interval"
            f" AND {rule.also}"
        )


def _until(rule: Rule) -> str:
    if not rule.own_clock:
        return "%(until)s::timestamptz"
    clock = "SELECT w.clock_at FROM workspaces w WHERE w.id = t.workspace_id"
    return f"coalesce(({clock}), %(now)s::timestamptz) - %(age)s::interval"


@cache
def take(rule: Rule) -> Query[tuple[int]]:
    """Forgets a bite: by place, as the fastest way there; and asks again once a row is locked.

    In a sub-select, so that no index answers that: behind row-level security the planner knows
    little of the rows, and may else read all that are over for each bite.
    """
    places = " UNION ALL ".join(
        f"(SELECT t.ctid {found} LIMIT {rule.bite})" for found in _found(rule)
    )
    does = f"DELETE FROM {rule.table} t"  # noqa: S608 - constants of ours, here and below
    if rule.forgets:
        does = f"UPDATE {rule.table} t SET {', '.join(rule.forgets)}"  # noqa: S608 - as above
    still = "true" if rule.through else f"(SELECT {rule.since} <= {_until(rule)} AND {rule.also})"
    sql = f"""
    WITH gone AS (
        {does} WHERE t.ctid = ANY (ARRAY({places})) AND {still} RETURNING 1
    ) SELECT count(*)::int FROM gone
    """  # noqa: S608 - as above
    return Query(sql.encode(), row, {}, writes=True)


@cache
def count(rule: Rule) -> Query[tuple[int]]:
    """Of what is over."""
    places = " UNION ALL ".join(f"(SELECT 1 {found})" for found in _found(rule))
    return Query(f"SELECT count(*) FROM ({places}) n".encode(), row, {}, writes=False)  # noqa: S608 - as above
