"""In a shop's file of the journal each change leads from one balance to the next."""

from decimal import Decimal

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import make_operator
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, make_commission, make_shop, refund
from tests.web.people import enter
from tests.web.test_transaction_pages import rows
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_a_shops_file_chains(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await make_commission(connection)
    shop: Shop = await make_shop(connection, price_minor=5_000)
    await set_account(resources, shop)
    resources.clock.advance(resources.policy.payout_change_hold)
    order = await earn(resources, shop, 1)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    found = await rows(visitor, f"of={shop.seller.id}")
    after = [Decimal(one["balance"]) for one in found]
    changes = [Decimal(one["change"]) for one in found]
    assert changes == [
        now - before for now, before in zip(after, [*after[1:], Decimal(0)], strict=True)
    ]
