"""`Idempotency-Key`: the same key and body are answered the same, once and for 72 hours.

1. The key is claimed in the request's own transaction, before anything else; a twin under way
   is told 409, a used key ends the transaction.
2. The answer is stored in the same transaction as the change, sealed with a key that only
   somebody who knows user, route and Idempotency-Key can derive; the table holds hashes.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request, Response
from sqlalchemy import bindparam, func, select

from core import crypto
from core.db import Answer, Caller, Database, Transaction
from core.errors import Conflict, Invalid, KeyReused
from core.models.users import IdempotencyKeys
from core.statements import query

HEADER = "Idempotency-Key"
MAX_CHARS = 255
KEPT_HEADERS = ("location", "etag", "change-set", "content-type")

_CLAIM = query(select(func.vt_claim_key(bindparam("key_hash"))))
_FIND = query(
    select(IdempotencyKeys.request_hash, IdempotencyKeys.status, IdempotencyKeys.answer).where(
        IdempotencyKeys.key_hash == bindparam("key_hash")
    )
)


@dataclass(frozen=True, slots=True)
class Claim:
    name: bytes  # what the sealing key is derived from; never stored
    key_hash: bytes
    request_hash: bytes


async def claim(request: Request, user_id: UUID | None) -> Claim | None:
    """What the request's key claims, if it has one and changes something."""
    if request.headers.get(HEADER) is None or request.method != "POST":
        return None
    body = await request.body()
    asked = hashlib.sha256(request.scope["query_string"] + b"\0" + body)
    return claim_of(request, user_id, asked.digest())


def claim_of(request: Request, user_id: UUID | None, asked: bytes) -> Claim | None:
    """For what came in as a stream; `asked` is a hash of all that was asked for."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_CHARS or not key.isascii() or not key.isprintable():
        detail = f"1 to {MAX_CHARS} printable ASCII characters"
        raise Invalid(detail, pointer=f"/header/{HEADER}", code="idempotency_key")
    name = f"{user_id or 'nobody'} {request.url.path} {key}".encode()
    return Claim(name, hashlib.sha256(name).digest(), asked)


def claim_for_nobody(tx: Transaction, claimed: Claim) -> None:
    """Before all other statements. A signed-in person's is claimed with their entry."""
    tx.run(_CLAIM, key_hash=claimed.key_hash)


def store(tx: Transaction, claimed: Claim, response: Response) -> None:
    """Keep this answer with the change that it tells of."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    answer = orjson.dumps(headers) + b"\n" + bytes(response.body)
    sealed = crypto.seal(_sealing_key(claimed), answer)
    tx.keep(Answer(claimed.key_hash, claimed.request_hash, response.status_code, sealed))


async def replay(database: Database, claimed: Claim, caller: Caller | None) -> Response:
    """The stored answer. The caller's session is checked as at any other request."""
    async with database.transaction(read_only=True) as tx:
        if caller is not None:
            tx.enter(caller)
        found: tuple[Any, ...] | None = await tx.first(_FIND, key_hash=claimed.key_hash)
    if found is None:
        raise Conflict("the first request with this Idempotency-Key is not finished")
    request_hash, status, sealed = found
    if bytes(request_hash) != claimed.request_hash:
        raise KeyReused
    headers, _, body = crypto.unseal(_sealing_key(claimed), bytes(sealed)).partition(b"\n")
    response = Response(body, status, headers=orjson.loads(headers))
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _sealing_key(claimed: Claim) -> bytes:
    return hashlib.sha256(b"seal " + claimed.name).digest()
