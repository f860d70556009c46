"""The vendor sandbox, whose transcriber takes its time: `uvicorn bench.voice.slow_vendor:app`."""

import asyncio
import random

from starlette.types import Receive, Scope, Send

from integrations.sandbox.app import create_app

SERVER = "/speaches/v1"
FASTEST_S = 1.0
SLOWEST_S = 3.0
sandbox = create_app()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"].startswith(SERVER):
        await asyncio.sleep(random.uniform(FASTEST_S, SLOWEST_S))  # noqa: S311 (no secret)
    await sandbox(scope, receive, send)
