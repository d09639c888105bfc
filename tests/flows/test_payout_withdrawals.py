"""A new payout account, withdrawn by the link in the letter that told of it."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_withdrawals
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.resources import Resources
from gosellr.services import payout_settings_service
from gosellr.services.payout_terms import PayoutsHeld
from gosellr.services.payout_withdrawal_service import NotHeldForOwner, TooLateToWithdraw
from gosellr.utils.payouts import WITHDRAWN_HOLD_REASON
from tests.factories.accounts import make_operator
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write
from tests.factories.payouts import ACCOUNTS, an_operator, earn, pay, set_account
from tests.factories.sales import NOW, Shop, make_commission, make_shop

OLD, NEW = Behaviour.PAY, Behaviour.SLOW
PASSWORD = "a lamp for every window"
LINK = re.compile(r"http://localhost:4004/payout-changes/([0-9a-f-]{36})\?token=(\S+)")


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection)


async def changed(resources: Resources, connection: Connection, shop: Shop) -> tuple[UUID, str]:
    """Another account than the first; what its letter leads to."""
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        shop.seller.owner.id,
        await resources.passwords.hash(PASSWORD),
    )
    await set_account(resources, shop, OLD)
    await open_room(resources, connection)
    await set_account(resources, shop, NEW)
    await write(resources, connection)
    await send(resources)
    found = LINK.search(text_of(mails(resources)[0]))
    assert found is not None
    return UUID(found[1]), found[2]


async def withdraw(resources: Resources, destination_id: UUID, token: str) -> None:
    await payout_withdrawals.withdraw(
        resources.payouts, resources.secret_key, destination_id=destination_id, token=token
    )


async def last_four(resources: Resources, shop: Shop) -> str:
    found = await ask(
        resources.db,
        payout_settings_service.find_destination,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
    )
    return found.last_four


async def hold_reason(resources: Resources, shop: Shop) -> str | None:
    found = await ask(
        resources.db,
        payout_settings_service.find_settings,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
    )
    return found.hold_reason if found.held_at else None


async def let_go(resources: Resources, shop: Shop, password: str = PASSWORD) -> None:
    await payout_withdrawals.let_go(
        resources.payouts,
        resources.passwords,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        password=password,
    )


async def test_the_one_before_takes_its_place_and_nothing_is_paid_until_an_owner_says_so(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    operator = await make_operator(connection, now=NOW)
    destination_id, token = await changed(resources, connection, shop)
    assert await last_four(resources, shop) == ACCOUNTS[NEW][-4:]
    await withdraw(resources, destination_id, token)
    assert await last_four(resources, shop) == ACCOUNTS[OLD][-4:]
    assert await hold_reason(resources, shop) == WITHDRAWN_HOLD_REASON
    await earn(resources, shop)
    with pytest.raises(PayoutsHeld):
        await pay(resources, shop)
    await write(resources, connection)
    told = [one for one in await to_whom(connection) if one[0] == "payout_change_withdrawn"]
    assert sorted(one[1] for one in told) == sorted({shop.seller.owner.email, operator.email})
    with pytest.raises(InvalidInput):
        await let_go(resources, shop, "not it")
    assert await hold_reason(resources, shop) == WITHDRAWN_HOLD_REASON
    await let_go(resources, shop)
    assert await hold_reason(resources, shop) is None
    assert (await pay(resources, shop)).status == "paid"
    with pytest.raises(NotHeldForOwner):
        await let_go(resources, shop)


async def test_it_works_once_and_with_the_letter_alone(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    destination_id, token = await changed(resources, connection, shop)
    with pytest.raises(NotFound):
        await withdraw(resources, destination_id, token.swapcase())
    assert await last_four(resources, shop) == ACCOUNTS[NEW][-4:]
    await withdraw(resources, destination_id, token)
    with pytest.raises(TooLateToWithdraw):
        await withdraw(resources, destination_id, token)
    # The link of the letter after it is another one.
    await set_account(resources, shop, NEW)
    with pytest.raises(TooLateToWithdraw):
        await withdraw(resources, destination_id, token)
    assert await last_four(resources, shop) == ACCOUNTS[NEW][-4:]


async def test_it_works_until_the_account_is_used(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    destination_id, token = await changed(resources, connection, shop)
    clock.advance(timedelta(hours=72))
    with pytest.raises(TooLateToWithdraw):
        await withdraw(resources, destination_id, token)
    assert await last_four(resources, shop) == ACCOUNTS[NEW][-4:]
    assert await hold_reason(resources, shop) is None


async def test_a_first_account_takes_nobodys_place(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    await set_account(resources, shop, OLD)
    await write(resources, connection)
    await send(resources)
    assert LINK.search(text_of(mails(resources)[0])) is None


async def test_an_operators_own_hold_is_not_the_shops_to_end(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    destination_id, token = await changed(resources, connection, shop)
    await transact(
        resources.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason="looked into",
        now=resources.clock.now(),
    )
    await withdraw(resources, destination_id, token)
    assert await hold_reason(resources, shop) == "looked into"
    with pytest.raises(NotHeldForOwner):
        await let_go(resources, shop)
    other = await make_shop(connection)
    with pytest.raises((NotAllowed, NotFound)):
        await payout_withdrawals.let_go(
            resources.payouts,
            resources.passwords,
            viewer=other.viewer,
            seller_id=shop.seller.id,
            password=PASSWORD,
        )


async def test_an_operators_hold_stands_also_in_the_markets_own_words(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    destination_id, token = await changed(resources, connection, shop)
    await withdraw(resources, destination_id, token)
    operator = (await make_operator(connection, now=NOW)).viewer
    await transact(
        resources.db,
        payout_settings_service.hold,
        viewer=operator,
        seller_id=shop.seller.id,
        reason=WITHDRAWN_HOLD_REASON,
        now=resources.clock.now(),
    )
    with pytest.raises(NotHeldForOwner):
        await let_go(resources, shop)
    assert await hold_reason(resources, shop) == WITHDRAWN_HOLD_REASON
    await earn(resources, shop)
    with pytest.raises(PayoutsHeld):
        await pay(resources, shop)
