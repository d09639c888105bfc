"""What is kept of a seller for the tax authorities, as it is read."""

from dataclasses import field
from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTaxIdentity:
    """An identity as it is kept, sealed."""

    seller_id: UUID
    identity_encrypted: bytes = field(repr=False)
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """An account that a seller is or was paid to, sealed."""

    destination_id: UUID
    account_encrypted: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForReport:
    """What is kept of a seller that the yearly report asks for, sealed; of its identity None where
    it said nothing. The accounts are those that a year's money was paid to, in that order."""

    seller_id: UUID
    identity_encrypted: bytes | None = field(repr=False)
    accounts: tuple[KeptAccount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRequest:
    """How often a seller was asked who it is, and what followed; what didn't happen is None. Where
    an operator lets its payouts go on all the same, `lift_reason` says why, and the seller reads
    it."""

    seller_id: UUID
    asked_at: datetime
    reminded_at: datetime | None
    reminded_again_at: datetime | None
    withheld_at: datetime | None
    ended_at: datetime | None
    lifted_at: datetime | None
    lifted_by: UUID | None
    lift_reason: str | None
