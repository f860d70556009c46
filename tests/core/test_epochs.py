"""The files of epochs: made whole, kept from others, destroyed for good, sealed anew."""

import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest

from core.crypto import Keyring, derive, seal
from core.epochs import MOST_KEPT, Epochs, PersonRing, SubjectRing, opened, subject
from core.errors import Invalid, KeysMissing
from core.ids import uuid7

OLD, NEW = os.urandom(32), os.urandom(32)
HERE = b"connections|secret|1|2"


def epochs(folder: Path, *keys: bytes, kept_s: float = 60) -> Epochs:
    return Epochs(folder, Keyring(keys or (OLD,)), kept_s=kept_s)


def person(key: bytes, *, user: object = None, purpose: str = "connections") -> PersonRing:
    ring = SubjectRing((OLD,), epochs(Path("nowhere"))).of(purpose)
    return ring.person(uuid4() if user is None else user, key)  # type: ignore[arg-type]  # UUIDs


def test_a_file_is_whole_and_its_owners_only(tmp_path: Path) -> None:
    made = epochs(tmp_path / "epochs")
    name = made.make(1)
    assert stat.S_IMODE((tmp_path / "epochs").stat().st_mode) == 0o700
    [file] = (tmp_path / "epochs").iterdir()
    assert file.name == "1.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    another_process = epochs(tmp_path / "epochs")
    assert another_process.name(1) == name
    assert another_process.key(1) == made.key(1)
    assert made.key(1) not in file.read_bytes()


def test_no_file_takes_the_place_of_another(tmp_path: Path) -> None:
    made = epochs(tmp_path)
    made.make(1)
    before = made.key(1)
    with pytest.raises(KeysMissing, match="cannot be written"):
        epochs(tmp_path).make(1)
    assert epochs(tmp_path).key(1) == before
    assert [each.name for each in tmp_path.iterdir()] == ["1.key"]


def test_what_is_missing_says_what_to_do(tmp_path: Path) -> None:
    made = epochs(tmp_path)
    with pytest.raises(KeysMissing, match=r"1\.key is missing: bring it from another host"):
        made.key(1)
    made.make(1)
    with pytest.raises(KeysMissing, match="VOICETODO_OLDER_ENCRYPTION_KEYS"):
        epochs(tmp_path, NEW).key(1)
    (tmp_path / "2.key").write_bytes((tmp_path / "1.key").read_bytes())
    with pytest.raises(KeysMissing, match="does not open"):  # it says which epoch it is of
        epochs(tmp_path).key(2)
    (tmp_path / "1.key").write_text("no base64")
    with pytest.raises(KeysMissing, match="does not open"):
        epochs(tmp_path).key(1)


def test_a_destroyed_one_is_gone_and_its_number_is_used(tmp_path: Path) -> None:
    made = epochs(tmp_path)
    made.make(1)
    made.key(1)
    inode = (tmp_path / "1.key").open("rb")  # who still has it open reads nothing of it
    before = inode.read()
    for _ in range(2):
        made.destroy(1)
    inode.seek(0)
    assert inode.read() != before
    inode.close()
    with pytest.raises(KeysMissing, match="was destroyed"):
        made.key(1)
    assert made.destroyed(1)
    assert not made.here(1)
    assert made.highest() == 1


def test_files_are_sealed_anew(tmp_path: Path) -> None:
    epochs(tmp_path).make(1)
    key = epochs(tmp_path).key(1)
    assert epochs(tmp_path, NEW).reseal() == (0, 1)
    assert epochs(tmp_path, NEW, OLD).reseal() == (1, 0)
    assert epochs(tmp_path, NEW, OLD).reseal() == (0, 0)
    assert epochs(tmp_path, NEW).key(1) == key
    with pytest.raises(KeysMissing):
        epochs(tmp_path, OLD).key(1)


def test_wrapped_for_one_person_and_one_epoch(tmp_path: Path) -> None:
    made, user, key = epochs(tmp_path), uuid7(), os.urandom(32)
    made.make(1)
    made.make(2)
    wrapped = made.wrap(1, user, key)
    assert made.unwrap(1, user, wrapped) == key
    assert key not in wrapped
    for epoch, whose in ((2, user), (1, uuid7())):
        with pytest.raises(KeysMissing, match="is not the key"):
            made.unwrap(epoch, whose, wrapped)


def test_what_is_remembered_has_an_end_and_a_bound(tmp_path: Path) -> None:
    made, users = epochs(tmp_path), [uuid7() for _ in range(MOST_KEPT + 1)]
    for user in users:
        made.remember(user, OLD)
    assert made.recall(users[0]) is None
    assert made.recall(users[-1]) == OLD
    soon = epochs(tmp_path, kept_s=0)
    soon.remember(users[0], OLD)
    assert soon.recall(users[0]) is None
    made.forget()
    assert made.recall(users[-1]) is None


def test_a_person_s_ring() -> None:
    user, key = uuid7(), os.urandom(32)
    ring = person(key, user=user)
    sealed = ring.seal(b"token", aad=HERE)
    assert subject(sealed) == user
    assert ring.unseal(sealed, aad=HERE) == b"token"
    foreign = {
        "another person": person(key, user=uuid7()),
        "another key": person(os.urandom(32), user=user),
        "another purpose": person(key, user=user, purpose="voice memos"),
        "the installation": SubjectRing((OLD,), epochs(Path("nowhere"))).of("connections"),
    }
    for who, other in foreign.items():
        assert opened(other, sealed, aad=HERE) is None, who
        with pytest.raises(Invalid):
            other.unseal(sealed, aad=HERE)
    assert opened(ring, sealed, aad=HERE) == b"token"
    with pytest.raises(Invalid):
        opened(ring, sealed, aad=b"connections|secret|1|3")
    for at in (0, 5, 18, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Invalid):
            ring.unseal(bytes(changed), aad=HERE)


def test_it_opens_what_was_sealed_before_there_were_any() -> None:
    before = Keyring((OLD,)).of("connections").seal(b"token", aad=HERE)
    ring = person(os.urandom(32))
    assert subject(before) is None
    assert ring.unseal(before, aad=HERE) == b"token"
    assert opened(ring, before, aad=HERE) == b"token"


def test_a_nonce_that_begins_as_a_person_s_seal_does_is_none() -> None:
    key = derive(OLD, "connections")
    before = b""
    while subject(before) is None:
        before = seal(key, b"token", aad=HERE)
    assert opened(person(os.urandom(32)), before, aad=HERE) == b"token"
    assert opened(Keyring((key,)), before, aad=HERE) == b"token"


def test_a_ring_for_all_purposes_seals_for_nobody() -> None:
    with pytest.raises(ValueError, match="one purpose"):
        SubjectRing((OLD,), epochs(Path("nowhere"))).person(uuid7(), NEW)
