"""Chargebacks of orders that stored value has paid in part."""

import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.disputes import bank_decides, delivered, hear, take_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    balances,
    make_buyer,
    make_commission,
    make_shop,
    refund,
    seller_owes,
)
from tests.factories.stored_value import by_bank, by_card, make_card


@pytest.mark.parametrize("won", [True, False])
async def test_what_the_bank_had_given_back_already_is_taken_from_no_sibling(
    resources: Resources, connection: Connection, won: bool
) -> None:
    """The bank's 60.00 went back with the first seller's goods; a gift card paid the other's."""
    await make_commission(connection, rate_bps=0, vat_bps=0)
    shop = await make_shop(connection, price_minor=1000)
    sibling = await make_shop(connection, price_minor=4000)
    _, code = await make_card(resources, 4000)
    order = await delivered(
        resources,
        (shop, 6),
        (sibling, 1),
        buyer=await make_buyer(connection),
        tenders=(by_card(code), by_bank()),
    )
    back = await refund(resources, order, shop, units=6)
    assert (back.status, back.amount_minor) == ("succeeded", 6000)
    reference = await take_back(resources, order, payment=1)
    assert await seller_owes(connection, sibling) == {"pending": 4000}
    await bank_decides(resources, order, reference, won=won)
    await hear(resources, order, payment=1)
    assert await seller_owes(connection, sibling) == {"pending": 4000}
    assert await seller_owes(connection, shop) == {}
    assert (await balances(connection)).get("chargeback_loss", 0) == (0 if won else 6000)
    assert await wrong_with(connection, resources) == []
