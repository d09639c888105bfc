"""A case about some units of a line, and a refund of the same line beside it: each gives what it
says, as long as so much of the line is left."""

import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User
from tests.factories.disputes import (
    OPERATOR,
    accept,
    decide,
    delivered,
    open_case,
    pass_deadline,
    reread,
)
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import (
    Shop,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    seller_owes,
)
from tests.factories.stored_value import by_bank
from tests.factories.terms import make_tax

LINE = 5 * 1001


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """10.01 a piece, of which 9.00 are the seller's."""
    await make_tax(connection, rate_bps=1900)
    await make_commission(connection)
    return await make_shop(connection, price_minor=1001)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


@pytest.mark.parametrize("about", [1, 2, 4])
@pytest.mark.parametrize("refunded", [1, 3, 4, 5])
async def test_units_beside_are_other_units_while_there_are_any(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    about: int,
    refunded: int,
) -> None:
    order = await delivered(resources, (shop, 5), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=about)
    assert case.dispute.frozen_minor == about * 900
    await refund(resources, order, shop, units=refunded)
    beside = await reread(resources, case)
    assert beside.dispute.frozen_minor == min(about, 5 - refunded) * 900
    done = await accept(resources, case, viewer=shop.viewer)
    assert done.dispute.status == "closed"
    after = await read(resources, order)
    gone = min(5, refunded + about)
    assert (after.refunded_minor, after.lines[0].refunded_quantity) == (gone * 1001, gone)
    assert sum((await seller_owes(connection, shop)).values()) == (5 - gone) * 900
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("about", [1, 2, 4])
@pytest.mark.parametrize("refunded", [1, 4, 5])
async def test_units_beside_that_are_refused_are_frozen_again(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    about: int,
    refunded: int,
) -> None:
    tenders = (by_bank("tok_refund_declined"),)
    order = await delivered(resources, (shop, 5), buyer=buyer, tenders=tenders)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=about)
    assert (await refund(resources, order, shop, units=refunded)).status == "failed"
    assert (await reread(resources, case)).dispute.frozen_minor == about * 900
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("about", [1, 2, 4, 5])
@pytest.mark.parametrize("amount_minor", [1, 1001, 3003, 4500, LINE])
async def test_an_amount_beside_leaves_the_case_what_it_is_about(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    about: int,
    amount_minor: int,
) -> None:
    order = await delivered(resources, (shop, 5), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=about)
    await refund(resources, order, shop, amount_minor=amount_minor)
    done = await accept(resources, case, viewer=shop.viewer)
    assert (done.dispute.status, done.dispute.award_minor) == ("closed", about * 1001)
    after = await read(resources, order)
    assert after.refunded_minor == min(LINE, amount_minor + about * 1001)
    # All units of an award went back, also where their money had to come to its amount.
    assert after.lines[0].refunded_quantity == (0 if amount_minor == LINE else about)
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("about", [1, 2, 4])
@pytest.mark.parametrize("amount_minor", [1001, 4500, LINE])
async def test_goodwill_beside_counts_towards_what_is_awarded(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    about: int,
    amount_minor: int,
) -> None:
    order = await delivered(resources, (shop, 5), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=about)
    await refund(
        resources, order, shop, amount_minor=amount_minor, viewer=OPERATOR, by_marketplace=True
    )
    assert (await accept(resources, case, viewer=shop.viewer)).dispute.status == "closed"
    after = await read(resources, order)
    assert after.refunded_minor == min(LINE, amount_minor + about * 1001)
    assert await seller_owes(connection, shop) == {"pending": (5 - about) * 900}
    assert await wrong_with(connection, resources) == []


async def test_a_part_of_the_award_comes_to_what_was_said(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 5), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=2)
    await refund(resources, order, shop, amount_minor=2000)
    done = await pass_deadline(
        resources, await decide(resources, case, amount_minor=1900, viewer=an_operator())
    )
    assert (done.dispute.status, done.dispute.award_minor) == ("closed", 1900)
    assert (await read(resources, order)).refunded_minor == 3900
    assert await wrong_with(connection, resources) == []
