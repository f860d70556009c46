from httpx2 import AsyncClient

from tests.people import Person, address
from tests.todos import make

PASSWORD = "four-words-nobody-ever-said"


async def test_large_answers_are_compressed_for_those_who_can(alice: Person) -> None:
    for nth in range(5):
        await make(alice, f"todo {nth}")
    plain = await alice.get("/todos", headers={"Accept-Encoding": "identity"})
    packed = await alice.get("/todos", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.json() == plain.json()


async def test_small_answers_and_secrets_are_not(alice: Person, http: AsyncClient) -> None:
    gzip = {"Accept-Encoding": "gzip"}
    small = await alice.get("/lists", headers=gzip)
    body = {"email": address("d" * 50), "password": PASSWORD, "name": "D" * 100}
    tokens = await http.post("/api/v1/auth/register", json=body, headers=gzip)
    assert len(tokens.content) > 1024, "else this shows nothing"
    assert "content-encoding" not in small.headers
    assert "content-encoding" not in tokens.headers
