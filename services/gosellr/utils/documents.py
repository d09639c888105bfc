"""Documents: their kinds, numbers and months, and the hash that makes a change show."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass

MARKET: Final = "market"
"""The issuer of what the marketplace itself writes; a seller's own bear its id."""

LANGUAGES: Final = ("en", "de", "fr", "es")
_LANGUAGE_OF: Final[Mapping[str, str]] = {
    "DE": "de", "AT": "de", "LI": "de", "FR": "fr", "MC": "fr", "ES": "es", "MX": "es",
    "AR": "es", "CL": "es", "CO": "es",
}  # fmt: skip
SETTLED_AFTER: Final = timedelta(hours=1)
"""After a period's end: what began before has ended by then, no transaction runs for so long."""

_PERIOD: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


class DocumentKind(StrEnum):
    """What a document is. An invoice and a credit note are a seller's, the others the market's."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    COMMISSION_INVOICE = "commission_invoice"
    STATEMENT = "statement"


_PREFIXES: Final[Mapping[DocumentKind, str]] = {
    DocumentKind.INVOICE: "INV",
    DocumentKind.CREDIT_NOTE: "CN",
    DocumentKind.COMMISSION_INVOICE: "COM",
    DocumentKind.STATEMENT: "ST",
}


class InvalidPeriod(ValueError):
    """A text is no month of this century."""


@dataclass(frozen=True, slots=True)
class MarketIdentity:
    """Who runs the marketplace, for the papers that bear its name."""

    name: str = "GoSellr"
    address_lines: tuple[str, ...] = ()
    tax_id: str = ""


def series_of(kind: DocumentKind, *, at: datetime) -> str:
    """The series that a document of this kind belongs to: one per year, UTC."""
    return f"{_PREFIXES[kind]}-{at.astimezone(UTC).year}"


def document_number(series: str, sequence: int) -> str:
    """The number as it is written: the 7th of `INV-2026` is INV-2026-00007.

    Raises ValueError for a number below 1.
    """
    if sequence < 1:
        raise ValueError("documents are counted from 1")
    return f"{series}-{sequence:05d}"


def language_of(country: str) -> str:
    """The language of a document for somebody in this country; English where we have no other."""
    return _LANGUAGE_OF.get(country, "en")


def month_bounds(period: str) -> tuple[datetime, datetime]:
    """The first moment of a month, `2026-03`, and that of the next, UTC. Raises `InvalidPeriod`."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise InvalidPeriod(f"a month looks like 2026-03, not {period!r}")
    year, month = int(match[1]), int(match[2])
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return datetime(year, month, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)


def month_of(moment: datetime) -> str:
    """The month that a moment is in, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def month_before(moment: datetime) -> str:
    """The month before the one that a moment is in."""
    at = moment.astimezone(UTC)
    return f"{at.year - 1}-12" if at.month == 1 else f"{at.year}-{at.month - 1:02d}"


def month_after(period: str) -> str:
    """The month that follows. Raises `InvalidPeriod`."""
    return month_of(month_bounds(period)[1])


def document_hash(
    *, document_id: UUID, kind: str, number: str, issuer: str, content: Mapping[str, Any]
) -> bytes:
    """SHA-256 of a document's canonical form: ASCII JSON without blanks, keys sorted."""
    written = hashed_fields(
        document_id=document_id, kind=kind, number=number, issuer=issuer, content=content
    )
    text = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode("ascii")).digest()


def hashed_fields(
    *, document_id: UUID, kind: str, number: str, issuer: str, content: Mapping[str, Any]
) -> dict[str, Any]:
    """What a document's hash is made of, before it is spelled."""
    return {
        "id": str(document_id),
        "kind": str(kind),
        "number": number,
        "issuer": issuer,
        "content": content,
    }
