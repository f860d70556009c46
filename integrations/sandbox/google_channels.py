"""Push channels: after each change of a watched calendar, an empty POST that says so.

https://developers.google.com/workspace/calendar/api/guides/push. Changes shortly after one another
are told together; a 5xx or no answer is tried again, any other status is not. Only the address of
our own API is called. Faults of the vendor's kind `notification` meet single ones: `delay_ms`
holds it back, `drop: after` sends it twice, `drop: before` loses it.
"""

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final

from core.errors import VendorError
from integrations.http import Client, vendor_client
from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.google_accounts import NAME
from integrations.sandbox.google_errors import Refused
from integrations.sandbox.google_events import Calendar

KIND: Final = "notification"
PATH: Final = "/api/v1/webhooks/google-calendar"
USUAL_S: Final = 7 * 24 * 3600
LONGEST_S: Final = 30 * 24 * 3600
MOST: Final = 10_000
SOON_S: Final = 0.1
TRIES: Final = 4
ID: Final = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
MAX_TOKEN: Final = 256
SERVER_ERROR: Final = 500


@dataclass(slots=True)
class Channel:
    id: str
    resource_id: str
    calendar: Calendar
    token: str | None
    address: str
    expires_at: float
    number: int = 0  # of its last message
    tries: int = 0

    @property
    def uri(self) -> str:
        return (
            f"https://www.googleapis.com/calendar/v3/calendars/{self.calendar.id}/events?alt=json"
        )

    def headers(self) -> dict[str, str]:
        """Of its next message."""
        self.number += 1
        told = {
            "user-agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
            "x-goog-channel-id": self.id,
            "x-goog-channel-expiration": formatdate(self.expires_at, usegmt=True),
            "x-goog-resource-id": self.resource_id,
            "x-goog-resource-uri": self.uri,
            "x-goog-resource-state": "sync" if self.number == 1 else "exists",
            "x-goog-message-number": str(self.number),
        }
        return told if self.token is None else told | {"x-goog-channel-token": self.token}


@dataclass(slots=True)
class Channels:
    """`api_url`: whose webhook may be called."""

    api_url: str
    faults: Faults
    active: "OrderedDict[str, Channel]" = field(default_factory=OrderedDict)
    now: Callable[[], float] = time.time
    _waiting: "OrderedDict[str, float]" = field(default_factory=OrderedDict)  # id -> when
    _posting: asyncio.Task[None] | None = None

    def watch(self, calendar: Calendar, given: dict[str, Any]) -> dict[str, Any]:
        channel_id, token = given.get("id"), given.get("token")
        address, params = given.get("address"), given.get("params")
        if given.get("type") not in ("web_hook", "webhook"):
            raise Refused(400, "push.unknownChannelType", "Unknown channel type.")
        if not isinstance(channel_id, str) or not ID.fullmatch(channel_id):
            raise Refused(400, "push.channelIdInvalid", "Invalid channel id.")
        if token is not None and (not isinstance(token, str) or len(token) > MAX_TOKEN):
            raise Refused(400, "push.tokenTooLong", "The token is too long.")
        if channel_id in self.active:
            says = f"Channel id {channel_id} not unique"
            raise Refused(400, "channelIdNotUnique", says)
        if address != self.api_url + PATH:
            says = f"Unauthorized WebHook callback channel: {address}"
            raise Refused(401, "push.webhookUrlUnauthorized", says)
        wanted = str(params.get("ttl") if isinstance(params, dict) else None)[:12]
        ttl = int(wanted) if wanted.isascii() and wanted.isdigit() else USUAL_S
        made = Channel(
            id=channel_id,
            resource_id=secrets.token_urlsafe(20),
            calendar=calendar,
            token=token,
            address=address,
            expires_at=self.now() + min(ttl, LONGEST_S),
        )
        self.active[channel_id] = made
        if len(self.active) > MOST:
            self.active.popitem(last=False)
        self._tell(channel_id, 0)
        return {
            "kind": "api#channel",
            "id": made.id,
            "resourceId": made.resource_id,
            "resourceUri": made.uri,
            "expiration": str(int(made.expires_at * 1000)),
        } | ({} if token is None else {"token": token})

    def stop(self, account: str, given: dict[str, Any]) -> None:
        found = self.active.get(str(given.get("id")))
        if (
            found is None
            or found.resource_id != given.get("resourceId")
            or found.calendar.account != account
        ):
            raise Refused(404, "notFound", f"Channel '{given.get('id')}' not found for project")
        del self.active[found.id]

    def changed(self, calendar: Calendar) -> None:
        for channel in self.active.values():
            if channel.calendar is calendar:
                self._tell(channel.id, SOON_S)

    def _tell(self, channel_id: str, wait: float) -> None:
        """Once for all the changes until then."""
        self._waiting.setdefault(channel_id, self.now() + wait)
        if self._posting is None or self._posting.done():
            self._posting = asyncio.get_running_loop().create_task(self._post_all())

    async def _post_all(self) -> None:
        """Ends when nothing waits any more, so nobody has to start or to stop it."""
        async with vendor_client() as client:
            while self._waiting:
                await asyncio.sleep(SOON_S / 2)
                now = self.now()
                due = [each for each, at in self._waiting.items() if at <= now]
                for each in due:
                    del self._waiting[each]
                await asyncio.gather(*(self._post(client, each) for each in due))

    async def _post(self, client: Client, channel_id: str) -> None:
        channel = self.active.get(channel_id)
        if channel is None:
            return
        if channel.expires_at <= self.now():
            del self.active[channel_id]
            return
        fault = self._fault()
        if fault is not None and fault.delay and channel.tries == 0:
            channel.tries += 1
            self._tell(channel_id, fault.delay)
            return
        if fault is not None and fault.drop == "before":
            channel.number += 1
            return
        for _ in range(2 if fault is not None and fault.drop == "after" else 1):
            try:
                answer = await client.post(channel.address, headers=channel.headers(), content=b"")
                taken = answer.status_code < SERVER_ERROR
            except VendorError:
                taken = False
        if taken or channel.tries >= TRIES:
            channel.tries = 0
            return
        channel.tries += 1
        self._tell(channel_id, 2.0**channel.tries)

    def _fault(self) -> Fault | None:
        """One without a kind is for calls of the API."""
        if not any((each.vendor, each.kind) == (NAME, KIND) for each in self.faults.active):
            return None
        return self.faults.meet(NAME, KIND)
