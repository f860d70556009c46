"""People's own keys: what is sealed for somebody is sealed with theirs, and goes with it.

1. `sealing` before something is sealed for a person: makes their key, where there is none yet.
2. `opening` before something of theirs is opened.

Both answer a ring that seals and opens without asking the database again; both ask it once at most,
and not at all for a person whose key was read during the last minute (`Epochs.KEPT_S`). A ring that
leads to no people, as tests have it, stays as it is.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from core import crypto, logs
from core.crypto import Keyring
from core.db import Transaction
from core.epochs import Epochs, SubjectRing
from core.errors import KeysMissing, Unavailable
from core.statements import Query, row

log = logs.get(__name__)

TRIES: Final = 3
# A row of this very transaction may be rolled back: it is not to be remembered.
GET: Final = (
    b"SELECT epoch, wrapped,"
    b" coalesce(xmin = pg_current_xact_id_if_assigned()::xid, false) AS fresh"
    b" FROM subject_keys WHERE user_id = %(user_id)s"
)
LIVE: Final = (
    b"SELECT epoch, key_id FROM key_epochs WHERE live AND sealed_by = ANY (%(known)s)"
    b" ORDER BY epoch DESC"
)
ADD: Final = (
    b"INSERT INTO subject_keys (user_id, epoch, wrapped)"
    b" SELECT %(user_id)s, epoch, %(wrapped)s FROM key_epochs WHERE epoch = %(epoch)s AND live"
    b" ON CONFLICT DO NOTHING"
)
# Whoever comes second waits, and finds the epoch of the first.
LOCK: Final = b"SELECT pg_advisory_xact_lock(hashtext('voicetodo.key_epochs'))"
HIGHEST: Final = b"SELECT coalesce(max(epoch), 0) FROM key_epochs"
BEGIN: Final = (
    b"INSERT INTO key_epochs (epoch, key_id, sealed_by)"
    b" VALUES (%(epoch)s, %(key_id)s, %(sealed_by)s)"
)
DESTROY: Final = b"DELETE FROM subject_keys WHERE user_id = %(user_id)s RETURNING 1"

_GET: Final = Query(GET, row, {}, writes=False)
_LIVE: Final = Query(LIVE, row, {}, writes=False)
_ADD: Final = Query(ADD, row, {}, writes=True)
_LOCK: Final = Query(LOCK, row, {}, writes=False)
_HIGHEST: Final = Query(HIGHEST, row, {}, writes=False)
_BEGIN: Final = Query(BEGIN, row, {}, writes=True)
_DESTROY: Final = Query(DESTROY, row, {}, writes=True)


async def sealing(tx: Transaction, ring: Keyring, user_id: UUID) -> Keyring:
    """Seals for this person, who is there. Raises `KeysMissing` when their key does not open."""
    if not isinstance(ring, SubjectRing):
        return ring
    key = await _key(tx, ring.epochs, user_id)
    for _ in range(TRIES):
        if key is not None:
            return ring.person(user_id, key)
        epoch = await _epoch(tx, ring.epochs)
        wrapped = ring.epochs.wrap(epoch, user_id, crypto.new_key())
        tx.run(_ADD, user_id=user_id, epoch=epoch, wrapped=wrapped)
        key = await _key(tx, ring.epochs, user_id)  # of whoever was first
    if key is not None:
        return ring.person(user_id, key)
    raise Unavailable("the key of this person cannot be made now; try again shortly")


async def opening(tx: Transaction, ring: Keyring, user_id: UUID) -> Keyring:
    """Opens what is sealed for this person, and what was sealed before people had keys.

    Not to seal with. What was sealed with a key that is destroyed does not open with it: `Invalid`.
    """
    if not isinstance(ring, SubjectRing):
        return ring
    key = await _key(tx, ring.epochs, user_id, destroyed_is_none=True)
    return ring.before() if key is None else ring.person(user_id, key)


async def destroy(tx: Transaction, user_id: UUID) -> int:
    """What is sealed for this person opens nowhere any more, where this database is."""
    return len(await tx.all(_DESTROY, user_id=user_id))


def given(ring: Keyring, user_id: UUID, epoch: int, wrapped: bytes) -> Keyring | None:
    """As `opening`, where a statement has brought the row along; null where it does not open."""
    if not isinstance(ring, SubjectRing):
        return None
    try:
        return ring.person(user_id, ring.epochs.unwrap(epoch, user_id, wrapped))
    except KeysMissing as error:
        if not ring.epochs.destroyed(epoch):
            log.error("keys.missing", count=epoch, error=error)
        return None


def chosen(epochs: Epochs, live: Sequence[Any]) -> int | None:
    """Of the rows of `LIVE` the epoch that new keys are wrapped by; null: one has to begin.

    Raises `KeysMissing` where the file of the newest is not here.
    """
    for epoch, key_id in live:
        if epochs.destroyed(epoch):  # the database is older than that
            continue
        if epochs.name(epoch) != key_id:
            raise KeysMissing(
                f"{epochs.folder / f'{epoch}.key'} is of another installation: bring the file that "
                "belongs to this database, or set VOICETODO_EPOCH_DIR"
            )
        return int(epoch)
    return None


async def _key(
    tx: Transaction, epochs: Epochs, user_id: UUID, *, destroyed_is_none: bool = False
) -> bytes | None:
    known = epochs.recall(user_id)
    if known is not None:
        return known
    found = await tx.first(_GET, user_id=user_id)
    if found is None:
        return None
    epoch, wrapped, fresh = found
    if destroyed_is_none and epochs.destroyed(epoch):
        return None
    key = epochs.unwrap(epoch, user_id, bytes(wrapped))
    if not fresh:
        epochs.remember(user_id, key)
    return key


async def _epoch(tx: Transaction, epochs: Epochs) -> int:
    known = epochs.known_by
    epoch = chosen(epochs, await tx.all(_LIVE, known=known))
    if epoch is not None:
        return epoch
    tx.run(_LOCK)
    epoch = chosen(epochs, await tx.all(_LIVE, known=known))
    if epoch is not None:
        return epoch
    [(highest,)] = await tx.all(_HIGHEST)
    new = max(int(highest), epochs.highest()) + 1
    tx.run(_BEGIN, epoch=new, key_id=epochs.make(new), sealed_by=epochs.sealed_by)
    return new
