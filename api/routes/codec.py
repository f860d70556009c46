"""Temporal's remote codec protocol: the Temporal UI and CLI read sealed payloads through it.

https://docs.temporal.io/remote-data-encoding: the same JSON in and out, metadata and data in
base64. No version prefix: the protocol is Temporal's, and its clients append only `/decode`.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, Field
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from core import payloads
from core.errors import Forbidden, Invalid, Unauthenticated
from core.keys import Keys
from core.settings import Settings

PREFIX: Final = "/codec"
router = APIRouter(prefix=PREFIX, include_in_schema=False)


def _decoded(value: object) -> bytes:
    # pydantic's own Base64Bytes skips what is not of the alphabet.
    if not isinstance(value, str):
        raise ValueError("send base64")  # noqa: TRY004 - what pydantic takes for a refusal
    return b64decode(value, validate=True)


Base64 = Annotated[bytes, BeforeValidator(_decoded)]


class Payload(BaseModel):
    """Of protobuf's JSON; an empty field is left out there."""

    metadata: Annotated[dict[str, Base64], Field(max_length=100)] = {}
    data: Base64 = b""


class Payloads(BaseModel):
    payloads: Annotated[list[Payload], Field(max_length=1000)] = []


@router.post("/decode")
async def decode(request: Request, body: Payloads) -> dict[str, Any]:
    """Open what this installation sealed; what does not open comes back as it is."""
    return _each(request, body, _opened)


@router.post("/encode")
async def encode(request: Request, body: Payloads) -> dict[str, Any]:
    """Seal, for clients that send values of their own: `temporal workflow metadata` does."""
    return _each(request, body, payloads.seal_payload)


def origins(settings: Settings) -> list[str]:
    """Whose pages may call: in production the Temporal UI is named in VOICETODO_CORS_ORIGINS."""
    ui = [f"http://{host}:{settings.temporal_ui_port}" for host in ("127.0.0.1", "localhost")]
    return [*settings.cors_origins, *(ui if settings.dev else [])]


class Cors:
    """CORS for these two paths alone: the Temporal UI is no client of the rest of the API."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins(settings),
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type", "X-Namespace"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        codec = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._cors if codec else self._app)(scope, receive, send)


Content = tuple[payloads.Metadata, bytes]


def _each(
    request: Request, body: Payloads, step: Callable[[bytes, Mapping[str, bytes], bytes], Content]
) -> dict[str, Any]:
    _admit(request)
    keys: Keys = request.app.state.keys
    key = payloads.key_of(keys.encryption)
    return {
        "payloads": [
            {
                "metadata": {name: b64encode(value).decode() for name, value in metadata.items()},
                "data": b64encode(data).decode(),
            }
            for metadata, data in (step(key, each.metadata, each.data) for each in body.payloads)
        ]
    }


def _opened(key: bytes, metadata: Mapping[str, bytes], data: bytes) -> Content:
    try:
        return payloads.open_payload(key, metadata, data)
    except Invalid:  # another installation's: the page around it is still of use
        return dict(metadata), data


def _admit(request: Request) -> None:
    settings: Settings = request.app.state.settings
    origin = request.headers.get("origin")
    # A page may make its own name resolve to 127.0.0.1; it cannot change what it is called.
    if origin is not None and origin not in origins(settings):
        raise Forbidden("this page may not read what Temporal keeps: see VOICETODO_CORS_ORIGINS")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and settings.codec_admin_token is not None:
        expected = settings.codec_admin_token.get_secret_value().encode()
        if hmac.compare_digest(token.encode(), expected):
            return
    if not (settings.dev and _on_loopback(request)):
        raise Unauthenticated("send `Authorization: Bearer <VOICETODO_CODEC_ADMIN_TOKEN>`")


def _on_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
