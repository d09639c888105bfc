"""A seller's month on paper: its statement, and the marketplace's invoice for its commission."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.models.document_values import IssuedDocument, SellerIdentity, StatementPayout
from gosellr.queries import documents, period_figures
from gosellr.services import document_register, ledger_service
from gosellr.services import period_figures as figures_service
from gosellr.services.document_parties import market_party, seller_party
from gosellr.services.document_register import DocumentDraft
from gosellr.services.period_figures import PeriodFigures
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.documents import (
    MARKET,
    SETTLED_AFTER,
    DocumentKind,
    InvalidPeriod,
    MarketIdentity,
    language_of,
    month_after,
    month_before,
    month_bounds,
)
from gosellr.utils.ledger import TransactionKind
from gosellr.utils.permissions import Permission
from gosellr.utils.statement_figures import REFUND_KINDS, Kept
from gosellr.utils.viewer import Viewer

_SELLERS_AT_ONCE: Final = 100
_PAYOUTS_AT_ONCE: Final = 1_000


async def month_to_close(connection: Connection, *, now: datetime) -> str | None:
    """The month that follows the last closed one, if it is over; None: there is nothing to do.

    The first is the month just past: nobody is sent papers about times before there were any.
    """
    due = month_before(now - SETTLED_AFTER)
    closed = await documents.last_closed_month(connection)
    period = due if closed is None else month_after(closed)
    return period if period <= due else None


async def sellers_to_close(connection: Connection, *, after: UUID) -> list[SellerIdentity]:
    """The next sellers by id."""
    return await documents.sellers_after(connection, after=after, limit=_SELLERS_AT_ONCE)


async def close_seller(
    connection: Connection,
    *,
    seller: SellerIdentity,
    period: str,
    identity: MarketIdentity,
    vat_jurisdiction: str,
    now: datetime,
) -> int:
    """Issue a seller's documents of a month that is over; gives how many it has."""
    found = await _figures(connection, seller.id, period, vat_jurisdiction=vat_jurisdiction)
    drafts = []
    for one in found:
        content = await _statement(connection, seller, period, one, identity=identity)
        drafts.append(
            _draft(DocumentKind.STATEMENT, seller, period, one.currency, content,
                   total_minor=one.figures.closing_minor)
        )  # fmt: skip
        if one.commission != Kept():
            content = _commission(seller, period, one, identity=identity)
            drafts.append(
                _draft(DocumentKind.COMMISSION_INVOICE, seller, period, one.currency, content,
                       total_minor=content["totals"]["payable_minor"])
            )  # fmt: skip
    if drafts:
        await document_register.issue(connection, drafts=drafts, now=now)
    return len(drafts)


async def finish_month(connection: Connection, *, period: str, now: datetime) -> None:
    """Note that every seller has its documents of the month."""
    await documents.close_month(connection, period=period, now=now)


async def find_statement(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    period: str,
    currency: str | None,
    identity: MarketIdentity,
    vat_jurisdiction: str,
    now: datetime,
) -> IssuedDocument | dict[str, Any]:
    """A seller's statement of a month, as issued; before that, how it stands, without a number.

    Without a currency, the first in which there is one.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at, nothing ever moved, or the
            month hasn't begun.
        InvalidInput: this is no month.
    """
    seller = await require_seller(connection, viewer=viewer, seller_id=seller_id)
    try:
        since, _ = month_bounds(period)
    except InvalidPeriod as error:
        raise InvalidInput.at("period", "period_unknown", str(error)) from None
    if since > now:
        raise NotFound("This month hasn't begun")
    issued = await documents.of_seller(
        connection, seller_id=seller_id, kind=DocumentKind.STATEMENT, period=period, limit=50
    )
    for one in sorted(issued, key=lambda each: each.currency):
        if currency in (None, one.currency):
            return one
    found = await _figures(connection, seller_id, period, vat_jurisdiction=vat_jurisdiction)
    for figures in found:
        if currency in (None, figures.currency):
            content = await _statement(connection, seller, period, figures, identity=identity)
            return {"kind": DocumentKind.STATEMENT.value, **content}
    raise NotFound("Nothing moved by the end of this month")


