"""HTTP to servers of this machine: no proxy, and no TLS, for which each client would first read
all of the world's certificate authorities, which takes longer than most tests.
"""

from typing import Any

import httpx2

from tests.patience import PATIENCE_S


def client(url: str, **options: Any) -> httpx2.Client:
    return httpx2.Client(base_url=url, **_options(options))


def async_client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, **_options({}))


def get(url: str, **options: Any) -> httpx2.Response:
    return httpx2.get(url, **_options(options))


def post(url: str, **options: Any) -> httpx2.Response:
    return httpx2.post(url, **_options(options))


def _options(more: dict[str, Any]) -> dict[str, Any]:
    return {"trust_env": False, "verify": False, "timeout": PATIENCE_S, **more}
