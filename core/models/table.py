"""What every table shares: names of constraints, the types of columns, the two kinds of table."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, MetaData, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """A table. Models describe columns and constraints and nothing else."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own name and shape)
        datetime: DateTime(timezone=True),
        str: Text(),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        UUID: Uuid(),
    }


class TenantTable(Table):
    """A table whose rows belong to a workspace: keyed by it first, guarded by row-level security.

    (workspace_id, id) is the whole key, so that one index serves foreign keys, tenants and
    look-ups alike, and an id chosen by a client says nothing about other tenants' ids.
    """

    __abstract__ = True

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)


type_now = text("now()")
CreatedAt = Annotated[datetime, mapped_column(server_default=type_now)]
Version = Annotated[int, mapped_column(server_default="1")]


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """`column` holds a value of this enumeration."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)
