"""What people said, sealed at rest: opened for whoever may read the row."""

from typing import Any
from uuid import UUID

import orjson

from core import crypto
from core.crypto import Keyring
from core.errors import Invalid

PURPOSE = "voice commands"
# Todos are made of rows in one place, where no request is at hand: what opens their words stands
# here, once per process. It is no secret to a process that has the keys anyhow.
_rings: dict[str, Keyring] = {}


def ring_of(keys: Keyring) -> Keyring:
    """The ring for words, of `Keys.ring`; from now on todos of this process show theirs."""
    ring = keys.of(PURPOSE)
    _rings[ring.key_id] = ring
    return ring


def seal_result(
    ring: Keyring, workspace_id: UUID, command_id: UUID, result: dict[str, Any]
) -> bytes:
    aad = crypto.place("voice_commands", "sealed", command_id, workspace_id)
    return ring.seal(orjson.dumps(result), aad=aad)


def result(
    ring: Keyring, workspace_id: UUID, command_id: UUID, sealed: bytes | None
) -> dict[str, Any] | None:
    """Null once the words are forgotten."""
    if sealed is None:
        return None
    aad = crypto.place("voice_commands", "sealed", command_id, workspace_id)
    found: dict[str, Any] = orjson.loads(ring.unseal(sealed, aad=aad))
    return found


def seal_words(ring: Keyring, workspace_id: UUID, todo_id: UUID, words: str) -> bytes:
    aad = crypto.place("todo_voice", "original_text", todo_id, workspace_id)
    return ring.seal(words.encode(), aad=aad)


def words(workspace_id: UUID, todo_id: UUID, sealed: bytes | None) -> str | None:
    """Null once they are forgotten, and where no ring of this process opens them."""
    if sealed is None:
        return None
    found = _opened(workspace_id, todo_id, sealed)
    return None if found is None else found[0]


def moved(sealed: bytes, todo_id: UUID, *, source: UUID, target: UUID) -> bytes | None:
    """The words of a todo that goes to another workspace; null where nothing opens them."""
    found = _opened(source, todo_id, sealed)
    return None if found is None else seal_words(found[1], target, todo_id, found[0])


def _opened(workspace_id: UUID, todo_id: UUID, sealed: bytes) -> tuple[str, Keyring] | None:
    aad = crypto.place("todo_voice", "original_text", todo_id, workspace_id)
    for ring in _rings.values():
        try:
            return ring.unseal(sealed, aad=aad).decode(), ring
        except Invalid:
            continue
    return None
