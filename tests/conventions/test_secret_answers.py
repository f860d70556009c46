"""No answer of the document has a place for a secret, but the ones that are there to tell it."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

SECRET: Final = ("password", "hash", "secret", "token")
WITH_TOKENS: Final = {"SignedIn"}  # what signs in, and only there
WITH_SECRET: Final = {("NewWebhookEndpoint", "secret")}  # the one answer that makes it
NO_SECRET: Final = {
    ("VoiceResult", "undo_token"),  # an id that opens nothing to others
    ("WebhookEndpoint", "previous_secret_until"),  # an instant
    ("NewWebhookEndpoint", "previous_secret_until"),
}


def properties(schema: Any, schemas: dict[str, Any], seen: set[str]) -> Iterator[tuple[str, str]]:
    """(schema, property) of everything that this answer can hold."""
    if isinstance(schema, list):
        for each in schema:
            yield from properties(each, schemas, seen)
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        for key in schemas[name].get("properties", {}):
            yield name, key
        yield from properties(list(schemas[name].values()), schemas, seen)
        yield from properties(schemas[name].get("properties", {}), schemas, seen)
    yield from properties(
        [v for v in schema.values() if isinstance(v, (dict, list))], schemas, seen
    )


def test_answers_hold_no_secrets(app: FastAPI) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    found = set()
    for described in document["paths"].values():
        for each in described.values():
            bodies = [answer.get("content", {}) for answer in each["responses"].values()]
            found |= set(properties(bodies, schemas, set()))
    assert ("Todo", "title") in found
    told = {
        (schema, name) for schema, name in found if any(word in name.lower() for word in SECRET)
    } - NO_SECRET
    assert told >= WITH_SECRET
    told -= WITH_SECRET
    assert {schema for schema, _ in told} == WITH_TOKENS
    assert {name for _, name in told} == {"access_token", "refresh_token", "token_type"}
