"""Letters that people expect: of their account, its password, and a refund that was refused."""

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows.sign_in import SignIn
from gosellr.resources import Resources
from gosellr.services import account_service
from gosellr.services.account_service import Device
from tests.factories.gift_sales import buy_card, offer_cards, take_back
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write
from tests.factories.sales import buy, make_commission, make_shop, refund, ship
from tests.factories.stored_value import by_bank, operator

ADA = "ada@example.com"


async def test_who_makes_an_account_is_welcomed(
    resources: Resources, connection: Connection
) -> None:
    await open_room(resources, connection)
    sign_in: SignIn = resources.sign_in
    await sign_in.register(
        email="new@example.com",
        name="New Person",
        password="correct horse battery staple",
        device=Device(),
        now=resources.clock.now(),
    )
    await write(resources, connection)
    assert await to_whom(connection) == [("welcome", "new@example.com")]
    await send(resources)
    [mail] = mails(resources)
    assert mail["Subject"] == "Welcome to GoSellr"
    assert "battery" not in text_of(mail)


async def test_whose_password_was_changed_hears_of_it(
    resources: Resources, connection: Connection
) -> None:
    await transact(
        resources.db,
        account_service.register_account,
        email="op@example.com",
        name="Olga",
        password_hash="x",
        now=resources.clock.now(),
    )
    await open_room(resources, connection)
    await transact(
        resources.db,
        account_service.create_operator,
        email="op@example.com",
        name="Olga",
        password_hash="y",
        now=resources.clock.now(),
    )
    await write(resources, connection)
    assert await to_whom(connection) == [("password_changed", "op@example.com")]


async def test_a_refund_that_was_refused_is_told_to_its_buyer(
    resources: Resources, connection: Connection
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    order = await buy(resources, (shop, 1), tenders=(by_bank("tok_refund_declined"),))
    await ship(resources, order, shop)
    await open_room(resources, connection)
    given_back = await refund(resources, order, shop, units=1)
    assert given_back.status == "failed"
    await write(resources, connection)
    assert await to_whom(connection) == [("refund_failed", ADA)]
    await send(resources)
    [mail] = mails(resources)
    assert "Amount: €10.00 EUR" in text_of(mail)


async def test_a_gift_card_that_is_taken_back_is_told_to_who_bought_it(
    resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    who = await operator(resources)
    await open_room(resources, connection)
    order = await buy_card(resources, 5000)
    await take_back(resources, order, viewer=who)
    await write(resources, connection)
    assert await to_whom(connection) == [
        ("gift_card_bought", "giver@example.com"),
        ("refund_made", "giver@example.com"),
    ]
