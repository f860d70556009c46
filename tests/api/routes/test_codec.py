"""Temporal's remote codec protocol, as its UI speaks it; and who may not."""

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload

from api.main import create_app
from core.keys import Keys
from core.settings import Profile, Settings
from integrations.temporal_codec import data_converter

TOKEN = "an operator's token of forty characters!"
UI = "http://127.0.0.1:8233"


def wire(payload: Payload) -> dict[str, Any]:
    metadata = {name: b64encode(value).decode() for name, value in payload.metadata.items()}
    return {"metadata": metadata, "data": b64encode(payload.data).decode()}


async def sealed(keys: Keys, value: object) -> dict[str, Any]:
    """As the worker's own converter writes it."""
    (payload,) = await data_converter(keys.encryption).encode([value])
    return wire(payload)


def client(app: FastAPI, address: str = "127.0.0.1") -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=(address, 50000))
    return httpx2.AsyncClient(transport=transport, base_url="http://api")


def with_token(folder: Path, profile: Profile) -> FastAPI:
    chosen = Settings(_env_file=None, data_dir=folder, codec_admin_token=SecretStr(TOKEN))
    app = create_app(chosen)
    app.state.settings = chosen.model_copy(update={"profile": profile})
    return app


async def test_what_a_worker_sealed_is_readable(app: FastAPI) -> None:
    one = await sealed(app.state.keys, {"delivery_id": "0198"})
    assert "delivery" not in str(b64decode(one["data"]))
    async with client(app) as ui:
        answered = await ui.post("/codec/decode", json={"payloads": [one, one]})
    assert answered.status_code == 200
    for payload in answered.json()["payloads"]:
        assert b64decode(payload["data"]) == b'{"delivery_id":"0198"}'
        assert b64decode(payload["metadata"]["encoding"]) == b"json/plain"


async def test_what_is_not_ours_comes_back_as_it_is(app: FastAPI) -> None:
    plain = wire(Payload(metadata={"encoding": b"json/plain"}, data=b'"plain"'))
    foreign = Payload(
        metadata={"encoding": b"binary/encrypted", "encryption-key-id": b"another"}, data=b"\0\1"
    )
    damaged = await sealed(app.state.keys, 1)
    damaged["data"] = b64encode(b64decode(damaged["data"])[:-1] + b"?").decode()
    given = [plain, wire(foreign), damaged, {}]
    async with client(app) as ui:
        answered = await ui.post("/codec/decode", json={"payloads": given})
    assert answered.json()["payloads"] == [*given[:3], {"metadata": {}, "data": ""}]


async def test_what_it_encodes_a_worker_can_read(app: FastAPI) -> None:
    plain = wire(Payload(metadata={"encoding": b"json/plain"}, data=b'"hello"'))
    async with client(app) as cli:
        answered = await cli.post("/codec/encode", json={"payloads": [plain]})
    (encoded,) = answered.json()["payloads"]
    metadata = {name: b64decode(value) for name, value in encoded["metadata"].items()}
    payload = Payload(metadata=metadata, data=b64decode(encoded["data"]))
    assert await data_converter(app.state.keys.encryption).decode([payload], [str]) == ["hello"]


async def test_the_temporal_ui_may_call_it_from_its_origin_and_nobody_else(app: FastAPI) -> None:
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-namespace,authorization",
    }
    async with client(app) as ui:
        for origin in (UI, "http://localhost:8233"):
            preflight = await ui.options("/codec/decode", headers={"Origin": origin, **asks})
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == origin
            answered = await ui.post("/codec/decode", json={}, headers={"Origin": origin})
            assert answered.headers["access-control-allow-origin"] == origin
            elsewhere = await ui.options("/api/v1/todos", headers={"Origin": origin, **asks})
            assert "access-control-allow-origin" not in elsewhere.headers
        rebound = await ui.post("/codec/decode", json={}, headers={"Origin": "http://evil:8000"})
    assert rebound.status_code == 403
    assert "access-control-allow-origin" not in rebound.headers


@pytest.mark.parametrize(
    ("profile", "address", "authorization", "status"),
    [
        (Profile.DEV, "127.0.0.1", "", 200),
        (Profile.DEV, "::1", "", 200),
        (Profile.DEV, "192.0.2.7", "", 401),
        (Profile.DEV, "testclient", "", 401),
        (Profile.DEV, "192.0.2.7", f"Bearer {TOKEN}", 200),
        (Profile.PRODUCTION, "127.0.0.1", "", 401),
        (Profile.PRODUCTION, "127.0.0.1", "Bearer ", 401),
        (Profile.PRODUCTION, "127.0.0.1", f"Bearer {TOKEN[:-1]}", 401),
        (Profile.PRODUCTION, "127.0.0.1", f"Basic {TOKEN}", 401),
        (Profile.PRODUCTION, "127.0.0.1", f"Bearer {TOKEN}", 200),
    ],
)
async def test_operators_only(  # the columns of the table
    tmp_path: Path, profile: Profile, address: str, authorization: str, status: int
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with client(with_token(tmp_path, profile), address) as somebody:
        for path in ("/codec/decode", "/codec/encode"):
            answered = await somebody.post(path, json={"payloads": []}, headers=headers)
            assert answered.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        '{"payloads": 1}',
        '{"payloads": [{"data": "é"}]}',
        '{"payloads": [{"data": "a"}]}',
        '{"payloads": [{"data": 1}]}',
    ],
)
async def test_nonsense_is_refused_in_the_usual_shape(app: FastAPI, body: str) -> None:
    async with client(app) as ui:
        answered = await ui.post(
            "/codec/decode", content=body, headers={"Content-Type": "application/json"}
        )
    assert answered.status_code == 422
    assert answered.headers["content-type"] == "application/problem+json"
