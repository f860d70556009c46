"""What a browser's `PushSubscription` looks like in JSON, and the keys in it."""

from typing import Annotated

from pydantic import Field

from api.schemas.dues import Body
from api.schemas.text import line
from core.rules.egress import MAX_URL_CHARS
from core.services.push_subscriptions import Draft

Key = Annotated[str, Field(max_length=100)]


class KeysBody(Body):
    p256dh: Annotated[Key, Field(description="65 bytes, base64url: the browser's public key")]
    auth: Annotated[Key, Field(description="16 bytes, base64url: the browser's secret")]


class PushSubscriptionBody(Body):
    """`PushSubscription.toJSON()`, and a name if its owner gives one."""

    endpoint: Annotated[str, Field(max_length=MAX_URL_CHARS)]
    keys: KeysBody
    expirationTime: Annotated[  # noqa: N815 - the browsers' name
        float | None, Field(description="Milliseconds since 1970; not needed: the service tells")
    ] = None
    name: Annotated[str, line(100, blank=False)] | None = None

    def to_draft(self, user_agent: str) -> Draft:
        return Draft(self.endpoint, self.keys.p256dh, self.keys.auth, self.name, user_agent)
