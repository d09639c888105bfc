"""A shop's reserve, debts and accounts at providers; and people who belong to two shops."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.services import seller_member_service
from gosellr.utils.permissions import MemberRole
from gosellr.web.formats import format_when
from tests.factories.accounts import User, add_member, make_operator
from tests.factories.applications import caller_of
from tests.factories.balances import agree, approve, make_rule, prepare
from tests.factories.disputes import delivered, open_case
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, make_buyer, make_commission, make_shop, refund
from tests.integrations.stripe_api.account import Account
from tests.integrations.stripe_api.server import (
    NO_CONNECTION,
    SECRET,
    FakeStripe,
    make_gateway,
    make_payouts,
)
from tests.web.people import assert_sound, enter, open_page, post_without_token, statuses
from tests.web.visitor import HTML, Visitor


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A market that pays by Stripe."""
    own = {"stripe_secret_key": "sk_test_x", "stripe_webhook_secrets": (SECRET,)}
    return settings.model_copy(update={**own, "stripe_connect": True})


@pytest.fixture
async def stripe(clock: ManualClock) -> FakeStripe:
    return FakeStripe(Account(clock))


@pytest.fixture
async def market(
    resources: Resources, clock: ManualClock, stripe: FakeStripe
) -> AsyncIterator[Resources]:
    """The market before an empty account at Stripe."""
    gateway, provider = make_gateway(stripe, clock), make_payouts(stripe, clock)
    yield replace(
        resources,
        gateways={**resources.gateways, "stripe": gateway},
        payout_providers={**resources.payout_providers, "stripe": provider},
    )
    await gateway.aclose()
    await provider.aclose()


@pytest.fixture
async def visitor(market: Resources) -> AsyncIterator[Visitor]:
    async with caller_of(market) as caller:
        yield Visitor(caller)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


async def post(visitor: Visitor, path: str, **fields: str) -> httpx2.Response:
    """A form that the page doesn't offer, with a good token."""
    token = visitor.form("/theme").values["csrf_token"]
    return await visitor.client.post(path, data={"csrf_token": token, **fields}, headers=HTML)


async def complain(resources: Resources, connection: Connection, shop: Shop) -> UUID:
    """A buyer complains of what arrived; gives the case."""
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    folder = await open_case(resources, order, shop, viewer=buyer.viewer)
    return folder.dispute.id


