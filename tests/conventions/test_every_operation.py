"""Every operation of the document, tried as nobody, as a stranger, and with forbidden fields.

A route that tests/operations.py knows nothing of fails it: say there whose objects it works on.
"""

from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.belongings import objects
from tests.operations import BODIES, OWN, PUBLIC, call, nothing, operations
from tests.people import API, Person, register
from tests.todos import read

OUTSIDE: Final = {"list_calendars"}  # asks a vendor, and there is none here
UNDOCUMENTED: Final = {
    "/metrics",
    "/docs",
    f"{API}/openapi.json",
    "/verify-email",
    "/codec/encode",  # the operator's, with a token of its own
    "/codec/decode",
}
FORBIDDEN: Final = {
    "id": str(uuid4()),
    "workspace_id": str(uuid4()),
    "owner_id": str(uuid4()),
    "role": "owner",
    "is_admin": True,
    "created_at": "2020-01-01T00:00:00Z",
    "email_verified": True,
    "deleted_at": None,
}


def shape(answer: Response) -> tuple[Any, ...]:
    told = answer.json()
    return (
        answer.status_code,
        sorted(answer.headers),
        {name: value for name, value in told.items() if name not in {"instance", "trace_id"}},
    )


def test_every_route_is_described(app: FastAPI) -> None:
    described = set(app.openapi()["paths"])
    paths: set[str] = set()
    routes: list[Any] = list(app.routes)
    for route in routes:
        router = getattr(route, "original_router", None)
        paths |= {each.path for each in (router.routes if router else [route])}
    assert len(paths) > 20
    assert {p for p in paths if not {p, API + p} & described} == UNDOCUMENTED


def test_every_operation_is_one_that_is_tried(app: FastAPI) -> None:
    every = list(operations(app))
    ids = {operation.id for operation in every}
    assert len(every) == len(ids) > 20
    assert ids >= PUBLIC | OWN, "names of operations that are no more"
    for operation in every:
        ways = [operation.id in PUBLIC, operation.id in OWN, operation.names_objects]
        assert sum(ways) == 1, f"{operation.id}: whose objects does it work on?"
        assert not operation.takes_body or operation.id in BODIES, operation.id


async def test_nobody_is_told_to_sign_in(app: FastAPI, http: AsyncClient) -> None:
    for operation in operations(app):
        if operation.id in PUBLIC:
            continue
        for headers in (
            {},
            {"Authorization": "Bearer x.y.z"},
            {"Authorization": "Basic YTpi"},
            {"Content-Type": "application/json"},
        ):
            answer = await call(http, operation, nothing(), headers)
            assert answer.status_code == 401, (operation.id, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
        if operation.takes_body:
            path = operation.path.format(**nothing())
            malformed = await http.request(
                operation.method, path, content="{", headers={"Content-Type": "application/json"}
            )
            assert malformed.status_code == 401, operation.id


async def test_a_stranger_finds_nothing(
    app: FastAPI, http: AsyncClient, alice: Person, charlie: Person
) -> None:
    hers = await objects(app, alice)
    before = await read(alice, hers["todo_id"])
    tried = 0
    for operation in operations(app):
        if operation.id in PUBLIC | OWN:
            continue
        found = await call(http, operation, hers, charlie.headers)
        random = await call(http, operation, nothing(), charlie.headers)
        assert found.status_code == 404, (operation.id, found.text)
        assert shape(found) == shape(random), operation.id
        # One's own workspace, and somebody else's object in it.
        mixed = await call(
            http, operation, hers | {"workspace_id": str(charlie.id)}, charlie.headers
        )
        named = operation.path.replace("{provider}", "")  # of a provider there is nobody's
        lists = "{" not in named and operation.id != "undo"
        assert mixed.status_code == 404 or (lists and mixed.is_success), operation.id
        assert hers["todo_id"] not in mixed.text.replace(mixed.request.url.path, "")
        tried += 1
    assert tried > 15
    assert await read(alice, hers["todo_id"]) == before


async def test_the_same_calls_work_for_their_owner(
    app: FastAPI, http: AsyncClient, alice: Person
) -> None:
    """Else a 404 above could be one for a wrong path."""
    for operation in operations(app):
        if operation.id in PUBLIC | OWN | OUTSIDE:
            continue
        answer = await call(http, operation, await objects(app, alice), alice.headers)
        if operation.id == "end_session":  # her own, and only one
            alice = await register(http)
        if operation.id == "create_list":
            await alice.delete(answer.headers["location"].removeprefix(API))
        shown = answer.is_success or answer.status_code == 303  # the way to a download
        assert shown, (operation.id, answer.text)


async def test_forbidden_fields_are_refused(app: FastAPI, http: AsyncClient, alice: Person) -> None:
    hers = await objects(app, alice)
    tried = 0
    for operation in operations(app):
        if not operation.takes_body:
            continue
        for name, value in FORBIDDEN.items():
            answer = await call(http, operation, hers, alice.headers, {name: value})
            assert answer.status_code == 422, (operation.id, name, answer.text)
            assert f"/{name}" in [e["pointer"] for e in answer.json()["errors"]], operation.id
            tried += 1
    assert tried >= 8 * 14
    assert (await read(alice, hers["todo_id"]))["title"] == "hers"
