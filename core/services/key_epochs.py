"""The epochs of people's keys, for operators: seen, followed by another one, destroyed.

Works beside everything else, as an administrator and in small bites. Rotating wraps keys anew and
touches nothing that is sealed with them; a rotation that was interrupted is finished by the next.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection, connect
from psycopg.errors import ForeignKeyViolation

from core import crypto
from core.crypto import Keyring
from core.epochs import Epochs, SubjectRing
from core.errors import Conflict, Error, KeysMissing, NotFound
from core.services import subject_keys

BATCH: Final = 500
_FIRST: Final = UUID(int=0)
_ALONE: Final = b"SELECT pg_try_advisory_lock(hashtext('voicetodo.rotating'))"
_STANDING: Final = b"""
    SELECT e.epoch, e.key_id, e.sealed_by, e.created_at, e.destroyed_at,
           (SELECT count(*) FROM subject_keys k WHERE k.epoch = e.epoch)
    FROM key_epochs e ORDER BY e.epoch
"""
_OURS: Final = b"SELECT epoch FROM key_epochs WHERE live AND sealed_by = ANY (%(known)s)"
_OLDER: Final = b"""
    SELECT user_id, epoch, wrapped FROM subject_keys
    WHERE epoch = ANY (%(older)s) AND user_id > %(after)s ORDER BY user_id LIMIT %(limit)s
"""
_COUNT: Final = b"SELECT count(*) FROM subject_keys WHERE epoch = ANY (%(older)s)"
_WRAP: Final = b"""
    UPDATE subject_keys SET epoch = %(epoch)s, wrapped = %(new)s
    WHERE user_id = %(user_id)s AND wrapped = %(old)s
