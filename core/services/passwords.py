"""Password hashes: argon2id in threads of its own, never more of them than memory allows."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Unavailable

T = TypeVar("T")

MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
LANES: Final = 1
THREADS: Final = 2
MAX_WAITING: Final = 64  # about five seconds' worth


class Passwords:
    """Hashes and verifies, two at a time; raises `Unavailable` when too many wait for it.

    Nobody should hold a database connection while waiting: it takes about a tenth of a second.
    """

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=memory_kib, parallelism=LANES, type=Type.ID
        )
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        # Verified where there is no account, so that there is nothing to tell by the time it takes.
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Takes the same time without a hash, and is then false."""
        same = await self._in_thread(self._verify, password, password_hash or self._nobodys)
        return same and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """It was made with other parameters than today's: hash anew while the password is here."""
        return self._hasher.check_needs_rehash(password_hash)

    async def _in_thread(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many people sign in at this moment")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
