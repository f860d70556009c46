"""An account all the way out: the API, the outbox, real Temporal, a worker that may be killed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import temporal
from tests.erasing import Site, site
from tests.people import PASSWORD, Person, register


@pytest.fixture(scope="module")
def own_temporal() -> Iterator[temporal.Server]:
    with temporal.server() as server:
        yield server


@pytest.fixture
async def place(
    database_url: str, own_temporal: temporal.Server, tmp_path: Path
) -> AsyncIterator[Site]:
    async with site(database_url, own_temporal, tmp_path) as made:
        yield made


@pytest.fixture
async def ada(place: Site) -> Person:
    return await register(place.world.http, "ada", timezone="Europe/Berlin")


async def test_nothing_is_left_and_the_receipt_says_how_much_it_was(
    place: Site, ada: Person
) -> None:
    for nth in range(3):
        assert (await ada.post("/todos", json={"title": f"todo {nth}"})).status_code == 201
    receipt_id = await place.erase(ada)
    with place.worker():
        receipt = await place.erased(receipt_id)
    assert receipt["stores"]["rows"]["todos"] == 3
    assert receipt["stores"]["account"] == {"users": 1}
    assert await place.sql("SELECT count(*) FROM users WHERE id = %s", ada.id) == [(0,)]
    assert (await ada.get("/me")).status_code == 401
    again = await place.world.http.post(
        "/api/v1/auth/login", json={"email": ada.email, "password": PASSWORD}
    )
    assert again.status_code == 401
