from collections.abc import AsyncIterator

import pytest

from integrations.http import Client, vendor_client
from integrations.http_transport import Limits
from tests.integrations.conftest import Sandbox


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """Nothing is scripted."""
    assert sandbox.http.delete("/transcripts").status_code == 204
    return sandbox


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with vendor_client(Limits(timeout=1)) as client:
        yield client


def say(sandbox: Sandbox, text: str, **script: object) -> None:
    answer = sandbox.http.post("/transcripts", json={"text": text, **script})
    assert answer.status_code == 201, answer.text
