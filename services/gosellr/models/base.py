"""What every table shares: names for constraints, and the column kinds of this house."""

from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    MetaData,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: never wraps, so that "written before all that still run" is decidable."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """The name of the type in SQL."""
        return "xid8"


def written_by() -> Column[Any]:
    """The database transaction that wrote the row.

    Commit order can't be read from a clock or from an id. A reader that takes only rows
    below `pg_snapshot_xmin(pg_current_snapshot())` will never find one added behind it.
    """
    return Column(
        "written_by", TransactionId, nullable=False, server_default=text("pg_current_xact_id()")
    )


def identifier(name: str = "id") -> Column[Any]:
    """A primary key made by us: UUID version 7."""
    return Column(name, Uuid, primary_key=True)


def reference(name: str, target: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """A foreign key to `table.column`."""
    return Column(name, Uuid, ForeignKey(target), nullable=nullable, **options)


def minor(name: str, *, nullable: bool = False, default: int | None = None) -> Column[Any]:
    """An amount in minor units."""
    return Column(
        name,
        BigInteger,
        nullable=nullable,
        server_default=None if default is None else text(str(default)),
    )


def currency(name: str = "currency", *, nullable: bool = False) -> Column[Any]:
    """An ISO 4217 code."""
    return Column(name, CHAR(3), nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """A moment in time, UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def words(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    """Text."""
    return Column(
        name,
        Text,
        nullable=nullable,
        server_default=None if default is None else text(f"'{default}'"),
    )


def document(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    """A JSON document."""
    return Column(
        name,
        JSONB,
        nullable=nullable,
        server_default=None if default is None else text(f"'{default}'::jsonb"),
    )


def one_of(column: str, *values: str) -> CheckConstraint:
    """The column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def not_negative(*columns: str) -> CheckConstraint:
    """None of these is below zero."""
    return CheckConstraint(
        " AND ".join(f"{column} >= 0" for column in columns),
        name=f"{columns[0]}_not_negative",
    )
