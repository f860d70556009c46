"""Where the links in our e-mails lead: each signed for its own purpose, none acts unpressed."""

from dataclasses import dataclass, field
from typing import Final, Self
from uuid import UUID

from core import crypto
from core.rules import actions, tokens, unsubscribing
from core.rules.actions import Action, Verb
from core.rules.unsubscribing import Kind, Wish
from core.services.deliveries import Send

API: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Links:
    """`app` is where people find their todos."""

    app: str
    _verification: bytes = field(repr=False)
    _actions: bytes = field(repr=False)
    _unsubscribe: bytes = field(repr=False)

    @classmethod
    def of(cls, url: str, encryption: bytes) -> Self:
        """`url` is where people reach the API."""
        return cls(
            url.rstrip("/"),
            crypto.derive(encryption, tokens.VERIFICATION_PURPOSE),
            crypto.derive(encryption, actions.PURPOSE),
            crypto.derive(encryption, unsubscribing.PURPOSE),
        )

    def verification(self, delivery_id: UUID, address: str) -> str:
        token = tokens.verification_token(self._verification, delivery_id, address)
        return f"{self.app}/verify-email?token={token}"

    def complete(self, send: Send, todo_id: UUID) -> str:
        return self._act(send, Verb.COMPLETE, todo_id, 0)

    def snooze(self, send: Send, minutes: int) -> str:
        return self._act(send, Verb.SNOOZE, send.subject_id, minutes)

    def unsubscribe(self, user_id: UUID, kind: Kind) -> str:
        token = unsubscribing.token(self._unsubscribe, Wish(user_id, kind))
        return f"{self.app}{API}/unsubscribe/{token}"

    def receipt(self, receipt_id: UUID) -> str:
        """Where an erasure says how far it is, and in the end what proves it."""
        return f"{self.app}{API}/erasure-receipts/{receipt_id}"

    def _act(self, send: Send, verb: Verb, subject_id: UUID, minutes: int) -> str:
        action = Action(
            verb=verb,
            workspace_id=send.workspace_id,
            user_id=send.person.id,
            subject_id=subject_id,
            message_id=send.delivery_id,
            expires_at=send.due_at + actions.LIFETIME,
            minutes=minutes,
        )
        return f"{self.app}{API}/actions/{actions.token(self._actions, action)}"
