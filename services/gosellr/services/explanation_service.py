"""The books of whatever is asked for, in words, as they are now or were at any moment before.

At a moment only what was booked by then counts, and nothing is told that was known later: what
an order, a payout or a case has become since isn't said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.dispute_values import Chargeback
from gosellr.models.payout_values import Payout
from gosellr.queries import adjustments, chargebacks, ledger, past_balances, payouts, sellers
from gosellr.queries.ledger import BookedTransaction, Movement
from gosellr.queries.past_balances import MadeOf
from gosellr.services import payout_questions, statement_service
from gosellr.utils.ids import InvalidNumber, order_number, parse_order_number
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import TransactionKind, UnknownAccount, account_kind, account_owner
from gosellr.utils.money import to_decimal_string
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

__all__ = ["BalanceMade", "Explanation", "MadeOf", "PotMade", "explain", "seller_ledger"]

_ADJUSTMENT_KINDS: Final = (
    TransactionKind.ADJUSTED.value,
    TransactionKind.DEBT_WRITTEN_OFF.value,
)


@dataclass(frozen=True, slots=True)
class PotMade:
    """One of a seller's accounts: what it holds, credits positive, and the kinds that made it."""

    pot: str
    minor: int
    parts: tuple[MadeOf, ...]


@dataclass(frozen=True, slots=True)
class BalanceMade:
    """What the marketplace owes a seller in one currency, account by account; what the seller
    owes counts against it."""

    currency: str
    pots: tuple[PotMade, ...]

    @property
    def owed_minor(self) -> int:
        """All of it together."""
        return sum(one.minor for one in self.pots)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was found under a word: an order's whole story, a seller's balances and what made them,
    or the latest of some accounts.

    `about` is what it is, and the name that it goes by: an order's number, or an id. `at` is the
    moment by which all of it was booked; None is now. `names` are those of all sellers in it.
    """

    title: str
    about: tuple[Literal["order", "seller", "payout", "adjustment"], str] | None = None
    transactions: tuple[BookedTransaction, ...] = ()
    movements: tuple[Movement, ...] = ()
    balances: tuple[BalanceMade, ...] = ()
    at: datetime | None = None
    names: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def sellers(self) -> set[UUID]:
        """Whose accounts it names."""
        accounts = {entry.account for one in self.transactions for entry in one.entries}
        accounts |= {one.account for one in self.movements}
        owners = {owner for one in accounts if (owner := _seller_of(one)) is not None}
        if self.about is not None and self.about[0] == "seller":
            owners.add(UUID(self.about[1]))
        return owners

    def owner_of(self, account: str) -> str:
        """The name of the seller whose account it is; empty where it is nobody's."""
        owner = _seller_of(account)
        return "" if owner is None else self.names.get(owner, "")


async def seller_ledger(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, at: datetime | None = None
) -> list[BalanceMade]:
    """What a seller has and owes, now or at a moment, and what made it, in every currency.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
    """
    await statement_service.require_seller(connection, viewer, seller_id, Permission.BALANCE_READ)
    return await _balances(connection, seller_id, at)


async def explain(
    connection: Connection, *, subject: str, limit: int, at: datetime | None = None
) -> Explanation:
    """The books of whatever an operator names: an order's id or number, a payout, an adjustment, a
    chargeback by its case's id or its provider's name of it, a seller, an account.

    Raises:
        NotFound: nothing bears that name.
    """
    found = await _find(connection, subject, limit=limit, at=at)
    names = await sellers.names_of(connection, seller_ids=sorted(found.sellers))
    return replace(found, names=names)


async def _find(
    connection: Connection, subject: str, *, limit: int, at: datetime | None
) -> Explanation:
    as_id, number = _uuid(subject), _order_number(subject)
    if as_id is not None or number is not None:
        order = await ledger.find_order(connection, order_id=as_id, number=number)
        if order is not None:
            booked = await statement_service.order_ledger(connection, order_id=order[0], at=at)
            named = order_number(order[1])
            return Explanation(f"Order {named}", ("order", named), tuple(booked), at=at)
    if as_id is not None:
        found = await _by_id(connection, as_id, limit=limit, at=at)
        if found is not None:
            return found
    back = await chargebacks.named(connection, case_id=as_id, reference=subject)
    if back is not None:
        booked = await statement_service.order_ledger(connection, order_id=back.order_id, at=at)
        own = tuple(one for one in booked if one.cause_id == back.id)
        return Explanation(_chargeback_title(back, at), transactions=own, at=at)
    try:
        account_kind(subject)
    except UnknownAccount:
        raise NotFound(f"No order, payout, seller or account is called {subject}") from None
    moved = await _latest(connection, [subject], limit=limit, at=at)
    return Explanation(f"Account {subject}", movements=moved, at=at)


