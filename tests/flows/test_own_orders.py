"""Only its buyer pays for an order and says where its money goes back, whoever else sees it whole.

Whoever works for the market shops there as well, and so holds what every buyer holds.
"""

from dataclasses import replace

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.flows import bank_transfers, checkout
from gosellr.flows.bank_transfers import TypedAccount
from gosellr.resources import Resources
from gosellr.services.basket_service import Tender
from gosellr.utils.permissions import Role
from tests.factories.accounts import make_operator, make_support
from tests.factories.sales import a_key, buy, make_buyer, make_shop, read
from tests.factories.transfers import BY_TRANSFER, PAYER_IBAN, offline, transfer_of


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.OPERATOR])
async def test_whoever_works_for_the_market_is_nobody_elses_buyer(
    resources: Resources, connection: Connection, role: Role
) -> None:
    market = offline(resources)
    shop = await make_shop(connection, price_minor=5000)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 1), buyer=buyer, tenders=BY_TRANSFER)
    make = make_support if role is Role.SUPPORT else make_operator
    staff = (await make(connection, now=market.clock.now())).viewer
    assert staff.roles == {Role.BUYER, role}
    account = TypedAccount(iban=PAYER_IBAN, holder="Sam")
    with pytest.raises(NotFound):
        await bank_transfers.give_account(
            market.transfers, viewer=staff, order_id=order.id, account=account
        )
    with pytest.raises(NotFound):
        await checkout.pay_again(
            market.checkout,
            viewer=staff,
            order_id=order.id,
            tenders=(Tender(method="sandbox", token="tok_ok"),),
            key=a_key(),
        )
    # The transfer that the buyer was asked for is still awaited.
    after = await read(market, order)
    assert (after.status, transfer_of(after).status) == ("pending_payment", "action_required")
    assert await connection.fetchval("SELECT count(*) FROM refund_account") == 0
    # The buyer's own word still counts, and a guest's who holds the order's key.
    assert (
        await bank_transfers.give_account(
            market.transfers, viewer=buyer.viewer, order_id=order.id, account=account
        )
        == PAYER_IBAN[-4:]
    )
    assert replace(buyer.viewer, roles=buyer.viewer.roles | {role}).is_buyer_of(
        buyer.id, sees_whole=True
    )
