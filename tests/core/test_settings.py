from pathlib import Path

import pytest

from core.errors import Misconfigured
from core.settings import Profile, Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "FAULT", "VOICETODO_PROFILE", "VOICETODO_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_the_example_with_every_line_made_a_setting_changes_nothing(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    env = tmp_path / ".env"
    lines = [line.removeprefix("# ") for line in example.splitlines() if "=" in line]
    env.write_text("\n".join(lines), encoding="utf-8")
    assert Settings(_env_file=env) == Settings(_env_file=None)


def test_production_names_all_that_is_missing() -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings(_env_file=None, profile=Profile.PRODUCTION, password_memory_mib=1)
    secrets = ("SIGNING_KEY", "ENCRYPTION_KEY", "PASSWORD_MEMORY")
    for name in (*secrets, "DATABASE_URL", "SENDGRID", "EPOCH_DIR"):
        assert name in refused.value.detail


def test_a_bucket_is_set_up_whole() -> None:
    assert Settings(_env_file=None, s3_bucket="recordings").blob_store == "directory"
    with pytest.raises(Misconfigured) as refused:
        Settings(_env_file=None, blob_store="s3", s3_bucket="recordings")
    assert refused.value.detail == (
        "VOICETODO_BLOB_STORE=s3 needs VOICETODO_S3_ACCESS_KEY and VOICETODO_S3_SECRET_KEY as well"
    )


def test_text_messages_are_set_up_whole_or_not_at_all() -> None:
    assert Settings(_env_file=None).twilio_from is None
    with pytest.raises(Misconfigured) as refused:
        Settings(_env_file=None, twilio_account_sid=f"AC{'0' * 32}", twilio_from="+15005550006")
    assert refused.value.detail == "text messages need VOICETODO_TWILIO_AUTH_TOKEN as well"
