"""Where cash on delivery is taken: the market says up to how much, and each seller for itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.queries import cash
from gosellr.services.basket_service import Tender
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.cash_parts import NothingToCollect, over_parts
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.stored_value import STORED_METHODS
from gosellr.utils.viewer import Viewer


class CashNotTaken(Conflict):
    """The market or a seller takes no cash for this order, or not as much."""

    code = "cash_not_taken"
    title = "This order can't be paid in cash"


def wants_cash(tenders: Sequence[Tender]) -> bool:
    """Whether any part is to be paid at the door."""
    return any(tender.method == CASH_ON_DELIVERY for tender in tenders)


def check_alone(tenders: Sequence[Tender]) -> None:
    """Let cash pay alone, or beside stored value.

    Raises:
        InvalidInput: a gateway is to pay beside it, or it is named twice.
    """
    others = [one.method for one in tenders if one.method not in STORED_METHODS]
    if CASH_ON_DELIVERY in others and len(others) > 1:
        raise InvalidInput.at(
            "payment_method", "cash_alone", "Beside cash, only gift cards and store credit pay"
        )


def check_pays_all(tenders: Sequence[Tender]) -> None:
    """Raises `InvalidInput` for cash where stored value was set aside for goods of several
    sellers before."""
    if wants_cash(tenders):
        raise InvalidInput.at(
            "payment_method",
            "cash_of_one_seller",
            "With goods of several sellers, name all ways to pay at once",
        )


def parted(
    amounts: Sequence[tuple[Tender, int]], *, parts_minor: Sequence[int]
) -> list[tuple[Tender, int]]:
    """Amounts with the cash, and stored value beside it, divided over the parts of an order, each
    of which is collected for by itself.

    Raises:
        InvalidInput: one of several sellers would collect nothing.
    """
    cash_minor = _cash_of(amounts)
    if not cash_minor or len(parts_minor) == 1:
        return list(amounts)
    stored = [one for one in amounts if one[0].method in STORED_METHODS]
    [cash] = [tender for tender, _ in amounts if tender.method == CASH_ON_DELIVERY]
    try:
        divided = over_parts(
            parts_minor=parts_minor,
            cash_minor=cash_minor,
            stored_minor=[minor for _, minor in stored],
        )
    except NothingToCollect:
        raise InvalidInput.at(
            "payment_method", "cash_for_nothing", "One seller's part costs nothing at the door"
        ) from None
    return [
        *(
            (replace(stored[one.tender][0], part_index=one.part), one.amount_minor)
            for one in divided.value
        ),
        *(
            (replace(cash, part_index=place), minor)
            for place, minor in enumerate(divided.cash_minor)
        ),
    ]


def _cash_of(amounts: Sequence[tuple[Tender, int]]) -> int:
    return sum(minor for tender, minor in amounts if tender.method == CASH_ON_DELIVERY)


async def with_cash(
    connection: Connection,
    amounts: Sequence[tuple[Tender, int]],
    *,
    parts: Sequence[tuple[UUID, int]],
    currency: str,
    policy: MarketPolicy,
) -> list[tuple[Tender, int]]:
    """The amounts with cash divided over the sellers who collect it, where all of them do.

    `parts` are the sellers with what their parts cost.

    Raises:
        InvalidInput, CashNotTaken.
    """
    check_alone([tender for tender, _ in amounts])
    divided = parted(amounts, parts_minor=[minor for _, minor in parts])
    cash = [minor for tender, minor in divided if tender.method == CASH_ON_DELIVERY]
    await check_taken(
        connection,
        sellers_minor={
            seller_id: minor for (seller_id, _), minor in zip(parts, cash, strict=False)
        },
        currency=currency,
        cash_minor=sum(cash),
        policy=policy,
    )
    return divided


async def check_taken(
    connection: Connection,
    *,
    sellers_minor: Mapping[UUID, int],
    currency: str,
    cash_minor: int,
    policy: MarketPolicy,
) -> None:
    """Whether sellers who would each collect so much, altogether `cash_minor`, take cash.

    Raises:
        CashNotTaken.
    """
    if not cash_minor:
        return
    most_minor = policy.cash_on_delivery_limit.get(currency, 0)
    if cash_minor > most_minor:
        raise CashNotTaken(
            "That is more than may be paid in cash",
            extras={"limit": {"amount": most_minor, "currency": currency}},
        )
    taken = await cash.limits(connection, seller_ids=list(sellers_minor), currency=currency)
    refused = [
        seller_id
        for seller_id, own_minor in sellers_minor.items()
        if own_minor > taken.get(seller_id, -1)
    ]
    if refused:
        raise CashNotTaken(
            "A seller of this order doesn't take cash, or not as much",
            extras={"seller_ids": refused},
        )


async def is_taken(
    connection: Connection,
    *,
    sellers_minor: Mapping[UUID, int],
    currency: str,
    policy: MarketPolicy,
) -> bool:
    """Whether an order over these parts could be paid in cash."""
    try:
        await check_taken(
            connection,
            sellers_minor=sellers_minor,
            currency=currency,
            cash_minor=sum(sellers_minor.values()),
            policy=policy,
        )
    except CashNotTaken:
        return False
    return True


async def find_terms(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> dict[str, int]:
    """Up to how much a seller takes in cash of one order, by currency.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to know.
    """
    await _require(connection, viewer, seller_id)
    return await cash.terms(connection, seller_id=seller_id)


async def change_terms(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    limits_minor: Mapping[str, int],
    now: datetime,
) -> dict[str, int]:
    """Say anew in which currencies a seller takes cash, and up to how much of one order.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to say.
    """
    await _require(connection, viewer, seller_id)
    await cash.replace_terms(
        connection,
        seller_id=seller_id,
        limits_minor=limits_minor,
        changed_by=viewer.user_id,
        now=now,
    )
    return await cash.terms(connection, seller_id=seller_id)


async def _require(connection: Connection, viewer: Viewer, seller_id: UUID) -> None:
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.SELLER_UPDATE)
    if not await cash.is_seller(connection, seller_id=seller_id):
        raise NotFound