async def test_the_reserve_is_told_by_its_two_parts_with_its_days(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    await make_rule(market, days=30)
    for _ in range(2):
        await earn(market, shop)
    await complain(market, connection, shop)
    await enter(visitor, market, shop.seller.owner)
    text = await open_page(visitor, f"/seller/{shop.seller.id}/money")
    held = await connection.fetchval("SELECT sum(amount_minor) FROM reserve_hold")
    assert held == 880
    for words in ("for a while, by a rule", "until its case is decided", "€8.80", "€4.40"):
        assert words in text, words
    assert "When what is kept back is free" in text
    first = await connection.fetchval("SELECT min(release_at) FROM reserve_hold")
    assert format_when(first, "date") in text
    assert "frozen by cases" not in text


async def test_debts_and_adjustments_are_told_to_the_shop(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    await set_account(market, shop)
    order = await earn(market, shop)
    await pay(market, shop)
    await refund(market, order, shop, units=1)
    await agree(market, shop, share_bps=2500)
    own = f"seller_available:{shop.seller.id}"
    given = await prepare(market, ("goodwill_cost", "debit", 500), (own, "credit", 500))
    await enter(visitor, market, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/debts"
    text = await open_page(visitor, page)
    for words in ("You owe", "€44.00", "25 % of what becomes available", "has adjusted nothing"):
        assert words in text, words
    await approve(market, given.id)
    text = await open_page(visitor, page)
    for words in ("Adjusted by the marketplace", "€5.00"):
        assert words in text, words
    adjusted = f"/seller/{shop.seller.id}/transactions?kind=adjusted"
    assert adjusted in text
    assert "Adjusted by the marketplace" in await open_page(visitor, adjusted)


async def test_who_owes_reads_what_is_done_with_what_becomes_available(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    await delivered(market, (shop, 1), buyer=await make_buyer(connection))
    await enter(visitor, market, shop.seller.owner)
    money = f"/seller/{shop.seller.id}/money"
    text = await open_page(visitor, money)
    assert "When it becomes available" in text
    assert "What you owe is paid from it" not in text
    own = f"seller_receivable:{shop.seller.id}"
    owed = await prepare(market, (own, "debit", 100), ("fee_income", "credit", 100))
    await approve(market, owed.id)
    assert "What you owe is paid from it" in await open_page(visitor, money)


async def test_the_button_says_what_is_left_of_it_after_a_debt(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    await set_account(market, shop)
    await earn(market, shop)
    money = f"/seller/{shop.seller.id}/money"
    await enter(visitor, market, shop.seller.owner)
    text = await open_page(visitor, money)
    assert "Pay out €44.00" in text
    assert "goes to what you owe first" not in text
    own = f"seller_receivable:{shop.seller.id}"
    owed = await prepare(market, (own, "debit", 4200), ("fee_income", "credit", 4200))
    await approve(market, owed.id)
    text = await open_page(visitor, money)
    assert "Pay out €2.00" in text
    assert "€42.00 of what is available goes to what you owe first" in text
    more = await prepare(market, (own, "debit", 200), ("fee_income", "credit", 200))
    await approve(market, more.id)
    text = await open_page(visitor, money)
    assert "Pay out €" not in text
    assert "€44.00 of what is available goes to what you owe first" in text


async def test_an_account_is_opened_told_and_looked_at_again(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop, stripe: FakeStripe
) -> None:
    await enter(visitor, market, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/payout-accounts"
    text = await open_page(visitor, page)
    assert "Not opened" in text
    assert f"{page}/stripe/refresh" not in text
    assert (await post(visitor, f"{page}/stripe/refresh")).status_code == 404
    for name in ("nobody", "sandbox"):
        assert (await post(visitor, f"{page}/{name}")).status_code == 404
    stripe.down = NO_CONNECTION
    await visitor.send(f"{page}/stripe")
    stripe.down = None
    assert visitor.page.status_code == 503
    assert_sound(visitor.text)
    assert "Nothing was changed" in visitor.text
    for visit in (1, 2):
        await visitor.send(f"{page}/stripe")
        assert visitor.page.status_code == 200
        assert_sound(visitor.text)
        [opened] = stripe.sellers.accounts.values()
        assert f"{opened['id']}/{visit}" in visitor.text
        await open_page(visitor, page)
    for words in ("Not ready yet", "Your bank account", "Your word on the provider"):
        assert words in visitor.text, words
    stripe.sellers.tell(opened)
    account_id = await connection.fetchval("SELECT id FROM connected_account")
    await visitor.go(f"/payout-accounts/{account_id}/return")
    assert visitor.path == page
    assert "you can be paid to it" in visitor.text
    assert "Ready" in visitor.text
    assert f'action="{page}/stripe"' not in visitor.text
    await visitor.send(f"{page}/stripe/refresh")
    assert "this is how the account stands now" in visitor.text
    finance = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.FINANCE)
    await enter(visitor, market, finance)
    text = await open_page(visitor, page)
    assert "Ready" in text
    assert (await post(visitor, f"{page}/stripe")).status_code == 403
    assert (await post_without_token(visitor, f"{page}/stripe/refresh")).status_code == 403
    await enter(visitor, market, await make_operator(connection, now=NOW))
    assert await statuses(visitor, [page]) == {404}


async def _of_two(connection: Connection, own: Shop, other: Shop, role: MemberRole) -> User:
    """The owner of one shop, who helps in another."""
    await seller_member_service.add_member(
        connection,
        viewer=other.viewer,
        seller_id=other.seller.id,
        email=own.seller.owner.email,
        role=role,
        now=NOW,
    )
    return own.seller.owner


async def test_a_role_in_one_shop_is_none_in_another(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=2000)
    await earn(market, other)
    await set_account(market, other)
    person = await _of_two(connection, shop, other, MemberRole.FULFILMENT)
    await enter(visitor, market, person)
    base = f"/seller/{other.seller.id}"
    pages = ("money", "payouts", "payout-settings", "payout-accounts", "debts", "transactions")
    assert await statuses(visitor, [f"{base}/{name}" for name in pages]) == {403}
    assert await statuses(visitor, [f"/seller/{shop.seller.id}/{name}" for name in pages]) == {200}
    await open_page(visitor, f"/seller/{shop.seller.id}/money")
    for path, fields in (
        (f"{base}/payouts", {"currency": "EUR", "key": "once"}),
        (f"{base}/payout-settings", {"schedule": "daily"}),
        (f"{base}/payout-account", {"method": "sandbox", "holder": "x", "password": "x"}),
        (f"{base}/payout-accounts/stripe", {}),
    ):
        assert (await post(visitor, path, **fields)).status_code == 403, path
    assert await connection.fetchval("SELECT count(*) FROM payout") == 0
    assert await connection.fetchval("SELECT count(*) FROM connected_account") == 0


async def test_what_is_another_shop_s_isn_t_shown_under_one_s_own(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=2000)
    person = await _of_two(connection, shop, other, MemberRole.OWNER)
    await earn(market, other)
    await set_account(market, other)
    payout = await pay(market, other)
    case_id = await complain(market, connection, other)
    await enter(visitor, market, person)
    # Theirs as well, but not under this shop's address.
    base, right = f"/seller/{shop.seller.id}", f"/seller/{other.seller.id}"
    paths = [f"payouts/{payout.id}", f"cases/{case_id}"]
    assert await statuses(visitor, [f"{right}/{path}" for path in paths]) == {200}
    assert await statuses(visitor, [f"{base}/{path}" for path in paths]) == {404}
    await open_page(visitor, f"{base}/money")
    for step, fields in (
        ("messages", {"body": "Look"}),
        ("accept", {}),
        ("escalate", {"reason": "so"}),
    ):
        answer = await post(visitor, f"{base}/cases/{case_id}/{step}", **fields)
        assert answer.status_code == 404, step
    assert await connection.fetchval("SELECT status FROM dispute") == "awaiting_seller"
