"""Who is signed in at which server: `~/.config/voicetodo/credentials.json`, its owner's alone.

Refresh tokens rotate, and a used one that is shown again ends the whole sign-in. So whoever
renews one holds the lock from reading the old to having written the new.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.errors import Misconfigured

REMEMBERED_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Account:
    """`change_sets` are what this command line changed and did not undo, the last one last."""

    email: str | None
    access_token: str
    refresh_token: str
    change_sets: tuple[str, ...] = ()


class Credentials:
    """One file for all servers, keyed by address."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_path()

    def read(self, api: str) -> Account | None:
        return self._load().get(api)

    @contextmanager
    def changing(self) -> Iterator[dict[str, Account]]:
        """Hold the accounts alone; what they are when the block ends is written, all or nothing.

        Whatever the block raises, changes made before that are kept: a token may be used up.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            accounts = self._load()
            before = dict(accounts)
            try:
                yield accounts
            finally:
                if accounts != before:
                    self._write(accounts)
        finally:
            os.close(lock)

    def remember_change(self, api: str, change_set: str) -> None:
        with self.changing() as accounts:
            if account := accounts.get(api):
                kept = (*account.change_sets, change_set)[-REMEMBERED_CHANGES:]
                accounts[api] = replace(account, change_sets=kept)

    def forget_change(self, api: str, change_set: str) -> None:
        with self.changing() as accounts:
            if account := accounts.get(api):
                kept = tuple(known for known in account.change_sets if known != change_set)
                accounts[api] = replace(account, change_sets=kept)

    def _load(self) -> dict[str, Account]:
        try:
            found = json.loads(self._path.read_bytes())
            return {
                api: Account(**{**kept, "change_sets": tuple(kept["change_sets"])})
                for api, kept in found.items()
            }
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Misconfigured(f"{self._path} is damaged: remove it and sign in again") from error

    def _write(self, accounts: dict[str, Account]) -> None:
        draft = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        text = json.dumps({api: asdict(account) for api, account in accounts.items()}, indent=2)
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> Misconfigured:
        return Misconfigured(
            f"{self._path} cannot be used ({error.strerror}): make it yours, "
            "or set XDG_CONFIG_HOME to another place"
        )


def default_path() -> Path:
    """Where the XDG base directory specification puts it."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(config) if Path(config).is_absolute() else Path.home() / ".config"
    return home / "voicetodo" / "credentials.json"
