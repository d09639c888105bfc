"""A seller's period, read from the journal and told in figures, currency by currency."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.document_values import Deduction, OwnChange
from gosellr.queries import documents, period_figures
from gosellr.utils.documents import DocumentKind, month_bounds
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    COMMISSION,
    GATEWAY_FEE,
    payout_in_transit,
    seller_available,
    seller_pending,
    seller_receivable,
    seller_reserve,
    tax_payable,
)
from gosellr.utils.statement_figures import (
    POT_OF_ACCOUNT,
    Kept,
    PotChange,
    StatementFigures,
    statement_figures,
)
from gosellr.utils.tax import rate_of

# The kind of what was known before: it moves nothing.
_BEFORE: Final = ""
# So far the clocks of hosts may be apart, at the very most.
_CLOCKS_APART: Final = timedelta(hours=1)
_ACCOUNTS_OF = (
    seller_pending,
    seller_available,
    seller_reserve,
    seller_receivable,
    payout_in_transit,
)


def accounts_of(seller_id: UUID) -> list[str]:
    """The accounts of which a seller's statement tells."""
    return [account_of(seller_id) for account_of in _ACCOUNTS_OF]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFigures:
    """A seller's period in one currency. `kept` is by kind of transaction, `rates` the
    commission and its VAT by rate in basis points, charged by hand or by rule; credits of the
    marketplace are positive."""

    currency: str
    figures: StatementFigures
    kept: Mapping[str, Kept]
    rates: Mapping[int, Kept]

    @property
    def commission(self) -> Kept:
        """Commission and its VAT over the whole period, returns taken off."""
        return Kept(
            commission_minor=sum(one.commission_minor for one in self.rates.values()),
            vat_minor=sum(one.vat_minor for one in self.rates.values()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Up to when a seller's books are told by a document that never changes, and what its accounts
    held then, by currency and account. Nothing since was written before `written_from`."""

    until: datetime
    held: Mapping[tuple[str, str], int]
    written_from: int | None


async def known_before(connection: Connection, *, seller_id: UUID, period: str) -> Known | None:
    """What is known before a month: by the last closed one before it. A seller without a statement
    of that one had nothing. None where no month was closed by then."""
    closed = await documents.last_closed_before(connection, period=period)
    if closed is None:
        return None
    _, until = month_bounds(closed)
    issued = await documents.of_seller(
        connection, seller_id=seller_id, kind=DocumentKind.STATEMENT, period=closed, limit=50
    )
    account_of = {pot: account for account, pot in POT_OF_ACCOUNT.items()}
    return Known(
        until=until,
        held={
            (one.currency, account_of[pot["key"]]): pot["closing_minor"]
            for one in issued
            for pot in one.content["pots"]
        },
        written_from=await documents.complete_by(connection, moment=until - _CLOCKS_APART),
    )


async def read(
    connection: Connection,
    *,
    seller_id: UUID,
    since: datetime,
    until: datetime,
    vat_jurisdiction: str,
    known: Known | None = None,
) -> list[PeriodFigures]:
    """A seller's figures of a period by currency; what never moved is left out. Nothing is read
    from before what is `known`, which is no later than `since`."""
    accounts = accounts_of(seller_id)
    written_from = None if known is None else known.written_from
    changes = await period_figures.own_changes(
        connection,
        accounts=accounts,
        since=since,
        until=until,
        known_until=None if known is None else known.until,
        written_from=written_from,
    )
    if known is not None:
        changes += [
            OwnChange(currency, _BEFORE, account, held_minor, 0, 0, 0)
            for (currency, account), held_minor in known.held.items()
            if held_minor
        ]
    deductions = await period_figures.deductions(
        connection,
        seller_id=seller_id,
        accounts=accounts,
        since=since,
        until=until,
        written_from=written_from,
    )
    currencies = {one.currency for one in changes} | {one.currency for one in deductions}
    found = [
        _of_currency(currency, changes, deductions, vat_account=tax_payable(vat_jurisdiction))
        for currency in sorted(currencies)
    ]
    return [one for one in found if not one.figures.is_empty or one.commission != Kept()]


def _of_currency(
    currency: str,
    changes: Iterable[OwnChange],
    deductions: Iterable[Deduction],
    *,
    vat_account: str,
) -> PeriodFigures:
    own = [one for one in changes if one.currency == currency]
    deductions = [one for one in deductions if one.currency == currency]
    kept: defaultdict[str, Kept] = defaultdict(Kept)
    for one in deductions:
        kept[one.kind] = _added(kept[one.kind], one, vat_account=vat_account)
    rates = _rates(
        [one for one in deductions if one.account in (COMMISSION, vat_account)],
        vat_account=vat_account,
    )
    return PeriodFigures(
        currency=currency,
        figures=statement_figures(
            [
                PotChange(one.kind, one.account, one.before_minor, one.in_minor, one.out_minor)
                for one in own
                if one.account is not None
            ],
            kept=kept,
            counts={one.kind: one.transaction_count for one in own if one.account is None},
        ),
        kept=dict(kept),
        rates={rate: sums for rate, sums in sorted(rates.items(), reverse=True) if sums != Kept()},
    )


def _rates(deductions: Iterable[Deduction], *, vat_account: str) -> Mapping[int, Kept]:
    """Commission and its VAT by rate. A booking by hand knows its amounts alone: they tell it."""
    rates: defaultdict[int, Kept] = defaultdict(Kept)
    by_hand: defaultdict[UUID, Kept] = defaultdict(Kept)
    for one in deductions:
        if one.by_hand_id is None:
            rates[one.vat_bps] = _added(rates[one.vat_bps], one, vat_account=vat_account)
        else:
            held = by_hand[one.by_hand_id]
            by_hand[one.by_hand_id] = _added(held, one, vat_account=vat_account)
    for booked in by_hand.values():
        rate_bps = rate_of(booked.commission_minor, tax_minor=booked.vat_minor)
        rates[rate_bps] = Kept(
            commission_minor=rates[rate_bps].commission_minor + booked.commission_minor,
            vat_minor=rates[rate_bps].vat_minor + booked.vat_minor,
        )
    return rates


def _added(kept: Kept, one: Deduction, *, vat_account: str) -> Kept:
    if one.account == COMMISSION:
        return replace(kept, commission_minor=kept.commission_minor + one.amount_minor)
    if one.account == vat_account:
        return replace(kept, vat_minor=kept.vat_minor + one.amount_minor)
    if one.account == GATEWAY_FEE:
        return replace(kept, fee_minor=kept.fee_minor + one.amount_minor)
    return replace(kept, remitted_minor=kept.remitted_minor + one.amount_minor)
