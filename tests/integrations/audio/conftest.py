from collections.abc import AsyncIterator

import pytest

from integrations.audio.recordings import Recordings, opened


@pytest.fixture(scope="session")
async def recordings() -> AsyncIterator[Recordings]:
    async with opened() as made:
        yield made
