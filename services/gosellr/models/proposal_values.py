"""Proposals as they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an operator wants, and what another one said to it. `kind` is a `ProposalKind`."""

    id: UUID
    kind: str
    status: str
    subject: str
    reason: str
    wish: Mapping[str, Any]
    secret_encrypted: bytes | None = field(default=None, repr=False)
    seller_ids: Sequence[UUID]
    prepared_by: UUID
    prepared_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
