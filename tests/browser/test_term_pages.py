"""The pages of commission, of what takes two people and of released cards, and a refund's preview,
in both lights and on both screens."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from gosellr.core.clock import ManualClock
from gosellr.core.transact import transact
from gosellr.flows import card_releases
from gosellr.models.proposal_values import Proposal
from gosellr.resources import Resources
from gosellr.services import commission_proposals, gift_sale_service
from gosellr.utils.ids import order_number, parse_order_number
from tests.browser.conftest import PATIENCE_MS, Troubles
from tests.browser.market import Market
from tests.browser.money import sign_in
from tests.browser.test_pages import look, visitor
from tests.factories.accounts import User, make_operator
from tests.factories.gift_sales import offer_cards
from tests.factories.sales import Shop, buy, part_of, refund
from tests.factories.stored_value import make_card, operator

pytestmark = pytest.mark.browser

LOOKS = tuple((theme, size) for theme in ("light", "dark") for size in ("desktop", "phone"))
RULES, PROPOSALS = "/operator/commission-rules", "/operator/proposals"


@dataclass(frozen=True, slots=True)
class Terms:
    """Who looks, and what there is to see: a rule, a proposal of hers and of somebody else's."""

    olu: User
    rule_id: UUID
    proposal_id: UUID
    refund_path: str


@pytest.fixture(scope="module")
async def terms(market: Market) -> Terms:
    resources, now = market.resources, datetime.now(UTC)
    async with resources.db.connection() as connection:
        olu, runa = [await make_operator(connection, now=now) for _ in range(2)]
    shop = Shop(market.sellers["Kettle & Co"], market.products["Bread board in oak"])
    own = {"rate_bps": 800, "vat_bps": 2000, "seller_id": shop.seller.id}
    await propose(resources, olu, "Kettle & Co, founding member", own, takes_two=False)
    await propose(resources, olu, "Everything", {"rate_bps": 1250}, takes_two=False)
    order = await buy(resources, (shop, 3))
    other = Shop(market.sellers["Casa Verde"], market.products["Sunflower, one metre"])
    await refund(resources, await buy(resources, (other, 2)), other, units=1)
    made = await propose(resources, runa, "Above 500 euros", {"rate_bps": 600})
    await propose(resources, olu, "Plants", {"rate_bps": 900})
    assert isinstance(made, Proposal)
    await release(resources)
    rule_id = await market.value("SELECT id FROM commission_rule ORDER BY position LIMIT 1")
    assert isinstance(rule_id, UUID)
    part = part_of(order, shop)
    path = f"/operator/orders/{order_number(order.number)}/parts/{part.id}/refund"
    return Terms(olu, rule_id, made.id, path)


async def propose(
    resources: Resources, who: User, name: str, rule: dict[str, object], *, takes_two: bool = True
) -> object:
    return await transact(
        resources.db,
        commission_proposals.create,
        viewer=who.viewer,
        policy=replace(resources.policy, commission_approval=takes_two),
        position=None,
        name=name,
        terms=rule,
        reason="as agreed in spring",
        now=datetime.now(UTC),
    )


async def release(resources: Resources) -> None:
    """A card ran out, and what was on it isn't owed any more."""
    now = datetime.now(UTC)
    offer = await offer_cards(resources, valid_days=10)
    await transact(
        resources.db,
        gift_sale_service.set_offer,
        viewer=await operator(resources),
        offer=replace(offer, released_after_days=0),
    )
    await make_card(resources, 700, expires_at=now + timedelta(days=1))
    later = ManualClock(now + timedelta(days=2))
    await card_releases.release_due(db=resources.db, clock=later)


async def see_the_difference(page: Page) -> None:
    """Fill the simulator's form: what was just sold, one rule otherwise and one of a new kind."""
    await page.goto(f"{RULES}/simulate")
    today = datetime.now(UTC).date()
    # Midnight may have passed since it was sold.
    await page.get_by_label("Placed from").fill((today - timedelta(days=1)).isoformat())
    until = today + timedelta(days=1)
    await page.get_by_label("First day no longer counted").fill(until.isoformat())
    await page.get_by_label("Everything: in percent").fill("15")
    await page.get_by_role("button", name="Add a rule to try").click()
    await page.get_by_label("Of a sale, in percent").fill("5")
    await page.get_by_label("Place in the order").fill("1")
    await page.get_by_label("Shop").fill("kettle")
    await page.get_by_role("button", name="See the difference").last.click()
    await expect(page.get_by_role("table", name="Difference per seller")).to_be_visible()


async def look_before(page: Page, path: str) -> None:
    """Fill the form of a refund and see what it takes from whom."""
    await page.goto(path)
    await page.get_by_label("Bread board in oak").fill("1")
    await page.get_by_label("Why").fill("It came with a crack")
    await page.get_by_role("button", name="See what it takes from whom").click()
    await expect(page.get_by_role("heading", name="What it does")).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), LOOKS)
async def test_the_pages_of_terms_are_accessible(
    browser: Browser,
    market: Market,
    troubles: Troubles,
    axe: str,
    terms: Terms,
    theme: str,
    size: str,
) -> None:
    context = await visitor(browser, market, theme=theme, size=size)
    await sign_in(context, market, terms.olu)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    troubles.watch(page)
    pages = {
        "proposals": PROPOSALS,
        "proposal": f"{PROPOSALS}/{terms.proposal_id}",
        "commission": RULES,
        "commission-rule": f"{RULES}/{terms.rule_id}",
        "card-releases": "/operator/gift-card-releases",
        "simulator": f"{RULES}/simulate",
        "refund": terms.refund_path,
    }
    wrong: list[str] = []
    for name, path in pages.items():
        answer = await page.goto(path)
        if answer is None or answer.status != 200:
            wrong.append(f"{name}: {answer and answer.status}")
        wrong += await look(page, f"terms-{name}-{theme}-{size}", axe)
    await see_the_difference(page)
    wrong += await look(page, f"terms-simulated-{theme}-{size}", axe)
    await look_before(page, terms.refund_path)
    wrong += await look(page, f"terms-refund-preview-{theme}-{size}", axe)
    await context.close()
    assert wrong == []


async def test_a_refund_is_looked_at_and_then_confirmed(
    browser: Browser, market: Market, troubles: Troubles, terms: Terms
) -> None:
    context = await visitor(browser, market, theme="light", size="phone")
    await sign_in(context, market, terms.olu)
    page = await context.new_page()
    troubles.watch(page)
    await look_before(page, terms.refund_path)
    number = parse_order_number(terms.refund_path.split("/")[3])
    refunds = (
        "SELECT array_agg(amount_minor) FROM refund"
        " WHERE order_id = (SELECT id FROM orders WHERE number = $1)"
    )
    assert await market.value(refunds, number) is None
    # One board of 28.90, with the tax on it.
    await page.get_by_role("button", name="Refund €").click()
    await page.wait_for_url("**/operator/orders/GS-*")
    assert await market.value(refunds, number) == [2890]
    await context.close()
