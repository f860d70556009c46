"""What somebody has to be told of their data (Regulation (EU) 2016/679, Art. 15), as one page.

Made of the data map: what is kept, why, for how long, and who else is told.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from typing import Final

from core.rules.data_map import Answers, DataMap, Table, ThirdParty

# Where each kind of entry stands is told in the file itself: who opens it has no style sheet.
_STYLE: Final = (
    "body{font:1em/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.3em .6em;"
    "text-align:left;vertical-align:top}"
)
ABOUT: Final = (
    "It tells what is kept of you, as Article 15 of Regulation (EU) 2016/679 (GDPR) asks for."
)
SHARED: Final = (
    "Where you share a list, the archive has what you wrote and what you are to do. Others are"
    " called “another member”, and what they wrote for others is left out."
)
SOURCES: Final = (
    "From you: what you write, say, import and set, and what the services tell us that you"
    " connected; in shared lists, from their members."
)
MACHINES: Final = (
    "None about you (Art. 22). What you say is turned into todos by programs; where they are not"
    " sure, you are asked first."
)
RIGHTS: Final = (
    ("Correct", "what is wrong, in the app or by PATCH /me (Art. 16)"),
    ("Erase", "your account and all of this: DELETE in the app, or POST /me/erasure (Art. 17)"),
    ("Restrict", "what is done with your data, while something is unclear (Art. 18)"),
    ("Take with you", "this archive; todos.json can be imported anywhere (Art. 20)"),
    ("Object", "to what is based on our legitimate interest (Art. 21)"),
    ("Withdraw", "what you agreed to, at PUT /me/consents; it takes effect within a minute"),
    ("Complain", "to the data protection authority where you live or work (Art. 77)"),
)
FILES: Final = (
    ("todos.json", "all of your lists and todos, for programs; schema/ says how it is written"),
    ("todos.csv", "your todos for spreadsheets"),
    ("todos.ics", "your todos for calendars and other todo apps (iCalendar)"),
    ("audio/", "your recordings, as far as they are still kept"),
    ("*.json", "everything else, one file for each kind"),
    ("manifest.json", "what is in this archive, with SHA-256 of each file"),
)


def page(data_map: DataMap, *, made_at: datetime, members: Iterable[str]) -> str:
    """`members` are the files that are in this archive."""
    inside = list(members)
    shown = [
        each
        for each in FILES
        if each[0] in {"*.json", "manifest.json"}
        or any(name.startswith(each[0]) for name in inside)
    ]
    body = [
        "<h1>Your data at Voice Todo</h1>",
        f"<p>Made on {made_at:%Y-%m-%d at %H:%M} UTC. {ABOUT}</p>",
        "<h2>What is in this archive</h2>",
        _table(("File", "What it is"), shown),
        f"<p>{SHARED}</p>",
        "<h2>What is kept, why, and for how long</h2>",
        _table(("What", "Kinds", "For", "Because", "Until", "File"), _kept(data_map)),
        "<h2>Who else is told something</h2>",
        _table(("Who", "What", "For", "Because", "When", "How it ends"), _others(data_map)),
        "<h2>Where it comes from</h2>",
        f"<p>{SOURCES}</p>",
        "<h2>Decisions by machines</h2>",
        f"<p>{MACHINES}</p>",
        "<h2>What you may do</h2>",
        _table(("You may", "How"), RIGHTS),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Your data at Voice Todo'
        f"</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _kept(data_map: DataMap) -> Iterator[tuple[str, ...]]:
    for table in data_map.tables.values():
        if table.whose is not None:
            yield _row(data_map, table.says, table)
    for folder in data_map.blobs.values():
        yield _line(data_map, folder.says, [folder.answers])


def _row(data_map: DataMap, says: str, table: Table) -> tuple[str, ...]:
    return _line(data_map, says, list(table.columns.values()))


def _line(data_map: DataMap, says: str, answers: list[Answers]) -> tuple[str, ...]:
    bases = [data_map.bases[each.basis] for each in answers]
    members = [each.export for each in answers if each.export is not None]
    why_not = [data_map.reasons[each.export_reason] for each in answers if each.export_reason]
    return (
        says,
        _joined(data_map.categories[each.category].says for each in answers),
        _joined(data_map.purposes[each.purpose] for each in answers),
        _joined(f"{basis.says} ({basis.article})" for basis in bases),
        _joined(data_map.retention[each.retention].says for each in answers),
        _joined(members) or f"none: {_joined(why_not)}",
    )


def _others(data_map: DataMap) -> Iterator[tuple[str, ...]]:
    for party in data_map.third_parties.values():
        yield _other(data_map, party)


def _other(data_map: DataMap, party: ThirdParty) -> tuple[str, ...]:
    basis = data_map.bases[party.basis]
    return (
        party.says,
        _joined(data_map.categories[each].says for each in party.categories),
        data_map.purposes[party.purpose],
        f"{basis.says} ({basis.article})",
        party.when,
        party.ends,
    )


def _joined(words: Iterable[str]) -> str:
    """Each once, in their order."""
    return "; ".join(dict.fromkeys(words))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    titles = "".join(f"<th>{escape(each)}</th>" for each in head)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"