"""
_ROW: Final = b"SELECT live FROM key_epochs WHERE epoch = %(epoch)s"
_GIVE_UP: Final = b"DELETE FROM subject_keys WHERE epoch = %(epoch)s"
_END: Final = (
    b"UPDATE key_epochs SET live = false, destroyed_at = now() WHERE epoch = %(epoch)s AND live"
)


@dataclass(frozen=True, slots=True)
class Epoch:
    """`people`: whose keys it wraps. `current`: new ones are wrapped by it.

    `problem`: what is wrong here, and what to do about it.
    """

    epoch: int
    created_at: datetime
    destroyed_at: datetime | None
    people: int
    current: bool
    problem: str | None


@dataclass(frozen=True, slots=True)
class Rotated:
    """How far a rotation is. `left`: nobody opens them, as the file of their epoch is not here."""

    epoch: int
    total: int
    done: int
    left: int


def standing(url: str, epochs: Epochs) -> list[Epoch]:
    """Every epoch that the database knows, with what is wrong with it here."""
    with connect(url, autocommit=True) as connection:
        live = _all(connection, subject_keys.LIVE, known=epochs.known_by)
        rows = _all(connection, _STANDING)
    current = next((epoch for epoch, _ in live if not epochs.destroyed(epoch)), None)
    return [
        Epoch(epoch, created, ended, people, epoch == current, _problem(epochs, epoch, name, ended))
        for epoch, name, _, created, ended, people in rows
    ]


def rotate(url: str, epochs: Epochs, *, batch: int = BATCH) -> Generator[Rotated, None, None]:
    """Begin a new epoch and wrap everybody's key by it; or go on with that, where it was stopped.

    Raises `Conflict` while another one runs, `KeysMissing` without the file of the current epoch.
    """
    with connect(url, autocommit=True) as connection:
        [(alone,)] = _all(connection, _ALONE)
        if not alone:
            raise Conflict("a rotation is under way")
        target, older = _target(connection, epochs)
        [(total,)] = _all(connection, _COUNT, older=older)
        done = left = 0
        after = _FIRST
        yield Rotated(target, total, done, left)
        while rows := _all(connection, _OLDER, older=older, after=after, limit=batch):
            with connection.transaction():
                for after, epoch, wrapped in rows:
                    try:
                        key = epochs.unwrap(epoch, after, bytes(wrapped))
                    except KeysMissing:
                        left += 1
                        continue
                    told = {"user_id": after, "epoch": target, "old": wrapped}
                    told["new"] = epochs.wrap(target, after, key)
                    done += connection.execute(_WRAP, told).rowcount
            yield Rotated(target, total, done, left)


def destroy(url: str, epochs: Epochs, epoch: int, *, lost: bool = False) -> int:
    """For good: whatever an older copy of the database sealed for people opens no more.

    Raises `Conflict` while it wraps anybody's key. Where its file is gone already, from here (a
    restored database) or, as the operator says, from everywhere (`lost`), those keys are given up:
    how many. Begun again, it is finished.
    """
    given_up = 0
    with connect(url, autocommit=True) as connection:
        found = _all(connection, _ROW, epoch=epoch)
        if not found:
            raise NotFound(f"there is no epoch {epoch}")
        if found[0][0]:
            gone = epochs.destroyed(epoch)
            if not gone:
                gone = _lost(connection, epochs, epoch, lost=lost)
            given_up = _ended(connection, epoch, gone=gone)
    epochs.destroy(epoch)
    return given_up


def _lost(connection: Connection[Any], epochs: Epochs, epoch: int, *, lost: bool) -> bool:
    """Whether its keys are given up. Raises when that is not so, and it may not end either."""
    if not epochs.here(epoch):
        if not lost:
            epochs.key(epoch)  # says what to do
        return True
    if lost:
        raise Conflict(f"the file of epoch {epoch} is here: it is not lost")
    live = _all(connection, subject_keys.LIVE, known=epochs.known_by)
    if subject_keys.chosen(epochs, live) == epoch:
        raise Conflict(f"new keys are wrapped by epoch {epoch}: rotate first")
    return False


def _ended(connection: Connection[Any], epoch: int, *, gone: bool) -> int:
    given_up = 0
    try:
        with connection.transaction():
            if gone:
                given_up = connection.execute(_GIVE_UP, {"epoch": epoch}).rowcount
            connection.execute(_END, {"epoch": epoch})
    except ForeignKeyViolation as error:
        [(people,)] = _all(connection, _COUNT, older=[epoch])
        raise Conflict(
            f"epoch {epoch} still wraps the keys of {people} people: rotate, which wraps them anew"
        ) from error
    return given_up


def _target(connection: Connection[Any], epochs: Epochs) -> tuple[int, list[int]]:
    """The epoch to wrap by, and those that are left behind. One that is begun is finished first."""
    known = {"known": epochs.known_by}
    current = subject_keys.chosen(epochs, _all(connection, subject_keys.LIVE, **known))
    ours = [epoch for (epoch,) in _all(connection, _OURS, **known)]
    if current is not None:
        older = [epoch for epoch in ours if epoch != current]
        [(waiting,)] = _all(connection, _COUNT, older=older)
        if waiting and any(epochs.here(epoch) for epoch in older):
            return current, older
    return _begun(connection, epochs), ours


def _begun(connection: Connection[Any], epochs: Epochs) -> int:
    with connection.transaction():
        connection.execute(subject_keys.LOCK)
        [(highest,)] = _all(connection, subject_keys.HIGHEST)
        epoch = max(int(highest), epochs.highest()) + 1
        told = {"epoch": epoch, "key_id": epochs.make(epoch), "sealed_by": epochs.sealed_by}
        connection.execute(subject_keys.BEGIN, told)
    return epoch


@dataclass(frozen=True, slots=True)
class People:
    """As `core.services.subject_keys`, on a connection that belongs to nobody."""

    connection: Connection[Any]

    def sealing(self, ring: Keyring, user_id: UUID) -> Keyring:
        """A key that is missing is made. Raises `KeysMissing` where theirs does not open."""
        if not isinstance(ring, SubjectRing):
            return ring
        epochs = ring.epochs
        key = epochs.recall(user_id) or self._key(epochs, user_id)
        if key is None:
            live = _all(self.connection, subject_keys.LIVE, known=epochs.known_by)
            epoch = subject_keys.chosen(epochs, live) or _begun(self.connection, epochs)
            wrapped = epochs.wrap(epoch, user_id, crypto.new_key())
            told = {"user_id": user_id, "epoch": epoch, "wrapped": wrapped}
            self.connection.execute(subject_keys.ADD, told)
            key = self._key(epochs, user_id)
        if key is None:
            raise Error("the key of this person could not be made")
        return ring.person(user_id, key)

    def _key(self, epochs: Epochs, user_id: UUID) -> bytes | None:
        found = _all(self.connection, subject_keys.GET, user_id=user_id)
        if not found:
            return None
        epoch, wrapped, _ = found[0]  # each statement is a transaction: nothing is rolled back
        key = epochs.unwrap(epoch, user_id, bytes(wrapped))
        epochs.remember(user_id, key)
        return key


def _problem(epochs: Epochs, epoch: int, key_id: str, ended: datetime | None) -> str | None:
    if ended is not None:
        return (
            f"its file is still here: destroy-epoch {epoch} again" if epochs.here(epoch) else None
        )
    try:
        if epochs.name(epoch) != key_id:
            return f"{epochs.folder / f'{epoch}.key'} is of another installation"
    except KeysMissing as error:
        return error.detail
    return None


def _all(connection: Connection[Any], sql: bytes, **told: Any) -> list[tuple[Any, ...]]:
    return connection.execute(sql, told).fetchall()
