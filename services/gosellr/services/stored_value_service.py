"""Gift cards and store credit: issued and granted at the marketplace's cost, and looked at."""

from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.pagination import Page
from gosellr.models.stored_value_values import GiftCard, StoreCreditGrant
from gosellr.queries import stored_value
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.services.terms_scope import after_id, page_by_id
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import TransactionDraft, store_credit
from gosellr.utils.money import MAX_AMOUNT_MINOR
from gosellr.utils.value_postings import gift_card_issued, store_credit_granted
from gosellr.utils.viewer import Viewer

Value = TypeVar("Value")
GRANTS_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Generic[Value]):
    """What a request made; `existed` when the same request had made it before."""

    value: Value
    existed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCredit:
    """What a buyer may spend, in minor units by currency, and what was granted of late."""

    user_id: UUID
    balances: dict[str, int]
    grants: list[StoreCreditGrant]


async def make_card(connection: Connection, *, card: GiftCard, by: UUID, now: datetime) -> None:
    """Write a gift card and book its value at the marketplace's cost, by an operator's word."""
    await stored_value.add_card(connection, card=card)
    draft = gift_card_issued(
        card_id=card.id, amount_minor=card.amount_minor, currency=card.currency
    )
    await _book(connection, draft, cause_type="gift_card", cause_id=card.id, by=by, now=now)


async def find(connection: Connection, *, card_id: UUID) -> GiftCard:
    """One gift card. For operators and support.

    Raises:
        NotFound: there is no such card.
    """
    card = await stored_value.find_card(connection, card_id=card_id)
    if card is None:
        raise NotFound
    return card


async def list_cards(connection: Connection, *, cursor: str | None, limit: int) -> Page[GiftCard]:
    """Gift cards, the newest first. For operators and support.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await stored_value.list_cards(connection, after_id=after_id(cursor), limit=limit + 1)
    return page_by_id(rows, limit=limit, id_of=lambda card: card.id)


async def check(connection: Connection, *, code_hash: bytes, now: datetime) -> GiftCard:
    """The card of a code, for whoever knows it.

    Raises:
        GiftCardRefused: none has it, or it can't be used any more: the answer is the same.
    """
    found = await stored_value.cards_of_codes(connection, code_hashes=[code_hash])
    if not found or found[0].status_at(now) != "active":
        raise GiftCardRefused("Check the code, and until when it is good")
    return found[0]


async def deactivate(
    connection: Connection, *, viewer: Viewer, card_id: UUID, now: datetime
) -> GiftCard:
    """Stop a gift card from being spent; what it holds stays in the books.

    Raises:
        NotFound, NotAllowed.
    """
    operator_id = require_operator(viewer)
    await find(connection, card_id=card_id)
    await stored_value.deactivate(connection, card_id=card_id, by=operator_id, now=now)
    return await find(connection, card_id=card_id)


async def grant(
    connection: Connection, *, given: StoreCreditGrant, by: UUID, now: datetime
) -> None:
    """Write a grant of credit and book it at the marketplace's cost, by an operator's word.

    Raises:
        NotFound: there is no such user.
        InvalidInput: the buyer would have more than can be spent.
    """
    if not await stored_value.add_grant(connection, grant=given):
        raise NotFound
    await check_room(connection, grant=given)
    draft = store_credit_granted(
        user_id=given.user_id, amount_minor=given.amount_minor, currency=given.currency
    )
    await _book(
        connection, draft, cause_type="store_credit_grant", cause_id=given.id, by=by, now=now
    )


async def credit_of(connection: Connection, *, user_id: UUID) -> StoreCredit:
    """A user's store credit: the user's own to read, and the market's.

    Raises:
        NotFound: there is no such user.
    """
    if not await stored_value.user_exists(connection, user_id=user_id):
        raise NotFound
    return StoreCredit(
        user_id=user_id,
        balances=await stored_value.held_in(connection, account=store_credit(user_id)),
        grants=await stored_value.grants_of(connection, user_id=user_id, limit=GRANTS_SHOWN),
    )


def require_operator(viewer: Viewer) -> UUID:
    """Who of those that run the market asks. Raises NotAllowed for everybody else."""
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed("Only the marketplace gives value away")
    return viewer.user_id


def check_amount(amount_minor: int) -> None:
    """Whether it is an amount that can be given away. Raises InvalidInput."""
    if not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise InvalidInput.at(
            "amount.amount", "amount_not_positive", "It has to be worth something"
        )


async def check_room(connection: Connection, *, grant: StoreCreditGrant) -> None:
    """What a buyer has is spent as one amount, so it can't grow beyond the largest; it is held
    until the commit.

    Raises:
        InvalidInput: it would.
    """
    account = store_credit(grant.user_id)
    held = await ledger_service.locked_balances(
        connection, accounts=[account], currency=grant.currency
    )
    if held.get(account, 0) + grant.amount_minor > MAX_AMOUNT_MINOR:
        raise InvalidInput.at(
            "amount.amount", "amount_out_of_bounds", "The buyer would have more than can be spent"
        )


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    cause_type: str,
    cause_id: UUID,
    by: UUID,
    now: datetime,
) -> None:
    booking = Booking(
        draft=draft,
        cause_type=cause_type,
        cause_id=cause_id,
        idempotency_key=str(cause_id),
        actor=f"operator:{by}",
        effective_at=now,
    )
    await ledger_service.book(connection, bookings=[booking], now=now)
