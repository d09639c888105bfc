"""A case that an operator decides for the buyer: above the limit of refunds it takes two."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed
from gosellr.jobs import upkeep
from gosellr.models.dispute_values import DisputeFolder
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import proposal_service
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import MemberRole, Role
from gosellr.web.binding import proposals as binding
from tests.api.by_two.desk import LIMIT, Call, calls
from tests.factories.accounts import User, add_member, make_operator
from tests.factories.disputes import accept, delivered, escalate, open_case, reread, say
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, make_buyer, make_shop, read, refund
from tests.factories.transfers import doors
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

WHY = "The picture shows it"


@pytest.fixture
def market(resources: Resources) -> Resources:
    """Above 49.99 of an order a second person has to agree."""
    limits: dict[str, Any] = {"refund_approval_over": {"EUR": LIMIT}}
    return replace(resources, settings=resources.settings.model_copy(update=limits))


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def argued(market: Resources, shop: Shop, buyer: User) -> tuple[Order, DisputeFolder]:
    """100.00 that are argued about, and that an operator is asked to decide."""
    order = await delivered(market, (shop, 2), buyer=buyer)
    case = await open_case(market, order, shop, viewer=buyer.viewer)
    await say(market, case, viewer=shop.viewer, answer=True)
    return order, await escalate(market, case, viewer=buyer.viewer)


async def decide(who: Call, case: DisputeFolder, amount: int, key: str) -> httpx2.Response:
    body = {"amount": {"amount": amount, "currency": "EUR"}, "reason": WHY}
    return await who(f"/disputes/{case.dispute.id}/decide", body, key=key)


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_two_people_decide_and_the_time_to_appeal_begins_then(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    buyer: User,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    order, case = await argued(market, shop, buyer)
    answer = await decide(first, case, 8_000, "once")
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["subject"]) == ("dispute_award", f"dispute:{case.dispute.id}")
    assert made["reason"] == WHY
    assert made["wish"] == {
        "order_id": str(order.id), "order_number": order_number(order.number),
        "buyer_id": str(buyer.id), "currency": "EUR", "award_minor": 8_000, "amount_minor": 8_000,
        "argued_minor": 10_000, "given_minor": 0, "gives_minor": 8_000, "is_final": False,
    }  # fmt: skip
    assert (await reread(market, case)).dispute == case.dispute, "nothing has changed"
    for key in ("once", "twice"):
        assert (await decide(first, case, 8_000, key)).json() == made
    assert refused(await decide(second, case, 9_000, "other")) == (409, "proposal_waits")
    path = f"/proposals/{made['id']}/approve"
    assert refused(await first(path)) == (403, "not_allowed")
    page, visitor = f"/operator/cases/{case.dispute.id}", Visitor(web)
    await enter(visitor, market, people[1])
    text = await open_page(visitor, page)
    assert "waits for a second person: decision of a case" in text
    text = await open_page(visitor, f"/operator/proposals/{made['id']}")
    for words in ("Decision of a case", "€80.00", "Of what is argued about", "€100.00", WHY):
        assert words in text, words
    # Two weeks later nobody has decided: an operator's silence decides nothing.
    clock.advance(timedelta(days=14))
    await upkeep.work_off_disputes(market)
    assert (await reread(market, case)).dispute.status == "under_review"
    for _ in range(2):
        assert (await second(path)).status_code == 200
    decided = (await reread(market, case)).dispute
    assert (decided.status, decided.award_minor, decided.outcome) == ("decided", 8_000, "split")
    assert decided.due_at is not None
    assert decided.due_at > clock.now() + timedelta(days=2), "all of the time to appeal is ahead"
    clock.advance(timedelta(days=7))
    await upkeep.work_off_disputes(market)
    [given] = (await read(market, order)).refunds
    assert (given.amount_minor, given.status, given.given_alone_minor) == (8_000, "succeeded", 0)
    assert (await reread(market, case)).dispute.status == "closed"
    assert await wrong_with(connection, market) == []


async def test_what_both_sides_would_read_is_part_of_what_is_proposed(
    market: Resources, connection: Connection, shop: Shop, buyer: User, first: Call
) -> None:
    _, case = await argued(market, shop, buyer)
    made = (await decide(first, case, 8_000, "once")).json()
    body = {"amount": {"amount": 8_000, "currency": "EUR"}, "reason": "The hole was there before"}
    other = await first(f"/disputes/{case.dispute.id}/decide", body, key="twice")
    assert refused(other) == (409, "proposal_waits")
    assert other.json()["proposal_id"] == made["id"]
    assert await connection.fetchval("SELECT reason FROM proposal") == WHY


async def test_an_appealed_case_that_two_decide_is_final_and_refunded(
    market: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    first: Call,
    second: Call,
) -> None:
    order, case = await argued(market, shop, buyer)
    assert (await decide(first, case, LIMIT, "small")).status_code == 200
    case = await escalate(market, case, viewer=buyer.viewer)
    made = (await decide(first, case, 10_000, "large")).json()
    assert made["wish"]["is_final"] is True
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    [given] = (await read(market, order)).refunds
    assert (given.amount_minor, given.status, given.given_alone_minor) == (10_000, "succeeded", 0)
    assert (await reread(market, case)).dispute.status == "closed"
    assert await wrong_with(connection, market) == []


async def test_who_agrees_reads_all_that_they_agree_to(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    people: tuple[User, User],
    first: Call,
) -> None:
    _, case = await argued(market, shop, buyer)
    once = (await decide(first, case, 8_000, "once")).json()
    _, case = await argued(market, shop, buyer)
    assert (await decide(first, case, LIMIT, "small")).status_code == 200
    await escalate(market, case, viewer=buyer.viewer)
    last = (await decide(first, case, 8_000, "large")).json()
    visitor = await enter(Visitor(web), market, people[1])
    text = await open_page(visitor, f"/operator/proposals/{once['id']}")
    assert "Either side may appeal" in text
    assert "went back before" not in text
    text = await open_page(visitor, f"/operator/proposals/{last['id']}")
    assert "It is final: the money moves at once" in text
    # What a provider refused in part leaves the rest of an award given.
    found = await proposal_service.find(connection, proposal_id=UUID(last["id"]))
    found = replace(found, wish={**found.wish, "given_minor": 1_200})
    seen = binding.proposal(found, names={}, viewer_id=None, may_decide=False, form=None)
    assert [(one.label, one.after) for one in seen.changes] == [
        ("Amount", "€80.00"), ("Of what is argued about", "€100.00"),
        ("Of that went back before", "€12.00"), ("What the buyer would get", "€80.00"),
        ("For order", found.wish["order_number"]),
        ("Then", "It is final: the money moves at once"),
    ]  # fmt: skip


async def test_what_went_back_beside_the_case_changes_what_was_agreed_to(
    market: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    first: Call,
    second: Call,
) -> None:
    order, case = await argued(market, shop, buyer)
    made = (await decide(first, case, 8_000, "once")).json()
    # The shop gives 60.00 by itself: the same award would bring the buyer 40.00 more, not 80.00.
    await refund(market, order, shop, amount_minor=6_000)
    assert refused(await second(f"/proposals/{made['id']}/approve")) == (409, "award_changed")
    assert (await reread(market, case)).dispute.status == "under_review"


async def test_what_one_decides_counts_with_what_operators_give_back_alone(
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    buyer: User,
    first: Call,
    second: Call,
) -> None:
    order, case = await argued(market, shop, buyer)
    assert (await decide(second, case, 3_000, "once")).status_code == 200
    part = str(order.parts[0].id)
    body = {"seller_order_id": part, "amount": {"amount": 2_000, "currency": "EUR"}, "reason": "x"}
    shown = await first(f"/orders/{order.id}/refunds/preview", body)
    assert shown.json()["needs_second_person"] is True, "it may still be appealed, and counts"
    asked = await first(f"/orders/{order.id}/refunds", body, key="early")
    assert (asked.status_code, asked.json()["kind"]) == (202, "refund")
    reject = f"/proposals/{asked.json()['id']}/reject"
    assert (await second(reject, {"reason": "not now"})).status_code == 200
    clock.advance(timedelta(days=7))
    await upkeep.work_off_disputes(market)
    [given] = (await read(market, order)).refunds
    assert (given.amount_minor, given.given_alone_minor) == (3_000, 3_000)
    asked = await first(f"/orders/{order.id}/refunds", body, key="late")
    assert (asked.status_code, asked.json()["kind"]) == (202, "refund")
    small = {**body, "amount": {"amount": 1_999, "currency": "EUR"}}
    assert (await first(f"/orders/{order.id}/refunds", small, key="small")).status_code == 201
    assert await wrong_with(connection, market) == []


async def test_a_case_that_has_moved_on_is_not_decided_by_what_was_proposed(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    buyer: User,
    first: Call,
    second: Call,
) -> None:
    order = await delivered(market, (shop, 2), buyer=buyer)
    case = await open_case(market, order, shop, viewer=buyer.viewer)
    made = (await decide(first, case, 8_000, "once")).json()
    path = f"/proposals/{made['id']}/approve"
    # The shop doesn't answer: its silence decides, whatever was proposed.
    clock.advance(timedelta(days=7))
    await upkeep.work_off_disputes(market)
    assert (await reread(market, case)).dispute.decided_by == "system"
    assert refused(await second(path)) == (409, "dispute_step_not_allowed")
    await escalate(market, case, viewer=shop.viewer)
    assert refused(await second(path)) == (409, "award_changed")
    assert (await second(f"/proposals/{made['id']}/reject", {"reason": "late"})).status_code == 200
    await accept(market, case, viewer=shop.viewer)
    assert refused(await decide(first, case, 8_000, "late")) == (409, "dispute_step_not_allowed")
    own = await make_operator(connection, now=NOW)
    theirs, other = await argued(market, shop, own)
    waits = (await decide(first, other, 8_000, "own")).json()
    party = calls(web, market, own)
    assert refused(await party(f"/proposals/{waits['id']}/approve")) == (403, "not_allowed")
    assert (await read(market, theirs)).refunds == ()
    assert await wrong_with(connection, market) == []


async def test_a_look_at_a_decision_says_that_it_takes_two(
    web: httpx2.AsyncClient,
    market: Resources,
    shop: Shop,
    buyer: User,
    people: tuple[User, User],
    first: Call,
) -> None:
    _, case = await argued(market, shop, buyer)
    path = f"/disputes/{case.dispute.id}/preview"
    for amount, takes_two in ((LIMIT, False), (LIMIT + 1, True)):
        shown = await first(path, {"amount": {"amount": amount, "currency": "EUR"}})
        assert shown.json()["needs_second_person"] is takes_two
    page = f"/operator/cases/{case.dispute.id}"
    visitor = await enter(Visitor(web), market, people[0])
    await open_page(visitor, page)
    await visitor.send(f"{page}/decide", amount="49.99", decision=WHY)
    assert "This needs a second person" not in visitor.text
    await visitor.send(f"{page}/decide", amount="80.00")
    assert_sound(visitor.text)
    for words in ("This needs a second person", "Propose to decide so", WHY, 'value="80.00"'):
        assert words in visitor.text, words
    await visitor.send(f"{page}/decide", sure="yes")
    assert visitor.path.startswith("/operator/proposals/")


async def test_what_one_decides_is_no_word_of_two_who_never_agreed(
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    buyer: User,
    first: Call,
    second: Call,
) -> None:
    other = await make_shop(connection)
    order = await delivered(market, (shop, 2), (other, 2), buyer=buyer)
    case, next_case = [
        await open_case(market, order, each, viewer=buyer.viewer) for each in (shop, other)
    ]
    assert (await decide(second, next_case, 3_000, "small")).status_code == 200
    waits = await decide(first, case, 4_000, "large")
    assert (waits.status_code, waits.json()["status"]) == (202, "prepared")
    # The appeal begins that case anew, and so what was decided there counts no more.
    await escalate(market, next_case, viewer=other.viewer)
    assert (await decide(second, case, 4_000, "alone")).status_code == 200
    clock.advance(timedelta(days=7))
    await upkeep.work_off_disputes(market)
    [given] = (await read(market, order)).refunds
    assert (given.amount_minor, given.given_alone_minor) == (4_000, 4_000)
    assert (await decide(second, next_case, 1_000, "more")).status_code == 202
    assert await wrong_with(connection, market) == []


async def test_an_operator_does_not_give_in_for_a_shop_beyond_what_one_gives_back(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    helper = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.MANAGER)
    both = replace(
        helper.viewer,
        roles=frozenset({Role.OPERATOR, Role.SELLER}),
        memberships={shop.seller.id: MemberRole.MANAGER},
    )
    order, case = await argued(market, shop, buyer)
    with pytest.raises(NotAllowed):
        await accept(market, case, viewer=both)
    await connection.execute(
        "UPDATE user_account SET roles = '{operator,seller}' WHERE id = $1", helper.id
    )
    visitor, page = Visitor(web), f"/seller/{shop.seller.id}/cases/{case.dispute.id}"
    await enter(visitor, market, helper)
    await open_page(visitor, page)
    await visitor.send(f"{page}/accept")
    assert (visitor.page.status_code, visitor.path) == (403, f"{page}/accept")
    assert "It is more than one operator gives back" in visitor.text
    assert (await reread(market, case)).dispute.status == "under_review"
    assert (await read(market, order)).refunds == ()
    # Half of it is as much as one operator gives back, and counts as that.
    limits: dict[str, Any] = {"refund_approval_over": {"EUR": 5_000}}
    above = replace(market, settings=market.settings.model_copy(update=limits))
    order = await delivered(above, (shop, 2), buyer=buyer)
    case = await open_case(above, order, shop, viewer=buyer.viewer, units=1)
    await accept(above, case, viewer=both)
    [given] = (await read(above, order)).refunds
    assert (given.amount_minor, given.given_alone_minor) == (5_000, 5_000)
    # Its owner and its own people give in as they like.
    manager = replace(both, roles=frozenset({Role.SELLER}))
    order, case = await argued(market, shop, buyer)
    await accept(market, case, viewer=manager)
    [given] = (await read(market, order)).refunds
    assert (given.amount_minor, given.given_alone_minor) == (10_000, 0)
    owner = replace(both, memberships={shop.seller.id: MemberRole.OWNER})
    order, case = await argued(market, shop, buyer)
    await accept(market, case, viewer=owner)
    [given] = (await read(market, order)).refunds
    assert (given.amount_minor, given.given_alone_minor) == (10_000, 0)
    assert await wrong_with(connection, market) == []
