from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import Table


class RetentionRuns(Table):
    """What the last run of each rule of `core/services/retention_rules.py` came to."""

    __tablename__ = "retention_runs"

    rule: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    took_ms: Mapped[int]
    rows: Mapped[int] = mapped_column(BigInteger)
    unfinished: Mapped[bool]  # its time was over before it was done
    error: Mapped[str | None]  # a class of ours or the driver's, no text
    succeeded_at: Mapped[datetime | None]
    total: Mapped[int] = mapped_column(BigInteger)  # of all runs
