"""The `openai` client over our own connections; what it raises, as our errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import httpx2
from openai import APIConnectionError, AsyncOpenAI
from pydantic import SecretStr

from core.errors import VendorError
from integrations.http import Client

# Our client writes these itself.
_NOT_ITS: Final = frozenset({"host", "content-length", "connection", "accept-encoding"})


def openai_client(
    client: Client, *, key: SecretStr | None, base_url: str | None, timeout_s: float
) -> AsyncOpenAI:
    """It repeats nothing by itself. `client` bounds the time of a call as well."""
    return AsyncOpenAI(
        api_key=key.get_secret_value() if key else "none",
        base_url=base_url,
        timeout=timeout_s,
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=_Ours(client)),
    )


@contextmanager
def connected() -> Iterator[None]:
    """Within it, a call without an answer raises the `VendorError` of our connection."""
    try:
        yield
    except APIConnectionError as error:
        if isinstance(error.__cause__, VendorError):
            raise error.__cause__ from error
        raise VendorError("no connection", permanent=False) from error


def content(answer: object) -> bytes:
    """The body of a raw response, which is typed as what it would parse to."""
    return cast("Any", answer).content  # type: ignore[no-any-return]  # as said


class _Ours(httpx2.AsyncBaseTransport):
    """Its requests over our client: bounded in time and length, no proxies, no redirects."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_ITS}
        answer = await self._client.request(
            request.method, str(request.url), headers=headers, content=await request.aread()
        )
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
