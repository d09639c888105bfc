"""What a platform reports of its sellers' year (DAC7): by quarter, as the journal has it.

Consideration is what the directive says: compensation in connection with a sale that was paid or
credited to the seller, net of fees, commissions and taxes that the platform withheld or charged. So
it is what sales credited, and the cash that was collected at the door, since the platform knows
it; less what refunds and lost chargebacks took back, and less fees charged for them or by hand.
It is the same whether or not it was paid out by then.

A debt that is written off, and whatever else is booked by hand, is no compensation for a sale:
the refund that made the debt has lowered the consideration before, and giving up a claim sells
nothing.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.document_values import SellerIdentity, YearFigure
from gosellr.queries import documents, period_figures
from gosellr.utils.ledger import TransactionKind, tax_payable
from gosellr.utils.statement_figures import POT_OF_ACCOUNT, REFUND_KINDS, SALE_KINDS

_K = TransactionKind
# What these take of a seller is a fee, and neither a sale nor its refund.
_FEE_KINDS: Final = frozenset(
    {_K.CHARGEBACK_OPENED.value, _K.CHARGEBACK_FEE.value, _K.ADJUSTED.value}
)

MISSING: Final = ("address", "tax_identification_number", "vat_number", "date_of_birth",
                  "business_registration_number", "financial_account")  # fmt: skip
"""What the report asks for, and nobody asks sellers for yet, or is kept encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterFigures:
    """One quarter: amounts in minor units, activities counted."""

    consideration_minor: int = 0
    activity_count: int = 0
    fees_minor: int = 0
    taxes_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerYear:
    """A seller's year in one currency, first quarter first."""

    seller: SellerIdentity
    currency: str
    quarters: tuple[QuarterFigures, QuarterFigures, QuarterFigures, QuarterFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxReport:
    """A year of all sellers who earned in it."""

    year: int
    as_of: datetime
    sellers: tuple[SellerYear, ...]


async def report(
    connection: Connection, *, year: int, vat_jurisdiction: str, now: datetime
) -> TaxReport:
    """The report of a year, of the journal as it is now.

    The journal is read quarter by quarter: what the database holds at once is a quarter's, and
    what is held here are sums. Nothing that is booked meanwhile goes into a quarter that is over.
    """
    by_seller: defaultdict[tuple[UUID, str], list[QuarterFigures]] = defaultdict(
        lambda: [QuarterFigures()] * 4
    )
    begins = [datetime(year, month, 1, tzinfo=UTC) for month in (1, 4, 7, 10)]
    begins.append(datetime(year + 1, 1, 1, tzinfo=UTC))
    for since, until in pairwise(begins):
        rows = await period_figures.year(
            connection,
            since=since,
            until=until,
            account_kinds=list(POT_OF_ACCOUNT),
            kinds=sorted(SALE_KINDS | REFUND_KINDS | _FEE_KINDS),
            vat_account=tax_payable(vat_jurisdiction),
            kind_by_hand=_K.ADJUSTED.value,
        )
        for row in rows:
            quarters = by_seller[row.seller_id, row.currency]
            quarters[row.quarter - 1] = _added(quarters[row.quarter - 1], row)
    sellers = await documents.sellers(connection, seller_ids=[one for one, _ in by_seller])
    found = [
        SellerYear(
            seller=sellers[seller_id],
            currency=currency,
            quarters=(quarters[0], quarters[1], quarters[2], quarters[3]),
        )
        for (seller_id, currency), quarters in by_seller.items()
        if any(quarter != QuarterFigures() for quarter in quarters)
    ]
    return TaxReport(
        year=year,
        as_of=now,
        sellers=tuple(
            sorted(found, key=lambda one: (one.seller.legal_name, one.seller.id, one.currency))
        ),
    )


def _added(quarter: QuarterFigures, row: YearFigure) -> QuarterFigures:
    charged_minor = -row.own_minor if row.kind in _FEE_KINDS else 0
    return replace(
        quarter,
        consideration_minor=quarter.consideration_minor + row.own_minor,
        activity_count=quarter.activity_count + row.sale_count,
        fees_minor=quarter.fees_minor + row.commission_minor + row.vat_minor + charged_minor,
        taxes_minor=quarter.taxes_minor + row.remitted_minor,
    )


def content_of(found: TaxReport) -> dict[str, object]:
    """The report as a document's content: plain JSON, amounts in minor units."""
    return {
        "kind": "dac7",
        "language": "en",
        "year": found.year,
        "issued_at": found.as_of.isoformat(),
        "missing": list(MISSING),
        "sellers": [_seller_content(one) for one in found.sellers],
    }


def _seller_content(one: SellerYear) -> dict[str, object]:
    whole = QuarterFigures(
        consideration_minor=sum(each.consideration_minor for each in one.quarters),
        activity_count=sum(each.activity_count for each in one.quarters),
        fees_minor=sum(each.fees_minor for each in one.quarters),
        taxes_minor=sum(each.taxes_minor for each in one.quarters),
    )
    return {
        "seller_id": str(one.seller.id),
        "legal_name": one.seller.legal_name,
        "trade_name": one.seller.name,
        "country": one.seller.country,
        "email": one.seller.email,
        "currency": one.currency,
        "quarters": [
            {"quarter": number, **asdict(quarter)}
            for number, quarter in enumerate(one.quarters, start=1)
        ],
        "total": asdict(whole),
    }
