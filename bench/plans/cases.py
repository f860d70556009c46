"""Who asks, and what: a question, and the index that is meant to answer it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction

RING: Final = Keyring((bytes(32),))
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Who:
    """A tenant: the first one is the big one."""

    connection: psycopg.Connection[Any]
    number: int
    actor: Actor
    known: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def home(self) -> UUID:
        return self.actor.user_id

    @property
    def connected(self) -> UUID:
        """Their connection: there is one for each person."""
        found: UUID = self.middle(f"SELECT pid('connections', {self.number})")[0]
        return found

    def first(self, kind: str) -> UUID:
        """One of their first rows of this table (or column of ids), on which others hang."""
        near = f"SELECT pid('{kind}', near) FROM plan_rows WHERE w = {self.number}"  # noqa: S608 - a constant of ours
        found: UUID = self.middle(near)[0]
        return found

    def middle(self, found: str) -> tuple[Any, ...]:
        """The row in the middle of what this finds; `{home}` is their workspace."""
        if found not in self.known:
            one = f"""
            WITH found AS ({found.replace("{home}", f"'{self.home}'")})
            SELECT * FROM found OFFSET (SELECT count(*) / 2 FROM found) LIMIT 1
            """  # noqa: S608 - constants of ours
            self.known[found] = self.connection.execute(one.encode()).fetchone() or ()
        return self.known[found]


Ask = Callable[[Transaction, Who], Awaitable[object] | None]


@dataclass(frozen=True, slots=True)
class Case:
    """`index`: the beginnings of the names of those meant. `because` excuses reading more.

    `rows`: how many it is asked about. `acts`: it works in a workspace as it was told to, and is
    nobody's session.
    """

    name: str
    index: str
    ask: Ask
    route: str = ""
    role: str = "vt_app"
    because: str = ""
    rows: int = 1
    acts: bool = False


def paged(
    name: str,
    route: str,
    index: str,
    middle: str,
    ask: Callable[[Transaction, Who, Any], Awaitable[object]],
) -> list[Case]:
    """The first page, and one that goes on after the row in the middle."""
    return [
        Case(f"{name}, first page", index, lambda tx, who: ask(tx, who, None), route),
        Case(
            f"{name}, the middle",
            index,
            lambda tx, who: ask(tx, who, who.middle(middle)),
            route,
        ),
    ]
