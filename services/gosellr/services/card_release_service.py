"""Gift cards that ran out: what is left on them is owed no more after the market's time, and owed
again when they are extended.

The market says per currency after how many days, or never; its law decides which. A card that was
paid for makes income, one that the marketplace gave away has cost it less.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page
from gosellr.models.events import Fact, FactType
from gosellr.models.stored_value_values import CardRelease, GiftCard
from gosellr.queries import card_releases, ledger, outbox, stored_value
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.services.terms_scope import after_id, page_by_id
from gosellr.utils.ledger import TransactionDraft, TransactionKind, gift_card
from gosellr.utils.value_postings import gift_card_released, gift_card_restored
from gosellr.utils.viewer import Viewer


class GiftCardStopped(Conflict):
    """A card that was stopped can't be spent, however long it is good."""

    code = "gift_card_stopped"
    title = "This gift card was stopped"


async def due_cards(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Cards whose rest is to be released."""
    return await card_releases.due(connection, now=now, limit=limit)


async def release(connection: Connection, *, card_id: UUID, now: datetime) -> bool:
    """Release what is left on a card whose time is over; whether there was anything to be done."""
    found = await card_releases.hold_due(connection, card_id=card_id, now=now)
    if found is None:
        return False
    expired_at, currency, is_issued = found
    account = gift_card(card_id)
    held = await ledger_service.locked_balances(connection, accounts=[account], currency=currency)
    left_minor = held.get(account, 0)
    if left_minor <= 0:
        return False
    released = CardRelease(
        id=new_id(),
        card_id=card_id,
        amount_minor=left_minor,
        currency=currency,
        is_issued=is_issued,
        expired_at=expired_at,
        released_at=now,
        restored_at=None,
    )
    await card_releases.add(connection, release=released)
    draft = gift_card_released(
        card_id=card_id, is_issued=is_issued, amount_minor=left_minor, currency=currency
    )
    await _book(connection, draft, release_id=released.id, actor="system", now=now)
    about = {"amount": {"amount": left_minor, "currency": currency}}
    fact = Fact(FactType.GIFT_CARD_RELEASED, card_id, about)
    await outbox.append(connection, [fact], now=now)
    return True


async def list_releases(
    connection: Connection, *, cursor: str | None, limit: int
) -> Page[CardRelease]:
    """What was released, the newest first. For operators and support.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await card_releases.list_releases(connection, after_id=after_id(cursor), limit=limit + 1)
    return page_by_id(rows, limit=limit, id_of=lambda one: one.id)


async def standing(connection: Connection) -> list[tuple[str, bool, int]]:
    """What is released in all and wasn't restored, in minor units by currency and whether the cards
    had been given away. For operators and support."""
    return await card_releases.standing(connection)


async def extend(
    connection: Connection,
    *,
    viewer: Viewer,
    card_id: UUID,
    expires_at: datetime | None,
    now: datetime,
) -> GiftCard:
    """Let a card be good for longer, or without an end; what was released of it is on it again.

    Raises:
        NotFound, NotAllowed, GiftCardStopped.
        InvalidInput: it is good for longer as it is.
    """
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed("Only the marketplace extends gift cards")
    held = await card_releases.hold_card(connection, card_id=card_id)
    if held is None:
        raise NotFound
    good_until, is_stopped = held
    if is_stopped:
        raise GiftCardStopped
    if expires_at is not None and (good_until is None or expires_at <= max(good_until, now)):
        raise InvalidInput.at("expires_at", "not_longer", "Name a day after the one it has")
    await card_releases.extend(connection, card_id=card_id, expires_at=expires_at)
    await _restore(connection, card_id=card_id, by=viewer.user_id, now=now)
    card = await stored_value.find_card(connection, card_id=card_id)
    if card is None:
        raise NotFound
    return card


async def _restore(connection: Connection, *, card_id: UUID, by: UUID, now: datetime) -> None:
    restored = await card_releases.restore(connection, card_id=card_id, by=by, now=now)
    if restored is None:
        return
    release_id, amount_minor, is_issued = restored
    card = await stored_value.find_card(connection, card_id=card_id)
    if card is None:
        raise NotFound
    draft = gift_card_restored(
        card_id=card_id, is_issued=is_issued, amount_minor=amount_minor, currency=card.currency
    )
    key = (TransactionKind.GIFT_CARD_RELEASED.value, str(release_id))
    booked = await ledger.find_by_keys(connection, [key])
    await _book(
        connection, draft, release_id=release_id, actor=f"operator:{by}", corrects_id=booked[key],
        now=now,
    )  # fmt: skip
    about = {"amount": {"amount": amount_minor, "currency": card.currency}}
    fact = Fact(FactType.GIFT_CARD_RESTORED, card_id, about)
    await outbox.append(connection, [fact], now=now)


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    release_id: UUID,
    actor: str,
    now: datetime,
    corrects_id: UUID | None = None,
) -> None:
    booking = Booking(
        draft=draft,
        cause_type="gift_card_release",
        cause_id=release_id,
        # Released once, and restored once.
        idempotency_key=str(release_id),
        actor=actor,
        effective_at=now,
        corrects_id=corrects_id,
    )
    await ledger_service.book(connection, bookings=[booking], now=now)
