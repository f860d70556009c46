from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.memos import ConsentKind
from core.models.table import CreatedAt, Table, one_of
from core.rules.data_requests import RequestKind, RequestOutcome


class ConsentLog(Table):
    """Every change of a consent: to which text, and how it came. Append-only.

    Proof that somebody agreed (Art. 7(1)): the sign-in that said so, and its network address as a
    keyed hash, so that an address that is claimed can be compared and none be read.
    """

    __tablename__ = "consent_log"
    __table_args__ = (one_of("kind", ConsentKind), Index(None, "user_id", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    granted: Mapped[bool]
    version: Mapped[int] = mapped_column(SmallInteger)  # of the text, in core/rules/consents.py
    session_id: Mapped[UUID]  # no key to it: sessions are forgotten earlier
    address_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime]


class DataRequests(Table):
    """What somebody asked for under Chapter III, and until when it is answered.

    Leads to nobody once the account is gone; by mail or letter, also somebody without an account.
    """

    __tablename__ = "data_requests"
    __table_args__ = (
        one_of("kind", RequestKind),
        one_of("outcome", RequestOutcome),
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_has_an_outcome"),
        CheckConstraint("due_at > received_at", name="due_later"),
        Index(None, "subject_id", unique=True),
        Index(None, "user_id"),
        Index(None, "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
        Index("ix_data_requests_open", "due_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    user_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]  # the export or erasure that answers it; null: people do
    received_at: Mapped[CreatedAt]
    due_at: Mapped[datetime]
    extended_at: Mapped[datetime | None]  # when they were told that it takes longer: Art. 12(3)
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
