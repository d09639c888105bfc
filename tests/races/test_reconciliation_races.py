"""A provider's word that is imported from several sides at once: each movement counts once."""

import asyncio
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import reconciliation_questions, reconciliation_service
from gosellr.utils.reconciliation import MovementKind
from tests.factories.sales import buy, make_shop, read
from tests.races.test_card_races import meet


async def tell(live: Resources, reference: str, amount_minor: int, **more: Any) -> Any:
    movement = NewMovement(
        reference=reference,
        kind=more.pop("kind", MovementKind.CHARGE),
        currency="EUR",
        amount_minor=amount_minor,
        occurred_at=live.clock.now(),
        **more,
    )
    return await transact(
        live.db,
        reconciliation_service.import_movements,
        gateway="sandbox",
        source="document",
        movements=[movement],
        imported_by=None,
        now=live.clock.now(),
    )


async def told_in(connection: Connection, live: Resources, reference: str, key: UUID) -> Any:
    movement = NewMovement(
        reference=reference, kind=MovementKind.CHARGE, currency="EUR", amount_minor=5_000,
        key=key, occurred_at=live.clock.now(),
    )  # fmt: skip
    return await reconciliation_service.import_movements(
        connection, gateway="sandbox", source="document", movements=[movement], imported_by=None,
        now=live.clock.now(),
    )  # fmt: skip


async def charge_of(live: Resources) -> UUID:
    shop = await transact(live.db, make_shop)
    order = await read(live, await buy(live, (shop, 1)))
    return order.payments[0].id


async def test_two_movements_about_one_charge_match_it_once(live: Resources) -> None:
    charge_id = await charge_of(live)
    late: list[Any] = []

    async def rival() -> None:
        late.append(await tell(live, "ch_2", 5_000, key=charge_id))

    await meet(live, lambda connection: told_in(connection, live, "ch_1", charge_id), rival())
    assert [(one.matched, one.waiting) for one in late] == [(0, 1)]
    page = await ask(
        live.db, reconciliation_questions.list_movements, gateway=None, status="unmatched",
        currency=None, suspended=None, cursor=None, limit=100,
    )  # fmt: skip
    assert [(one.reference, one.mismatch) for one in page.items] == [("ch_2", "taken")]


async def test_a_settlement_that_many_tell_is_booked_once(live: Resources) -> None:
    told = await asyncio.gather(
        *(tell(live, "po_1", -700, kind=MovementKind.SETTLEMENT) for _ in range(6))
    )
    assert sorted(one.known for one in told) == [0, 1, 1, 1, 1, 1]
    async with live.db.connection() as looking:
        booked = await looking.fetchval(
            "SELECT sum(amount_minor) FROM ledger_entry WHERE account = 'bank'"
        )
    assert booked == 700
