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
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.document_values import SellerIdentity, YearFigure
from gosellr.queries import documents, period_figures
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import TransactionKind, tax_payable
from gosellr.utils.statement_figures import POT_OF_ACCOUNT, REFUND_KINDS, SALE_KINDS
from gosellr.utils.tax_identity import TaxIdentity

_K = TransactionKind
# What these take of a seller is a fee, and neither a sale nor its refund.
_FEE_KINDS: Final = frozenset(
    {_K.CHARGEBACK_OPENED.value, _K.CHARGEBACK_FEE.value, _K.ADJUSTED.value}
)

_SAID: Final = ("kind", "name", "address", "tax_numbers", "vat_number", "registration_number",
                "establishments", "birth_date", "birth_place")  # fmt: skip

MISSING: Final = ("tax_identity", "financial_account")
"""What may not be known of a seller: who it is to the tax authorities, all of which is asked at
once, and which accounts it was paid to."""

ON_FILE: Final = "on file"
"""Stands in place of what is known, where whoever looks may not read it."""


@dataclass(frozen=True, slots=True)
class PaidAccount:
    """An account by its number, which is an IBAN, an address or a provider's name of it, and its
    holder. Both are empty where no key of ours opens what is kept."""

    number: str = field(repr=False)
    holder: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSeller:
    """What is known of a seller beside its figures: who it is, None where it hasn't said it, and
    the accounts that it was paid to in the year, the first one first, or else is paid to now."""

    identity: TaxIdentity | None = None
    accounts: tuple[PaidAccount, ...] = ()

    @property
    def missing(self) -> list[str]:
        """What of `MISSING` isn't known."""
        has_accounts = bool(self.accounts) and all(one.number for one in self.accounts)
        is_there = (self.identity is not None, has_accounts)
        return [name for name, known in zip(MISSING, is_there, strict=True) if not known]


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


def content_of(
    found: TaxReport, known: Mapping[UUID, KnownSeller], *, is_whole: bool
) -> dict[str, object]:
    """The report as a document's content: plain JSON, amounts in minor units.

    Only a whole one bears what sellers said of themselves; any other says that it is on file.
    """
    unknown = KnownSeller()
    of_seller = {one.seller.id: known.get(one.seller.id, unknown) for one in found.sellers}
    missing = {name for one in of_seller.values() for name in one.missing}
    return {
        "kind": "dac7",
        "language": "en",
        "year": found.year,
        "issued_at": found.as_of.isoformat(),
        "missing": [name for name in MISSING if name in missing],
        "sellers": [
            _seller_content(one, of_seller[one.seller.id], is_whole=is_whole)
            for one in found.sellers
        ],
    }


def _seller_content(one: SellerYear, known: KnownSeller, *, is_whole: bool) -> dict[str, object]:
    whole = QuarterFigures(
        consideration_minor=sum(each.consideration_minor for each in one.quarters),
        activity_count=sum(each.activity_count for each in one.quarters),
        fees_minor=sum(each.fees_minor for each in one.quarters),
        taxes_minor=sum(each.taxes_minor for each in one.quarters),
    )
    identity = _identity_content(known)
    if not is_whole:
        identity = {name: value and ON_FILE for name, value in identity.items()}
    return {
        "seller_id": str(one.seller.id),
        "legal_name": (is_whole and identity["name"]) or one.seller.legal_name,
        "trade_name": one.seller.name,
        "country": one.seller.country,
        "email": one.seller.email,
        "identity": identity,
        "missing": known.missing,
        "currency": one.currency,
        "quarters": [
            {"quarter": number, **asdict(quarter)}
            for number, quarter in enumerate(one.quarters, start=1)
        ],
        "total": asdict(whole),
    }


def _identity_content(known: KnownSeller) -> dict[str, str]:
    """Every field by its name, as it is written; one that isn't there is empty."""
    accounts = [one for one in known.accounts if one.number]
    of_account = {
        "account_number": "; ".join(one.number for one in accounts),
        "account_holder": "; ".join(one.holder for one in accounts),
    }
    said = known.identity
    if said is None:
        return {**dict.fromkeys(_SAID, ""), **of_account}
    born = "" if said.birth_date is None else said.birth_date.isoformat()
    values = (
        said.kind.value,
        said.name,
        ", ".join(said.address.lines()),
        "; ".join(f"{one.country} {one.number}" for one in said.tax_numbers),
        said.vat_number,
        said.registration_number,
        ", ".join(said.establishments),
        born,
        said.birth_place,
    )
    return {**dict(zip(_SAID, values, strict=True)), **of_account}