async def currencies_moved(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> list[str]:
    """The currencies in which anything ever moved for a seller, in the order of their codes: each
    has a statement of the month that isn't over.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
    """
    await require_seller(connection, viewer=viewer, seller_id=seller_id)
    accounts = figures_service.accounts_of(seller_id)
    held = await ledger_service.balances(connection, accounts=accounts)
    return sorted({currency for _, currency in held})


async def require_seller(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> SellerIdentity:
    """A seller whose statements the viewer may read.

    Raises:
        NotFound, NotAllowed: it isn't theirs to look at.
    """
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.STATEMENT_READ)
    seller = (await documents.sellers(connection, seller_ids=[seller_id])).get(seller_id)
    if seller is None:
        raise NotFound
    return seller


async def _figures(
    connection: Connection, seller_id: UUID, period: str, *, vat_jurisdiction: str
) -> list[PeriodFigures]:
    since, until = month_bounds(period)
    return await figures_service.read(
        connection,
        seller_id=seller_id,
        since=since,
        until=until,
        vat_jurisdiction=vat_jurisdiction,
        known=await figures_service.known_before(connection, seller_id=seller_id, period=period),
    )


def _draft(
    kind: DocumentKind,
    seller: SellerIdentity,
    period: str,
    currency: str,
    content: dict[str, Any],
    *,
    total_minor: int,
) -> DocumentDraft:
    return DocumentDraft(
        kind=kind,
        issuer=MARKET,
        cause_key=f"{seller.id}:{period}:{currency}",
        seller_id=seller.id,
        period=period,
        currency=currency,
        total_minor=total_minor,
        content={"kind": kind.value, **content},
    )


def _head(
    seller: SellerIdentity, period: str, currency: str, identity: MarketIdentity
) -> dict[str, Any]:
    since, until = month_bounds(period)
    return {
        "language": language_of(seller.country),
        "currency": currency,
        "issuer": market_party(identity),
        "recipient": seller_party(seller, to_others=False),
        "period": period,
        "first_day": since.date().isoformat(),
        "last_day": (until - timedelta(days=1)).date().isoformat(),
    }


async def _statement(
    connection: Connection,
    seller: SellerIdentity,
    period: str,
    found: PeriodFigures,
    *,
    identity: MarketIdentity,
) -> dict[str, Any]:
    since, until = month_bounds(period)
    paid = await _all_payouts(
        connection, seller_id=seller.id, currency=found.currency, since=since, until=until
    )
    figures = found.figures
    return {
        **_head(seller, period, found.currency, identity),
        "opening_minor": figures.opening_minor,
        "closing_minor": figures.closing_minor,
        "groups": [
            {"key": group.key, "count": group.count, "amount_minor": group.amount_minor}
            for group in figures.groups
        ],
        "pots": [
            {
                "key": pot.name,
                "opening_minor": pot.opening_minor,
                "in_minor": pot.in_minor,
                "out_minor": pot.out_minor,
                "closing_minor": pot.closing_minor,
            }
            for pot in figures.pots
        ],
        "payouts": _payouts(paid),
    }


async def _all_payouts(
    connection: Connection, *, seller_id: UUID, currency: str, since: datetime, until: datetime
) -> list[StatementPayout]:
    """A seller's payouts of a period, page after page: a statement leaves none out."""
    found: list[StatementPayout] = []
    after: tuple[datetime, UUID] | None = None
    while True:
        page = await period_figures.payouts(
            connection,
            seller_id=seller_id,
            currency=currency,
            since=since,
            until=until,
            after=after,
            limit=_PAYOUTS_AT_ONCE,
        )
        found += page
        if len(page) < _PAYOUTS_AT_ONCE:
            return found
        after = (page[-1].created_at, page[-1].id)


def _payouts(paid: Sequence[StatementPayout]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.id),
            "amount_minor": one.amount_minor,
            "status": one.status,
            "last_four": one.last_four,
            "created_at": one.created_at.isoformat(),
        }
        for one in paid
    ]


def _commission(
    seller: SellerIdentity, period: str, found: PeriodFigures, *, identity: MarketIdentity
) -> dict[str, Any]:
    """Commission and VAT exactly as they were booked; what refunds gave back is taken off, and
    what was charged or given back by hand is a line of its own."""
    returned = sum(
        kept.commission_minor for kind, kept in found.kept.items() if kind in REFUND_KINDS
    )
    by_hand = found.kept.get(TransactionKind.ADJUSTED.value, Kept()).commission_minor
    whole = found.commission
    lines = [
        {"key": "commission", "amount_minor": whole.commission_minor - returned - by_hand},
        {"key": "commission_returned", "amount_minor": returned},
        {"key": "adjusted", "amount_minor": by_hand},
    ]
    return {
        **_head(seller, period, found.currency, identity),
        "lines": [line for line in lines if line["amount_minor"]],
        "taxes": [
            {
                "tax_rate_bps": rate_bps,
                "net_minor": kept.commission_minor,
                "tax_minor": kept.vat_minor,
                "gross_minor": kept.commission_minor + kept.vat_minor,
            }
            for rate_bps, kept in found.rates.items()
        ],
        "totals": {
            "net_minor": whole.commission_minor,
            "tax_minor": whole.vat_minor,
            "gross_minor": whole.commission_minor + whole.vat_minor,
            "promotion_minor": 0,
            "payable_minor": whole.commission_minor + whole.vat_minor,
        },
    }
