"""The keys of epochs: one file each, beside the database and never in it.

A person's key is kept in the database, wrapped by the key of an epoch. So a copy of the database
opens nothing that is sealed for a person once the file of its epoch is gone, whatever else is
restored with it: `voicetodo admin keys destroy-epoch`.

`<epoch>.key` holds 32 bytes, sealed by the installation's encryption key; `<epoch>.destroyed` says
that there was one, so that a restored database is not taken for a lost file.
"""

import base64
import binascii
import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import UUID

from core import crypto
from core.crypto import Keyring
from core.errors import Invalid, KeysMissing

PURPOSE: Final = "key epochs"
KEPT_S: Final = 60.0  # in memory, after what they were read from may have changed
MOST_KEPT: Final = 4096
_SUBJECT: Final = b"\x02"  # what begins so is sealed for a person, and names them
_UUID_BYTES: Final = 16
_HEAD: Final = len(_SUBJECT) + _UUID_BYTES


class Epochs:
    """The files of one installation, and what was read of them and of people's keys lately."""

    def __init__(self, folder: Path, ring: Keyring, *, kept_s: float = KEPT_S) -> None:
        self.folder = folder
        self._kept_s = kept_s
        self._ring = ring.of(PURPOSE)
        self._keys: dict[int, tuple[float, bytes]] = {}
        self._people: OrderedDict[UUID, tuple[float, bytes]] = OrderedDict()

    @property
    def sealed_by(self) -> str:
        """Which encryption key seals a new file: so that installations tell theirs apart."""
        return self._ring.key_id

    @property
    def known_by(self) -> list[str]:
        """The same of every key that is set, earlier ones included."""
        return [Keyring((key,)).key_id for key in self._ring.keys]

    def key(self, epoch: int) -> bytes:
        """Raises `KeysMissing`, which says what to do, unless its file is here and opens."""
        found = self._keys.get(epoch)
        if found is None or found[0] <= monotonic():
            found = (monotonic() + self._kept_s, self._read(epoch))
            self._keys[epoch] = found
        return found[1]

    def check(self) -> None:
        """Raises `KeysMissing` for a file that is here and does not open."""
        for path in sorted(self.folder.glob("*.key")) if self.folder.exists() else ():
            if path.stem.isdecimal():
                self.key(int(path.stem))

    def name(self, epoch: int) -> str:
        """Names its key without giving it away."""
        return Keyring((self.key(epoch),)).key_id

    def make(self, epoch: int) -> str:
        """A new file, durable when this returns; its name. Raises `KeysMissing` if it cannot be."""
        key = crypto.new_key()
        try:
            self._write(self._path(epoch), self._sealed(epoch, key))
        except OSError as error:
            raise KeysMissing(
                f"{self._path(epoch)} cannot be written ({error.strerror}): make "
                f"{self.folder} writable, or set VOICETODO_EPOCH_DIR"
            ) from error
        return Keyring((key,)).key_id

    def destroy(self, epoch: int) -> None:
        """Overwrite and remove its file, and leave a mark. Twice is once."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mark(epoch).touch(mode=0o600)
        path = self._path(epoch)
        with suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(os.urandom(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        self._settle()
        self.forget()

    def destroyed(self, epoch: int) -> bool:
        return self._mark(epoch).exists()

    def here(self, epoch: int) -> bool:
        return self._path(epoch).exists()

    def highest(self) -> int:
        """Of all that there are or were here; 0: none."""
        names = [path.stem for path in self.folder.glob("*.*")] if self.folder.exists() else []
        return max((int(name) for name in names if name.isdecimal()), default=0)

    def reseal(self) -> tuple[int, int]:
        """Seal each file with today's encryption key; how many were, and how many do not open."""
        resealed = unopened = 0
        for path in sorted(self.folder.glob("*.key")) if self.folder.exists() else ():
            if not path.stem.isdecimal():
                continue
            try:
                sealed = self._decoded(path)
                if sealed.startswith(self._ring.mark):
                    continue
                key = self._ring.unseal(sealed, aad=_of_epoch(int(path.stem)))
            except Invalid:
                unopened += 1
                continue
            self._write(path, self._sealed(int(path.stem), key), replaces=True)
            resealed += 1
        return resealed, unopened

    def wrap(self, epoch: int, user_id: UUID, key: bytes) -> bytes:
        """For `subject_keys.wrapped`: opens for this person and epoch only."""
        wrapping = crypto.derive(self.key(epoch), "subject keys")
        return crypto.seal(wrapping, key, aad=_of_person(epoch, user_id))

    def unwrap(self, epoch: int, user_id: UUID, wrapped: bytes) -> bytes:
        wrapping = crypto.derive(self.key(epoch), "subject keys")
        try:
            return crypto.unseal(wrapping, wrapped, aad=_of_person(epoch, user_id))
        except Invalid as error:
            raise KeysMissing(
                f"{self._path(epoch)} is not the key of epoch {epoch} of this database: bring the "
                "file that is, from another host or a backup of that folder"
            ) from error

    def recall(self, user_id: UUID) -> bytes | None:
        found = self._people.get(user_id)
        if found is None or found[0] <= monotonic():
            return None
        self._people.move_to_end(user_id)
        return found[1]

    def remember(self, user_id: UUID, key: bytes) -> None:
        """Only what is committed: a key that is rolled back would seal for nobody."""
        self._people[user_id] = (monotonic() + self._kept_s, key)
        self._people.move_to_end(user_id)
        while len(self._people) > MOST_KEPT:
            self._people.popitem(last=False)

    def forget(self) -> None:
        """Read all of it anew, as after a minute."""
        self._keys.clear()
        self._people.clear()

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{epoch}.key"

    def _mark(self, epoch: int) -> Path:
        return self.folder / f"{epoch}.destroyed"

    def _sealed(self, epoch: int, key: bytes) -> bytes:
        return base64.b64encode(self._ring.seal(key, aad=_of_epoch(epoch))) + b"\n"

    def _decoded(self, path: Path) -> bytes:
        try:
            return base64.b64decode(path.read_bytes().strip(), validate=True)
        except (binascii.Error, OSError) as error:
            raise Invalid("this was not sealed here") from error

    def _read(self, epoch: int) -> bytes:
        path = self._path(epoch)
        if self.destroyed(epoch):
            raise KeysMissing(
                f"epoch {epoch} was destroyed, and this database is older than that: what it sealed"
                f" for people stays closed; `voicetodo admin keys destroy-epoch {epoch}` lets it go"
            )
        if not path.exists():
            raise KeysMissing(
                f"{path} is missing: bring it from another host or a backup of that folder, or set "
                f"VOICETODO_EPOCH_DIR; if it is lost, `voicetodo admin keys destroy-epoch {epoch} "
                "--lost` gives up what it sealed"
            )
        try:
            return self._ring.unseal(self._decoded(path), aad=_of_epoch(epoch))
        except Invalid as error:
            raise KeysMissing(
                f"{path} does not open: it cannot be read, or is sealed by another encryption key;"
                " set the one of that time in VOICETODO_OLDER_ENCRYPTION_KEYS"
            ) from error

    def _write(self, path: Path, content: bytes, *, replaces: bool = False) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f".{path.name}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            draft.replace(path)
        else:
            try:
                os.link(draft, path)  # whole or not at all, and never in the place of another
            finally:
                draft.unlink()
        self._settle()

    def _settle(self) -> None:
        """What stands in the folder is durable, not only what stands in its files."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class PersonRing(Keyring):
    """The first key is this person's; the others, the installation's, open what came before it."""

    user_id: UUID

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Who it is for, key id, nonce, ciphertext."""
        return self.mark + crypto.seal(self.keys[0], plaintext, aad=aad)

    def unseal(self, sealed: bytes, *, aad: bytes) -> bytes:
        """Raises `Invalid` for what is sealed for somebody else, or stood in another place."""
        if sealed.startswith(self.mark):
            with suppress(Invalid):
                return crypto.unseal(self.keys[0], sealed[len(self.mark) :], aad=aad)
        return Keyring(self.keys[1:]).unseal(sealed, aad=aad)

    @property
    def mark(self) -> bytes:
        return _SUBJECT + self.user_id.bytes + bytes.fromhex(self.key_id)


