"""Hashing passwords."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from core.errors import Unavailable
from core.services.passwords import MAX_WAITING, Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_security_6_argon2id_with_64_mib(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert await passwords.verify("correct", hashed)
    assert not await passwords.verify("Correct", hashed)
    assert not passwords.outdated(hashed)


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.verify("anything", None)
    assert not await passwords.verify("anything", "not a hash")


async def test_notices_other_parameters(passwords: Passwords) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("correct")
    assert await passwords.verify("correct", weaker)
    assert passwords.outdated(weaker)


async def test_refuses_more_than_it_can_do() -> None:
    passwords = Passwords(memory_kib=64)
    answers = await asyncio.gather(
        *(passwords.hash("x") for _ in range(MAX_WAITING + 5)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 5
    assert (await passwords.hash("x")).startswith("$argon2id$")
    passwords.close()
