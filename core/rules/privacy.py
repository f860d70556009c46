"""The data map as a page for people: docs/privacy.md is what `markdown` makes of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from core.rules import consents
from core.rules.data_map import Answers, DataMap, Erase, Table

HEAD: Final = """\
# What is kept of you, and why

<!-- made of core/data_map.yaml by `voicetodo admin privacy --write` -->

Made of the map that the programs themselves are checked against: a column, folder, log field or
receiver that is not in it fails the build. Articles are those of Regulation (EU) 2016/679, the
GDPR. Numbers of days are the defaults; whoever runs an installation may have chosen others.
"""
RIGHTS: Final = (
    ("a copy of everything (Art. 15, 20)", "`POST /api/v1/exports`, `voicetodo export`"),
    ("to bring your data from elsewhere", "`POST /api/v1/imports`, `voicetodo import FILE`"),
    ("something put right (Art. 16)", "change it; what you cannot change, ask whoever runs this"),
    ("to see what would go", "`GET /api/v1/me/erasure/preview`, `voicetodo erase --preview`"),
    ("everything gone (Art. 17)", "`POST /api/v1/me/erasure`, `voicetodo erase`"),
    ("an agreement taken back (Art. 7(3))", "`PUT /api/v1/me/consents`"),
    ("no more messages of a kind (Art. 21)", "`PUT /api/v1/me/notification-preferences`"),
)
ASKING: Final = """\
What you ask by mail or letter is written into a register with its due date: one month, or three if
you are told so within the first.
"""
PROOF: Final = """\
It is looked at before each call, so that a withdrawal counts at once, also for work that waits.
Kept as proof: which version, when, by which sign-in, and its network address as a keyed hash.
Another text asks again.
"""


def markdown(data: DataMap) -> str:
    """The whole page; the same bytes for the same map."""
    parts = [
        HEAD,
        _kinds(data),
        _third_parties(data),
        _consents(),
        _how_long(data),
        f"## What you can do\n\n{_table(('you want', 'how'), RIGHTS)}\n{ASKING}",
        _taken(data),
        _left_out(data),
        _kept(data),
        _beside(data),
        _tables(data),
    ]
    return "\n".join(parts)


def _kinds(data: DataMap) -> str:
    risks = [
        (f"**{name}**", category.says, str(category.risk))
        for name, category in data.categories.items()
    ]
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for answers in _every(data):
        kinds, ages = found.setdefault((answers.purpose, answers.basis), (set(), set()))
        kinds.add(answers.category)
        ages.add(answers.retention)
    for party in data.third_parties.values():
        kinds, _ = found.setdefault((party.purpose, party.basis), (set(), set()))
        kinds.update(party.categories)
    uses = [
        (
            data.purposes[purpose],
            ", ".join(name for name in data.categories if name in kinds),
            data.bases[basis].article,
            _ages(data, ages),
        )
        for purpose, basis in _in_order(data, found)
        for kinds, ages in [found[purpose, basis]]
    ]
    bases = "\n".join(f"- {each.article}: {each.says}" for each in data.bases.values())
    return (
        f"## What, why and how long\n\n{_table(('kind', 'what', 'risk if others read it'), risks)}"
        f"\n{_table(('why', 'kinds', 'basis', 'how long'), uses)}\n{bases}\n"
    )


def _ages(data: DataMap, names: Collection[str]) -> str:
    if not names:  # told to others only
        return "by the rules of whom it is told"
    return "; ".join(
        dict.fromkeys(each.says for name, each in data.retention.items() if name in names)
    )


def _in_order(data: DataMap, found: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    every = [(purpose, basis) for purpose in data.purposes for basis in data.bases]
    return [each for each in every if each in found]


def _third_parties(data: DataMap) -> str:
    rows = [
        (
            each.says,
            each.when,
            ", ".join(each.categories),
            data.bases[each.basis].article,
            each.ends,
        )
        for each in data.third_parties.values()
    ]
    told = _table(("who", "when", "what", "basis", "when your account ends"), rows)
    return f"## Who else is told something\n\nNobody but these, and each only then.\n\n{told}"


def _consents() -> str:
    rows = [
        (f"`{kind}`", str(len(texts)), texts[-1]) for kind, texts in sorted(consents.TEXTS.items())
    ]
    told = _table(("consent", "version", "text"), rows)
    return f"## What you may agree to\n\n{told}\n{PROOF}"


def _how_long(data: DataMap) -> str:
    rows = [
        (f"`{name}`", each.says, f"`VOICETODO_{each.setting.upper()}`" if each.setting else "")
        for name, each in data.retention.items()
    ]
    return f"## How long\n\n{_table(('class', 'how long', 'setting'), rows)}"


def _taken(data: DataMap) -> str:
    members: dict[str, dict[str, list[str]]] = {}
    for member, table, column in data.exported():
        members.setdefault(member, {}).setdefault(table, []).append(column)
    rows = [
        (f"`{member}`", ", ".join(f"{table} ({len(names)})" for table, names in tables.items()))
        for member, tables in sorted(members.items())
    ]
    rows += [
        (f"`{each.answers.export}`", each.says)
        for each in data.blobs.values()
        if each.answers.export
    ]
    told = _table(("member of the archive", "of these tables (columns)"), rows)
    return f"## What an export has\n\n{told}"


def _left_out(data: DataMap) -> str:
    found = [
        (answers.export_reason, f"{table}.{column}")
        for table, column, answers in _columns(data)
        if answers.export_reason
    ]
    return f"Not in it, and why:\n\n{_reasons(data, found)}"


def _kept(data: DataMap) -> str:
    found = [
        (answers.kept_because, f"{table}.{column}")
        for table, column, answers in _columns(data)
        if answers.erase is Erase.KEEP
    ]
    found += [(each.kept_because, "logs") for each in [*data.logs.fields[""].values()][:1]]
    anonymised = [
        f"`{table}.{column}`"
        for table, column, answers in _columns(data)
        if answers.erase is Erase.ANONYMISE
    ]
    return (
        f"## What stays when your account ends\n\n{_reasons(data, found)}\n"
        "Everything else goes, recordings and archives included. In a workspace that you share,\n"
        "todos and lists stay with the others, and what names you there is emptied:\n"
        f"{', '.join(anonymised)}.\n"
    )


def _reasons(data: DataMap, found: Iterable[tuple[str | None, str]]) -> str:
    by_reason: dict[str, list[str]] = {}
    for reason, what in found:
        by_reason.setdefault(reason or "", []).append(what)
    rows = [
        (says, _columns_of(data, by_reason[name]))
        for name, says in data.reasons.items()
        if name in by_reason
    ]
    return _table(("because", "what"), rows)


def _columns_of(data: DataMap, names: list[str]) -> str:
    """`table.column` of one table after the other, as `table`: its columns; none if it is all."""
    parts = []
    for table, of_table in groupby(names, lambda name: name.partition(".")[0]):
        columns = [column for each in of_table if (column := each.partition(".")[2])]
        is_whole = table in data.tables and len(columns) == len(data.tables[table].columns)
        parts.append(
            f"`{table}`" if is_whole or not columns else f"`{table}`: {', '.join(columns)}"
        )
    return "; ".join(parts)


def _beside(data: DataMap) -> str:
    rows = [
        (f"files, `{name}/`", each.says, _answers(data, each.answers))
        for name, each in data.blobs.items()
    ]
    for what, told in (("work under way", data.payloads), ("logs", data.logs)):
        answers = next(iter(next(iter(told.fields.values())).values()))
        rows.append((what, told.says, _answers(data, answers)))
    return f"## Beside the database\n\n{_table(('where', 'what', 'how'), rows)}"


def _answers(data: DataMap, answers: Answers) -> str:
    sealed = "encrypted; " if answers.sealed else ""
    return f"{sealed}{data.retention[answers.retention].says}"


def _tables(data: DataMap) -> str:
    parts = ["## Table by table\n"]
    for table in data.tables.values():
        rows = [
            (", ".join(f"`{name}`" for name in names), *_told(data, answers))
            for names, answers in _grouped(table)
        ]
        columns = ("columns", "what", "how long", "in an export", "when your account ends")
        parts.append(f"### {table.name}\n\n{table.says}\n\n{_table(columns, rows)}")
    return "\n".join(parts)


def _grouped(table: Table) -> Iterator[tuple[list[str], Answers]]:
    groups: dict[Answers, list[str]] = {}
    for name, answers in table.columns.items():
        groups.setdefault(answers, []).append(name)
    for answers, names in groups.items():
        yield names, answers


def _told(data: DataMap, answers: Answers) -> tuple[str, str, str, str]:
    ends = {Erase.DELETE: "goes", Erase.ANONYMISE: "leads to you no more", Erase.KEEP: "stays"}
    return (
        f"{answers.category}, encrypted" if answers.sealed else answers.category,
        data.retention[answers.retention].says,
        f"`{answers.export}`" if answers.export else "no",
        ends[answers.erase],
    )


def _columns(data: DataMap) -> Iterator[tuple[str, str, Answers]]:
    for table in data.tables.values():
        for column, answers in table.columns.items():
            yield table.name, column, answers


def _every(data: DataMap) -> Iterator[Answers]:
    yield from (answers for _, _, answers in _columns(data))
    yield from (folder.answers for folder in data.blobs.values())
    fields: list[Mapping[str, Answers]] = [
        *data.payloads.fields.values(),
        *data.logs.fields.values(),
    ]
    yield from (answers for each in fields for answers in each.values())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell for cell in line)} |\n" for line in lines)