async def _by_id(
    connection: Connection, named: UUID, *, limit: int, at: datetime | None
) -> Explanation | None:
    if await ledger.seller_exists(connection, seller_id=named):
        [seller] = (await sellers.named(connection, seller_ids=[named])).values()
        return Explanation(
            f"Seller {seller.name}, {named}",
            ("seller", str(named)),
            movements=await _latest(
                connection, statement_service.pots_of(named), limit=limit, at=at
            ),
            balances=tuple(await _balances(connection, named, at)),
            at=at,
        )
    payout = await payouts.load(connection, payout_id=named)
    if payout is not None:
        booked = await payout_questions.payout_ledger(connection, payout_id=payout.id, at=at)
        reason = "" if payout.failure_reason is None else f" ({payout.failure_reason})"
        state = "" if at is not None else f": {payout.status}{reason}"
        title = f"{await _payout_words(connection, payout)}{state}"
        return Explanation(title, ("payout", str(payout.id)), tuple(booked), at=at)
    adjusted = await adjustments.find(connection, adjustment_id=named)
    if adjusted is not None:
        booked = await ledger.find_of_key(
            connection, kinds=_ADJUSTMENT_KINDS, idempotency_key=str(adjusted.id), at=at
        )
        state = "" if at is not None else f": {adjusted.status} ({adjusted.reason})"
        title = f"Adjustment {adjusted.id}{state}"
        return Explanation(title, ("adjustment", str(adjusted.id)), tuple(booked), at=at)
    return None


async def _payout_words(connection: Connection, payout: Payout) -> str:
    """A payout by its number, as the bank's file has it, and by what people know of it."""
    found = await sellers.named(connection, seller_ids=[payout.seller_id])
    amount = f"{to_decimal_string(payout.amount_minor, payout.currency)} {payout.currency}"
    return (
        f"Payout {payout.number} of {amount} to {found[payout.seller_id].name}"
        f" on {payout.created_at.astimezone(UTC):%Y-%m-%d}"
    )


def _chargeback_title(back: Chargeback, at: datetime | None) -> str:
    title = f"Chargeback {back.gateway_reference} at {back.gateway}"
    if at is not None:
        return title
    stage = "" if back.stage is None else f", {back.stage.replace('_', ' ')}"
    return f"{title}: {back.status}{stage}"


async def _balances(
    connection: Connection, seller_id: UUID, at: datetime | None
) -> list[BalanceMade]:
    pot_of = {of(seller_id): pot for pot, of in statement_service.POTS.items()}
    made = await past_balances.made_of(connection, accounts=list(pot_of), at=at)
    return [
        BalanceMade(
            currency,
            tuple(
                PotMade(pot, sum(one.change_minor for one in parts), parts)
                for account, pot in pot_of.items()
                if (
                    parts := tuple(
                        one for one in made if (one.currency, one.account) == (currency, account)
                    )
                )
            ),
        )
        for currency in sorted({one.currency for one in made})
    ]


async def _latest(
    connection: Connection, accounts: Sequence[str], *, limit: int, at: datetime | None
) -> tuple[Movement, ...]:
    known = await ledger.turnovers(connection, accounts=accounts)
    moved: list[Movement] = []
    for currency in sorted({each.currency for each in known}):
        if at is None:
            moved += await ledger.movements(
                connection, accounts=accounts, currency=currency, after=None, limit=limit
            )
        else:
            moved += await past_balances.movements(
                connection, accounts=accounts, currency=currency, at=at, limit=limit
            )
    return tuple(moved)


def _seller_of(account: str) -> UUID | None:
    owner = account_owner(account) if account_kind(account).owner == "seller" else None
    return None if owner is None else UUID(owner)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _order_number(text: str) -> int | None:
    """The number in `GS-20481`, or in `20481` as somebody in a hurry writes it."""
    try:
        return parse_order_number(f"GS-{text.upper().removeprefix('GS-')}")
    except InvalidNumber:
        return None
