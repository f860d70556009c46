"""What people said, sealed at rest: opened for whoever may read the row."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from core import crypto, epochs, logs
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Invalid, KeysMissing
from core.services import subject_keys

log = logs.get(__name__)

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
    """Null once the words are forgotten, and where their key was destroyed."""
    if sealed is None:
        return None
    aad = crypto.place("voice_commands", "sealed", command_id, workspace_id)
    opened = epochs.opened(ring, sealed, aad=aad)
    if opened is None:  # a page of commands is told all the same
        log.error("voice_command.unreadable", subject_id=command_id)
        return None
    found: dict[str, Any] = orjson.loads(opened)
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """Of a todo, sealed; with the key of whoever said them as their row has it, where it is."""

    sealed: bytes
    epoch: int | None = None
    wrapped: bytes = field(default=b"", repr=False)


def seal_words(ring: Keyring, workspace_id: UUID, todo_id: UUID, words: str) -> bytes:
    return ring.seal(words.encode(), aad=_of_todo(workspace_id, todo_id))


def words(workspace_id: UUID, todo_id: UUID, kept: Words | None) -> str | None:
    """Null once they are forgotten, and where no ring of this process opens them.

    Asks nothing: on a page of todos each brings the key along that opens its words.
    """
    if kept is None:
        return None
    for ring in _rings.values():
        opened = _opened(_theirs(ring, kept), workspace_id, todo_id, kept.sealed)
        if opened is not None:
            return opened
    return None


async def moved(
    tx: Transaction, sealed: bytes, todo_id: UUID, *, source: UUID, target: UUID
) -> bytes | None:
    """The words of a todo that goes from one person's own workspace to another one's, for whom they
    are sealed from now on; null where nothing opens them. Raises `KeysMissing` where a key might.
    """
    missing = None
    for ring in _rings.values():
        try:
            theirs = await subject_keys.opening(tx, ring, epochs.subject(sealed) or source)
        except KeysMissing as error:  # of one installation; this process may serve others
            missing = error
            continue
        opened = _opened(theirs, source, todo_id, sealed)
        if opened is not None:
            new = await subject_keys.sealing(tx, ring, target)
            return seal_words(new, target, todo_id, opened)
    if missing is not None:
        raise missing
    return None


def _theirs(ring: Keyring, kept: Words) -> Keyring:
    whose = epochs.subject(kept.sealed)
    if whose is None or kept.epoch is None:
        return ring
    return subject_keys.given(ring, whose, kept.epoch, kept.wrapped) or ring


def _opened(ring: Keyring, workspace_id: UUID, todo_id: UUID, sealed: bytes) -> str | None:
    try:
        return ring.unseal(sealed, aad=_of_todo(workspace_id, todo_id)).decode()
    except Invalid:
        return None


def _of_todo(workspace_id: UUID, todo_id: UUID) -> bytes:
    return crypto.place("todo_voice", "original_text", todo_id, workspace_id)
