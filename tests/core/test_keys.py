import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from core import keys
from core.errors import Misconfigured
from core.settings import Settings
from tests.patience import PATIENCE_S


def raw(loaded: keys.Keys) -> tuple[bytes, bytes, bytes]:
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signing, vapid = loaded.signing.private_bytes(*form), loaded.vapid.private_bytes(*form)
    return signing, loaded.encryption, vapid


def test_dev_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    first = keys.load(settings)
    assert len(first.encryption) == 32
    assert first.vapid.curve.name == "secp256r1"
    assert raw(keys.load(settings)) == raw(first)
    assert raw(keys.load(Settings(data_dir=tmp_path / "other"))) != raw(first)
    folder = tmp_path / "data" / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "signing_key": 0o600,
        "encryption_key": 0o600,
        "vapid_key": 0o600,
    }


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from core import keys;"
        "from core.settings import Settings; print('imported', flush=True); sys.stdin.read(1);"
        "loaded = keys.load(Settings(data_dir=Path(sys.argv[1])));"
        "print(loaded.encryption.hex(), loaded.signing.private_bytes_raw().hex())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "imported\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.close()  # go
        process.stdin = None
    answers = {process.communicate(timeout=PATIENCE_S)[0] for process in started}
    assert all(process.returncode == 0 for process in started)
    assert len(answers) == 1


def test_given_keys_win_also_on_one_line(tmp_path: Path) -> None:
    made = keys.load(Settings(data_dir=tmp_path))
    texts = {
        name: (tmp_path / "keys" / name).read_text().replace("\n", "\\n").removesuffix("\\n")
        for name in ("signing_key", "encryption_key", "vapid_key")
    }
    given = Settings(
        data_dir=tmp_path / "unused",
        signing_key=SecretStr(texts["signing_key"]),
        encryption_key=SecretStr(texts["encryption_key"]),
        vapid_key=SecretStr(texts["vapid_key"]),
    )
    assert raw(keys.load(given)) == raw(made)
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize("name", ["signing_key", "encryption_key", "vapid_key"])
@pytest.mark.parametrize("text", ["", "nonsense", "c2hvcnQ=", "-----BEGIN PRIVATE KEY-----\nx"])
def test_a_malformed_key_is_named_and_never_shown(tmp_path: Path, name: str, text: str) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, name: text})
    with pytest.raises(Misconfigured, match=f"VOICETODO_{name.upper()} is not") as raised:
        keys.load(settings)
    assert not text or text not in raised.value.detail


def test_one_kind_of_key_is_not_another(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    keys.load(settings)
    folder = tmp_path / "keys"
    (folder / "signing_key").write_bytes((folder / "vapid_key").read_bytes())
    with pytest.raises(Misconfigured, match=f"{folder}/signing_key is not an Ed25519"):
        keys.load(settings)


def test_secrets_do_not_show_in_a_repr(tmp_path: Path) -> None:
    loaded = keys.load(Settings(data_dir=tmp_path))
    assert repr(loaded.encryption)[2:-1] not in repr(loaded)
