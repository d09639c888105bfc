"""Documents as they are read, and the names of whoever stands on them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.utils.documents import DocumentKind, document_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letterhead import Letterhead


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """A document as it was issued. `content` holds amounts in minor units."""

    id: UUID
    kind: DocumentKind
    issuer: str
    series: str
    sequence: int
    seller_id: UUID
    order_id: UUID | None
    period: str | None
    currency: str
    total_minor: int
    content: Mapping[str, Any]
    issued_at: datetime

    @property
    def number(self) -> str:
        """Its number as it is written."""
        return document_number(self.series, self.sequence)


@dataclass(frozen=True, slots=True)
class SellerIdentity:
    """What is known of a seller for papers that bear its name."""

    id: UUID
    name: str
    legal_name: str
    country: str
    email: str
    status: str
    created_at: datetime
    letterhead: Letterhead | None
    """What it wants there besides; None where it hasn't said."""


@dataclass(frozen=True, slots=True)
class OwnChange:
    """What transactions of one kind did to one account of a seller in a period.

    Credits count as positive; without an account, `transaction_count` is that of the kind.
    """

    currency: str
    kind: str
    account: str | None
    before_minor: int
    in_minor: int
    out_minor: int
    transaction_count: int


@dataclass(frozen=True, slots=True)
class Deduction:
    """Commission, its VAT, remitted tax or a provider's fee that transactions of one kind kept from
    a seller.

    Credits count as positive: what a refund gives back is negative. `vat_bps` is the rate of the
    rule that was frozen at the sale; what was booked by hand names its booking instead.
    """

    currency: str
    kind: str
    account: str
    vat_bps: int
    amount_minor: int
    by_hand_id: UUID | None


@dataclass(frozen=True, slots=True)
class YearFigure:
    """A seller's figures of one quarter and kind of transaction, in one currency."""

    seller_id: UUID
    currency: str
    quarter: int
    kind: str
    own_minor: int
    commission_minor: int
    vat_minor: int
    remitted_minor: int
    sale_count: int


@dataclass(frozen=True, slots=True)
class StatementPayout:
    """A payout as it stands on a statement."""

    id: UUID
    amount_minor: int
    status: str
    last_four: str
    created_at: datetime
    paid_at: datetime | None
