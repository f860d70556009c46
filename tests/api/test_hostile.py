"""Whatever comes in, the answer is a problem the caller can read, and never our fault."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.belongings import objects
from tests.operations import BODIES, Operation, operations
from tests.people import API, Person

DEEP = 100_000
TEXTS = [
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "x" * 1_000_000,
    "\x1b[2J",
    "\x85",
    "\u2028" * 600,
]
WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    2**64,
    10**400,
    1e308,
    "",
    " ",
    [],
    {},
    [[]],
    {"": ""},
    ["x"],
    [None] * 101,
    "0000-01-01",
    "9999-12-31",
    "-0001-01-01T00:00:00Z",
    "P99999999999Y",
    "PT99999999999S",
    "-P1D",
    "P" + "9" * 5000 + "D",
    "9" * 5000,
    "00:00:60",
    "\u0661\u0662:00",
]
OPTIONAL = {
    "start_anonymously",
    "read_all_notifications",
    "preview_digest",
    "create_export",
    "undo_import",
    "rotate_webhook_secret",
}
RAW: list[bytes] = [
    b"", b"{", b"}", b"null", b"[]", b"5", b'"x"', b"\x00", b"\xff\xfe", b'{"title": "\xc3\x28"}',
    b'{"title": NaN}', b'{"position": Infinity, "title": "x"}',
    b'{"position": -1e999, "title": "x"}',
    b'{"title": "x", "position": NaN}', b'{"title": "\\ud800"}', b'{"title": "\\u0000"}',
    b'{"\\ud800": 1}', b'{"title": "a", "title": "b", "x": 1}',
    b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"title": 1' + b"0" * 100_000 + b"}",
]  # fmt: skip
NUMBERS = [
    "0",
    "101",
    "-1",
    "1e9",
    "1.5",
    "NaN",
    "",
    "%00",
    "%F0%28",
    "9" * 5000,
    "true",
    "1&limit=x",
]
CURSORS = [
    "x",
    "AAAA",
    "=",
    "%00",
    "..",
    "A" * 512,
    "A" * 513,
    "\u00fc",
    "-_-_",
    "AA==" * 50,
    "%FF",
]
INSTANTS = ["9999-12-31T23:59:59-14:00", "now", "0", "-1", "%00",
            "2030-01-01", "2030-13-01T00:00:00Z", "2030-01-01T24:00:00Z", "9" * 400]  # fmt: skip


def is_a_problem(answer: Response, about: object) -> None:
    told = str(about)[:300]
    assert 400 <= answer.status_code < 500, (answer.status_code, told)
    assert answer.headers["content-type"] == "application/problem+json", told
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code, told
    assert all(body[name] for name in ("title", "detail", "type", "trace_id")), told
    assert len(answer.content) < 100_000, told


def writes(app: FastAPI) -> Iterator[Operation]:
    for operation in operations(app):
        if operation.takes_body:
            yield operation


async def send(
    http: AsyncClient, operation: Operation, ids: dict[str, str], person: Person, content: bytes,
    kind: str = "application/json",
) -> Response:  # fmt: skip
    headers = person.headers | {"Content-Type": kind}
    path = operation.path.format(**ids)
    return await http.request(operation.method, path, content=content, headers=headers)


def places(value: Any) -> Iterator[tuple[str | int, ...]]:
    """The way to every value inside."""
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in inside:
            yield (name,)
            yield from ((name, *rest) for rest in places(inner))


def with_value(body: Any, way: tuple[str | int, ...], value: Any) -> Any:
    if not way:
        return value
    copied: Any = dict(body) if isinstance(body, dict) else list(body)
    copied[way[0]] = with_value(body[way[0]], way[1:], value)
    return copied


async def test_raw_bytes(app: FastAPI, http: AsyncClient, alice: Person) -> None:
    ids = await objects(app, alice)
    for operation in writes(app):
        optional = operation.id in OPTIONAL  # its body may be absent or null
        for raw in RAW:
            if optional and raw in {b"", b"null"}:
                continue
            is_a_problem(await send(http, operation, ids, alice, raw), (operation.id, raw[:60]))


async def test_hostile_values_in_every_place(
    app: FastAPI, http: AsyncClient, alice: Person
) -> None:
    ids = await objects(app, alice)
    full: dict[str, Any] = {
        "title": "x", "description": "x", "list_id": ids["list_id"], "parent_id": None,
        "priority": "low", "tags": ["x"], "assignee_id": None, "position": 1, "location": "x",
        "due": {"date": "2030-01-01", "time": "09:00", "timezone": "UTC"},
        "reminders": [{"at": {"date": "2030-01-01", "time": "09:00", "timezone": "UTC"},
                       "channels": ["email"], "urgent": False}],
    }  # fmt: skip
    bodies = {"create_todo": full, "replace_todo": full}
    refused = 0
    for operation in writes(app):
        body = bodies.get(operation.id, BODIES[operation.id])
        filled = json.loads(json.dumps(body).replace("{change_set}", ids["change_set"]))
        for way in places(filled):
            for value in (*WRONG, *TEXTS):
                content = json.dumps(with_value(filled, way, value)).encode()
                answer = await send(http, operation, ids, alice, content)
                about = (operation.id, way, str(value)[:60], answer.text[:200])
                assert answer.status_code < 500, about
                if answer.status_code >= 400:
                    is_a_problem(answer, about)
                    refused += 1
                if value in TEXTS[:4]:
                    assert answer.status_code >= 400, about
    assert refused > 1000


async def test_bodies_beyond_a_mebibyte(app: FastAPI, http: AsyncClient, alice: Person) -> None:
    ids = await objects(app, alice)
    body = b'{"title": "' + b"x" * 1024 * 1024 + b'"}'

    async def chunks() -> Any:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    for operation in writes(app):
        answer = await send(http, operation, ids, alice, body)
        assert answer.status_code == 413, (operation.id, answer.text)
        is_a_problem(answer, operation.id)
        headers = alice.headers | {"Content-Type": "application/json"}
        path = operation.path.format(**ids)
        streamed = await http.request(operation.method, path, content=chunks(), headers=headers)
        assert streamed.status_code == 413, (operation.id, streamed.text)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x", "", "/"]
)
async def test_other_media_types(app: FastAPI, http: AsyncClient, alice: Person, kind: str) -> None:
    """A form of another site must not write: browsers send these without asking."""
    ids = await objects(app, alice)
    for operation in writes(app):
        content = json.dumps(BODIES[operation.id]).encode()
        answer = await send(http, operation, ids, alice, content, kind)
        assert answer.status_code in {415, 422}, (operation.id, answer.text)
        is_a_problem(answer, operation.id)


async def test_questions(alice: Person) -> None:
    for path, names, values in (
        ("/todos", ("limit",), NUMBERS),
        ("/events", ("limit", "since"), [n for n in NUMBERS if n not in {"0", "101"}]),
        ("/todos", ("cursor",), CURSORS),
        ("/events", ("cursor",), CURSORS),
        ("/todos", ("due_before", "due_after"), INSTANTS),
        (
            "/todos",
            ("workspace_id", "list_id", "parent_id", "assignee"),
            ["", "x", "%00", "0" * 36],
        ),
        ("/todos", ("q", "tag"), ["%00", "x" * 1000, "%0A"]),
        ("/todos", ("fields",), ["", ",", "%00", "nope", "," * 501, "title,nope"]),
        ("/todos", ("status", "priority", "sort"), ["%00", "x", "PENDING"]),
        ("/webhook-endpoints", ("cursor",), CURSORS),
        ("/webhook-endpoints", ("limit",), NUMBERS),
        ("/webhook-endpoints", ("workspace_id",), ["", "x", "%00", "0" * 36]),
    ):
        for name in names:
            for value in values:
                answer = await alice.get(f"{path}?{name}={value}")
                is_a_problem(answer, (path, name, value))


async def test_harmless_but_odd_questions(alice: Person) -> None:
    for query in (
        "?%00=1",
        "?x=%FF",
        "?" + "a=b&" * 1000,
        "?q=%FF%FE",
        "?q=%ED%A0%80",
        "?tag=%25",
        "?due_before=0001-01-01T00:00:00%2B14:00",
        "?due_after=0001-01-01T00:00:00-14:00",
    ):
        answer = await alice.get(f"/todos{query}")
        assert answer.status_code in {200, 422}, (query, answer.text)


async def test_paths(http: AsyncClient, alice: Person) -> None:
    for path in ("x", "%00", "..%2f..", "x" * 5000, "%FF", "01a1fcc4", "'--", "%ED%A0%80"):
        for target in (f"/todos/{path}", f"/lists/{path}", f"/reminders/{path}/why"):
            is_a_problem(await alice.get(target), target)
        is_a_problem(await alice.delete(f"/tags/{path}"), path)
        is_a_problem(await alice.get(f"/{path}"), path)
    is_a_problem(await http.get("/nothing/here"), "no such page")


async def test_headers(app: FastAPI, http: AsyncClient, alice: Person) -> None:
    todo = (await objects(app, alice))["todo_id"]
    own = alice.headers["Authorization"].encode()
    junk: list[tuple[bytes, bytes]] = [
        (b"If-Match", b"\xff"), (b"If-Match", b'"' + b"9" * 5000 + b'"'),
        (b"If-Match", b'"1", "2"'),
        (b"If-Match", b'"99999999999999999999"'), (b"If-Match", b"'"), (b"If-Match", b'"\x7f"'),
        (b"If-Match", b'"-1"'), (b"If-Match", "\u0661".encode()),
    ]  # fmt: skip
    for header in junk:
        headers = [(b"Authorization", own), header]
        answer = await http.patch(f"{API}/todos/{todo}", json={"title": "x"}, headers=headers)
        is_a_problem(answer, header)
    harmless: list[tuple[bytes, bytes]] = [
        (b"If-None-Match", b"\xff"), (b"X-Request-ID", b"\xff\x01"), (b"X-Request-ID", b"x" * 5000),
        (b"API-Version", b"v0"), (b"Accept", b"image/png"), (b"Accept-Encoding", b"\xff"),
        (b"Range", b"bytes=0-1"), (b"Cookie", b"vt-device=\xff; a"), (b"Origin", b"null"),
        (b"Forwarded", b"for=1.2.3.4"), (b"X-HTTP-Method-Override", b"DELETE"),
    ]  # fmt: skip
    for header in harmless:
        answer = await http.get(f"{API}/todos/{todo}", headers=[(b"Authorization", own), header])
        assert answer.status_code == 200, header
        assert b"\xff" not in answer.headers["x-request-id"].encode("latin-1")
    for value in (b"\xff", b"Bearer \xff", b"Bearer " + b"x" * 100_000, b"Bearer", b"Bearer a b"):
        answer = await http.get(f"{API}/todos", headers=[(b"Authorization", value)])
        assert answer.status_code == 401, value[:20]
        is_a_problem(answer, value[:20])


async def test_other_methods_are_told_what_there_is(app: FastAPI, http: AsyncClient) -> None:
    paths: dict[str, set[str]] = {}
    for operation in operations(app):
        paths.setdefault(operation.path, set()).add(operation.method)
    for path, methods in paths.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - methods:
            answer = await http.request(method, path)
            assert answer.status_code == 405, (method, path)
            is_a_problem(answer, (method, path))
            allowed = {each.strip() for each in answer.headers["allow"].split(",")}
            assert allowed - {"HEAD", "OPTIONS"} == methods, (method, path)