@dataclass(frozen=True, slots=True)
class SubjectRing(Keyring):
    """The installation's ring, from which those of people are got: `core.services.subject_keys`."""

    epochs: Epochs = field(repr=False, compare=False)
    purpose: str = ""

    def of(self, purpose: str) -> "SubjectRing":
        keys = tuple(crypto.derive(key, purpose) for key in self.keys)
        return SubjectRing(keys, self.epochs, purpose)

    def person(self, user_id: UUID, key: bytes) -> PersonRing:
        """`key` is theirs, for all purposes."""
        if not self.purpose:
            raise ValueError("a ring for one purpose only: `of(…)`")
        return PersonRing((crypto.derive(key, self.purpose), *self.keys), user_id)

    def before(self) -> Keyring:
        """Opens what was sealed before people had keys, and nothing else."""
        return Keyring(self.keys)


def subject(sealed: bytes) -> UUID | None:
    """For whom this is sealed; null: with the installation's key."""
    named = sealed.startswith(_SUBJECT) and len(sealed) > _HEAD
    return UUID(bytes=sealed[len(_SUBJECT) : _HEAD]) if named else None


def opened(ring: Keyring, sealed: bytes, *, aad: bytes) -> bytes | None:
    """Null: this is sealed with a person's key that `ring` does not have, as it was destroyed.

    Raises `Invalid` for what was changed or moved. It is tried before it is looked at: one in 256
    of what was sealed before there were rings begins as what is sealed for a person does.
    """
    try:
        return ring.unseal(sealed, aad=aad)
    except Invalid:
        if subject(sealed) is None or sealed.startswith(ring.mark):
            raise
        return None


def _of_epoch(epoch: int) -> bytes:
    return f"key_epochs|{epoch}".encode()


def _of_person(epoch: int, user_id: UUID) -> bytes:
    return f"subject_keys|wrapped|{user_id}|{epoch}".encode()
