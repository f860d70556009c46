"""Access tokens for Google's Calendar API: an hour each, in the memory of a process only."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID
from weakref import WeakValueDictionary

from pydantic import SecretStr

from core import clock, crypto
from core.errors import VendorError
from integrations.google_calendar_errors import VENDOR, refresh_failure
from integrations.http import Client
from integrations.http_connection import Answer

EARLY: Final = timedelta(minutes=2)  # that one counts as expired
REMEMBERED: Final = 10_000
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class _Held:
    of: bytes  # digest of the refresh token
    token: str
    until: datetime


@dataclass(slots=True)
class AccessTokens:
    http: Client
    url: str
    client_id: str
    client_secret: SecretStr
    _held: "OrderedDict[UUID, _Held]" = field(default_factory=OrderedDict)
    _turns: "WeakValueDictionary[UUID, asyncio.Lock]" = field(default_factory=WeakValueDictionary)

    async def get(self, connection_id: UUID, refresh_token: SecretStr) -> str:
        """From memory, or a new one. Another refresh token of the connection begins anew.

        Of calls that find out together that there is none, one asks for it. Raises `Revoked` when
        Google refuses that, else VendorError. No doubt is left about the call that it was wanted
        for: it has not been made.
        """
        digest = crypto.digest(refresh_token.get_secret_value())
        async with self._turns.setdefault(connection_id, asyncio.Lock()):
            held, now = self._held.get(connection_id), clock.now()
            if held is None or held.of != digest or held.until <= now:
                token, lasts = _read(await self._refresh(refresh_token))
                held = self._held[connection_id] = _Held(digest, token, now + lasts - EARLY)
                self._held.move_to_end(connection_id)
                if len(self._held) > REMEMBERED:
                    self._held.popitem(last=False)
            return held.token

    def forget(self, connection_id: UUID, token: str) -> None:
        """It was refused. One that came in its place meanwhile stays."""
        held = self._held.get(connection_id)
        if held is not None and held.token == token:
            del self._held[connection_id]

    async def _refresh(self, refresh_token: SecretStr) -> Answer:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.get_secret_value(),
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
        }
        try:
            return await self.http.post(self.url, content=urlencode(form).encode(), headers=FORM)
        except VendorError as error:
            error.ambiguous = False
            raise


def _read(answer: Answer) -> tuple[str, timedelta]:
    if not answer.is_success:
        raise refresh_failure(answer)
    try:
        given = answer.json()
        return str(given["access_token"]), timedelta(seconds=int(given["expires_in"]))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise VendorError(f"{VENDOR} gave no access token", permanent=False) from error
