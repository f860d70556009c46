"""What is kept sealed or as bytes, as it stands in somebody's own archive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from core import crypto, logs
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Invalid
from core.services import memo_secrets, subject_keys, voice_seals

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Seals:
    """`memos` is the ring of `memo_secrets.PURPOSE`, `voice` that of `voice_seals.PURPOSE`."""

    memos: Keyring
    voice: Keyring

    async def of(self, tx: Transaction, user_id: UUID) -> "Seals":
        """The same with the rings that open what is sealed for this person."""
        return Seals(
            await subject_keys.opening(tx, self.memos, user_id),
            await subject_keys.opening(tx, self.voice, user_id),
        )

    def opened(self, table: str, column: str, row: Mapping[str, Any]) -> Any:
        """Words as text or JSON; a hash as hexadecimal digits; null for what opens no more."""
        opens = _OPENERS.get((table, column))
        if opens is None:
            return row[column].hex()
        try:
            return opens(self, row)
        except Invalid as error:
            log.error("export.unreadable", kind=table, error=error)
            return None


def _transcript(seals: Seals, row: Mapping[str, Any]) -> Any:
    return _memo(seals, row, "transcript").decode()


def _words(seals: Seals, row: Mapping[str, Any]) -> Any:
    return orjson.loads(_memo(seals, row, "words"))


def _memo(seals: Seals, row: Mapping[str, Any], column: str) -> bytes:
    aad = crypto.place(memo_secrets.TABLE, column, row["id"], row["workspace_id"])
    return seals.memos.unseal(row[column], aad=aad)


def _said(seals: Seals, row: Mapping[str, Any]) -> Any:
    return voice_seals.result(seals.voice, row["workspace_id"], row["id"], row["sealed"])


def _original(seals: Seals, row: Mapping[str, Any]) -> Any:
    aad = crypto.place("todo_voice", "original_text", row["todo_id"], row["workspace_id"])
    return seals.voice.unseal(row["original_text"], aad=aad).decode()


def _posted(_: Seals, row: Mapping[str, Any]) -> Any:
    return row["body"].decode(errors="replace")


_OPENERS: Final[Mapping[tuple[str, str], Callable[[Seals, Mapping[str, Any]], Any]]] = {
    ("voice_memos", "transcript"): _transcript,
    ("voice_memos", "words"): _words,
    ("voice_commands", "sealed"): _said,
    ("todo_voice", "original_text"): _original,
    ("webhook_deliveries", "body"): _posted,
}
