"""Which revisions of the schema this code knows, by the names of its migrations.

Alembic finds the same by running each of them, and takes a twentieth of a process's start for it;
who only asks whether a database fits need not wait for that.
"""

from functools import cache
from pathlib import Path
from typing import Final

from core.errors import Misconfigured

SCRIPTS: Final = Path(__file__).resolve().parent.parent / "migrations"


@cache
def known() -> list[str]:
    """From the first to the newest."""
    return sorted(each.name.partition("_")[0] for each in SCRIPTS.glob("versions/[0-9]*_*.py"))


def head() -> str:
    """The revision that this code expects."""
    if not known():
        raise Misconfigured("migrations/versions is empty: the checkout is incomplete")
    return known()[-1]


def newer(revision: str) -> str:
    """What to tell of a database whose revision this code does not know."""
    return (
        f"the database is at revision {revision}, which this version does not know ({head()} is "
        "its newest): start the newer version that migrated it, or restore a backup from before"
    )
