"""What asks for an account's end, and what tells of it."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field

from api.schemas.accounts import Password
from api.schemas.dues import Body
from core.rules import receipts
from core.services.erasures import GRACE_DAYS, LONGEST_GRACE_DAYS, Progress


class ErasureRequest(Body):
    password: Password | None = None  # an anonymous account has none
    grace_days: Annotated[int, Field(ge=0, le=LONGEST_GRACE_DAYS)] = GRACE_DAYS

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)


@dataclass(frozen=True, slots=True)
class StoreProgress:
    """`state`: running, retried (then `problem` says after what) or done."""

    store: str
    state: str
    attempts: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`stores`: how much went, by store. Signed are `id`, `issued_at` and `stores`.

    `signature`: Ed25519, base64; null until all is gone. `public_key`: what it verifies with;
    compare it with the one that you were given.
    """

    id: str
    status: str
    issued_at: str | None
    stores: dict[str, dict[str, int]]
    progress: list[StoreProgress]
    signature: str | None
    public_key: str

    @classmethod
    def of(cls, found: Progress, key: Ed25519PublicKey) -> Self:
        signed = found.signature is not None
        stores = found.stores if signed else {name: s["counts"] for name, s in found.stores.items()}
        under_way = {} if signed else found.stores
        return cls(
            id=str(found.id),
            status=found.status,
            issued_at=found.issued_at.isoformat() if found.issued_at else None,
            stores=stores,
            progress=[
                StoreProgress(name, step["state"], step["attempts"], step.get("problem"))
                for name, step in under_way.items()
            ],
            signature=b64encode(found.signature).decode() if found.signature else None,
            public_key=receipts.public_key(key),
        )
