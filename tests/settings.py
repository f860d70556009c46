"""Settings of an API that tests talk to."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from core.settings import Settings


def unlimited(database_url: str, folder: Path, **more: Any) -> Settings:
    """No limit is met, and passwords cost little: thousands of calls, hundreds of accounts."""
    wide = {
        "rate_limit_api": 1_000_000,
        "rate_limit_auth": 1_000_000,
        "rate_limit_uploads": 1_000_000,
        "password_memory_mib": 1,
    }
    return Settings(
        _env_file=None,
        data_dir=folder,
        DATABASE_URL=SecretStr(database_url),
        **{**wide, **more},
    )
