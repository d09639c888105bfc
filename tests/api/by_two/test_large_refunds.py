"""Large refunds by the word of two: what operators alone give back of one order ends at a limit."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.flows import bank_transfers
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import seller_member_service
from gosellr.services.refund_ways import Override
from gosellr.utils.permissions import MemberRole
from tests.api.by_two.desk import LIMIT, V1, Call, calls
from tests.factories.accounts import User, bearer, make_operator, make_support
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    balances,
    buy,
    make_buyer,
    make_shop,
    part_of,
    read,
    refund,
    ship,
)
from tests.factories.stored_value import by_bank, by_card, make_card
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of

Answer = httpx2.Response


@pytest.fixture
def market(resources: Resources) -> Resources:
    """Above 49.99 of an order a second person has to agree."""
    market = offline(resources)
    limit = {"refund_approval_over": {"EUR": LIMIT}}
    return replace(market, settings=market.settings.model_copy(update=limit))


@pytest.fixture
async def order(market: Resources, connection: Connection, shop: Shop) -> Order:
    """Three pieces of 50.00 each, delivered to somebody with an account."""
    bought = await buy(market, (shop, 3), buyer=await make_buyer(connection))
    await ship(market, bought, shop)
    return await read(market, bought)


async def ask_for(
    who: Call, order: Order, shop: Shop, *, key: str | None = None, path: str = "", **asked: Any
) -> Answer:
    """Ask for a free amount in cents, or for what `asked` says."""
    part = part_of(order, shop)
    if "amount" in asked:
        asked["amount"] = {"amount": asked["amount"], "currency": "EUR"}
    if "units" in asked:
        asked["items"] = [{"order_item_id": str(part.lines[0].id), "quantity": asked.pop("units")}]
    body = {"seller_order_id": str(part.id), "reason": "Arrived broken", **asked}
    more = {} if path else {"key": key or uuid4().hex}
    return await who(f"/orders/{order.id}/refunds{path}", body, **more)


def refused(answer: Answer) -> tuple[int, str]:
    """How it was refused."""
    return answer.status_code, answer.json()["code"]


async def test_two_people_give_a_large_refund(
    first: Call,
    second: Call,
    market: Resources,
    connection: Connection,
    people: tuple[User, User],
    shop: Shop,
    order: Order,
) -> None:
    before = await balances(connection)
    shown = (await ask_for(first, order, shop, units=2, path="/preview")).json()
    assert shown["needs_second_person"] is True
    answer = await ask_for(first, order, shop, units=2, key="once")
    assert answer.status_code == 202, answer.text
    made = answer.json()
    part, line = part_of(order, shop), part_of(order, shop).lines[0]
    assert (made["kind"], made["status"], made["reason"], made["hindrance"]) == (
        "refund", "prepared", "Arrived broken", None,
    )  # fmt: skip
    assert made["subject"] == f"refund_of:{part.id}"
    assert made["seller_ids"] == [str(shop.seller.id)]
    wish = made["wish"]
    assert (wish["order_id"], wish["seller_order_id"]) == (str(order.id), str(part.id))
    assert (wish["amount_minor"], wish["currency"]) == (10_000, "EUR")
    assert wish["lines"] == {
        str(line.id): {
            "quantity": 2, "amount_minor": 10_000, "tax_minor": 0, "promotion_minor": 0,
            "commission_minor": 1_000, "commission_vat_minor": 200,
        }
    }  # fmt: skip
    assert wish["effects"]["seller"]["pending_minor"] == 8_800
    assert [one["goes_to"] for one in wish["ways"]] == ["sandbox"]
    # Nothing has happened yet, and the same request again is told the same.
    assert await read(market, order) == order
    assert await balances(connection) == before
    again = await ask_for(first, order, shop, units=2, key="once")
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (
        202, made, "true",
    )  # fmt: skip

    assert refused(await first(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    assert await read(market, order) == order
    approved = await second(f"/proposals/{made['id']}/approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    after = await read(market, order)
    [given] = after.refunds
    assert (given.id, given.status, given.amount_minor) == (UUID(made["id"]), "succeeded", 10_000)
    assert (after.refunded_minor, given.given_alone_minor) == (10_000, 0)
    asked_by = await connection.fetchval("SELECT requested_by FROM refund")
    assert asked_by == people[0].id
    # Whoever says it again changes nothing, nor does whoever comes too late.
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    assert (await read(market, order)) == after
    facts = await connection.fetch(
        "SELECT type FROM outbox_event WHERE aggregate_id = $1 ORDER BY sequence", given.id
    )
    assert [row["type"] for row in facts] == [
        "proposal.prepared", "refund.requested", "proposal.approved", "refund.succeeded",
    ]  # fmt: skip
    assert await wrong_with(connection, market) == []


async def test_what_operators_alone_give_of_one_order_counts_together(
    first: Call, second: Call, market: Resources, connection: Connection, shop: Shop, order: Order
) -> None:
    for who, amount_minor in ((first, 2_000), (second, 2_000), (first, 999)):
        assert (await ask_for(who, order, shop, amount=amount_minor)).status_code == 201
    answer = await ask_for(second, order, shop, amount=1)
    assert (answer.status_code, answer.json()["wish"]["amount_minor"]) == (202, 1)
    asked = {"amount": 1, "borne_by": "marketplace"}
    shown = (await ask_for(first, order, shop, path="/preview", **asked)).json()
    assert shown["needs_second_person"] is True
    assert (await read(market, order)).refunded_minor == LIMIT
    # What two agreed to, and what its shop gave, is nobody's sole word; nor is another order.
    assert (await first(f"/proposals/{answer.json()['id']}/approve")).status_code == 200
    other = await buy(market, (shop, 1))
    await refund(market, other, shop, amount_minor=3_000)
    assert (await ask_for(first, other, shop, amount=2_000)).status_code == 201
    assert await wrong_with(connection, market) == []


async def test_a_part_of_each_shop_counts_against_the_whole_order(
    first: Call, market: Resources, connection: Connection, shop: Shop
) -> None:
    sibling = await make_shop(connection)
    order = await buy(market, (shop, 1), (sibling, 1))
    assert (await ask_for(first, order, shop, amount=3_000)).status_code == 201
    assert (await ask_for(first, order, sibling, amount=2_000)).status_code == 202
    # Each part may wait for a second person by itself.
    assert (await ask_for(first, order, shop, amount=2_000)).status_code == 202


async def test_what_a_provider_refused_went_nowhere(
    first: Call, market: Resources, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=[by_bank("tok_refund_declined")])
    for _ in range(3):
        failed = await ask_for(first, order, shop, amount=4_000)
        assert (failed.status_code, failed.json()["status"]) == (201, "failed")


async def test_what_a_shop_gives_back_is_its_own(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    people: tuple[User, User],
    first: Call,
    shop: Shop,
    order: Order,
) -> None:
    owner = calls(web, market, shop.seller.owner)
    shown = (await ask_for(owner, order, shop, units=1, path="/preview")).json()
    assert shown["needs_second_person"] is False
    assert (await ask_for(owner, order, shop, units=1)).status_code == 201
    # An operator may have let themselves in by every role but the owner's.
    for role, status in ((MemberRole.MANAGER, 403), (MemberRole.OWNER, 201)):
        await connection.execute("DELETE FROM seller_member WHERE user_id = $1", people[0].id)
        await seller_member_service.add_member(
            connection, viewer=shop.viewer, seller_id=shop.seller.id, email=people[0].email,
            role=role, now=NOW,
        )  # fmt: skip
        shown = await ask_for(first, order, shop, units=1, path="/preview")
        # What would be refused isn't shown as if it were proposed.
        assert shown.status_code == (403 if status == 403 else 200)
        assert (await ask_for(first, order, shop, units=1)).status_code == status
    assert (await read(market, order)).refunded_minor == 10_000


async def test_less_is_left_by_the_second_word(
    web: httpx2.AsyncClient,
    first: Call,
    second: Call,
    market: Resources,
    connection: Connection,
    people: tuple[User, User],
    shop: Shop,
    order: Order,
) -> None:
    async def hindrance(made: dict[str, Any]) -> str | None:
        headers = await bearer(market, people[1])
        found = (await web.get(f"{V1}/proposals/{made['id']}", headers=headers)).json()
        return None if found["hindrance"] is None else found["hindrance"]["code"]

    made = (await ask_for(first, order, shop, units=3)).json()
    assert await hindrance(made) is None
    # A scratch: three units give back as much less.
    await refund(market, order, shop, amount_minor=500)
    moved = await read(market, order)
    assert await hindrance(made) == "refund_changed"
    answer = await second(f"/proposals/{made['id']}/approve")
    assert refused(answer) == (409, "refund_changed")
    assert answer.json()["left"] == {"amount": 14_500, "currency": "EUR"}
    await refund(market, order, shop, units=1)
    assert await hindrance(made) == "refund_exceeds_paid"
    answer = await second(f"/proposals/{made['id']}/approve")
    assert refused(answer) == (409, "refund_exceeds_paid")
    assert len((await read(market, order)).refunds) == len(moved.refunds) + 1
    # It waits until somebody turns it down; then what is left may be asked for.
    waits = await ask_for(first, order, shop, units=2)
    assert refused(waits) == (409, "proposal_waits")
    assert waits.json()["proposal_id"] == made["id"]
    reason = {"reason": "Less is left"}
    assert (await second(f"/proposals/{made['id']}/reject", reason)).status_code == 200
    assert await hindrance(made) is None
    anew = (await ask_for(second, order, shop, units=2)).json()
    assert (await first(f"/proposals/{anew['id']}/approve")).status_code == 200
    after = await read(market, order)
    assert (after.payment_status, after.refunded_minor) == ("refunded", 15_000)
    assert await wrong_with(connection, market) == []


async def test_the_same_wish_of_the_same_person_waits_once(
    first: Call, second: Call, market: Resources, shop: Shop, order: Order
) -> None:
    one = await ask_for(first, order, shop, units=2, key="one")
    other = await ask_for(first, order, shop, units=2, key="other")
    assert (other.status_code, other.json()) == (202, one.json())
    assert refused(await ask_for(second, order, shop, units=2)) == (409, "proposal_waits")
    reused = await ask_for(first, order, shop, units=1, key="one")
    assert refused(reused) == (422, "idempotency_key_reused")
    assert (await read(market, order)).refunds == ()


async def test_who_bought_it_or_sold_it_is_neither_first_nor_second(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    people: tuple[User, User],
    first: Call,
    shop: Shop,
) -> None:
    buyer, clerk = [await make_operator(connection, now=NOW) for _ in range(2)]
    await seller_member_service.add_member(
        connection, viewer=shop.viewer, seller_id=shop.seller.id, email=clerk.email,
        role=MemberRole.VIEWER, now=NOW,
    )  # fmt: skip
    order = await buy(market, (shop, 2), buyer=buyer)
    sides = [calls(web, market, one) for one in (buyer, clerk)]
    for side in sides:
        assert refused(await ask_for(side, order, shop, units=2)) == (403, "not_allowed")
    made = (await ask_for(first, order, shop, units=2)).json()
    support = calls(web, market, await make_support(connection, now=NOW))
    for side in (*sides, support, calls(web, market, shop.seller.owner)):
        answer = await side(f"/proposals/{made['id']}/approve")
        assert refused(answer) == (403, "not_allowed")
        answer = await side(f"/proposals/{made['id']}/reject", {"reason": "no"})
        assert refused(answer) == (403, "not_allowed")
    assert (await read(market, order)).refunds == ()


async def test_a_currency_without_a_limit_takes_one(
    web: httpx2.AsyncClient, market: Resources, people: tuple[User, User], shop: Shop, order: Order
) -> None:
    market.settings.refund_approval_over.clear()
    alone = calls(web, market, people[0])
    given = await ask_for(alone, order, shop, units=3)
    assert (given.status_code, given.json()["status"]) == (201, "succeeded")
    [kept] = (await read(market, order)).refunds
    assert kept.given_alone_minor == 15_000


async def test_the_way_that_was_proposed_is_the_way_it_goes(
    first: Call, second: Call, market: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(market, 7_000)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 3), buyer=buyer, tenders=[by_card(code), by_bank()])
    card, bank = order.payments
    ways = [
        {"payment_id": str(card.id), "amount": {"amount": 3_000, "currency": "EUR"}},
        {"payment_id": str(bank.id)},
    ]
    for asked, from_card, from_bank in (
        ({"ways": ways}, 3_000, 2_000),
        ({"to": "first_paid"}, 7_000, 3_000),
    ):
        made = await ask_for(first, order, shop, units=1, **asked)
        assert made.status_code == 202, made.text
        assert (await second(f"/proposals/{made.json()['id']}/approve")).status_code == 200
        paid = (await read(market, order)).payments
        assert [one.refunded_minor for one in paid] == [from_card, from_bank]
    assert await wrong_with(connection, market) == []


async def test_a_named_payment_has_less_left_by_the_second_word(
    web: httpx2.AsyncClient,
    first: Call,
    second: Call,
    market: Resources,
    connection: Connection,
    shop: Shop,
) -> None:
    _, code = await make_card(market, 7_000)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 3), buyer=buyer, tenders=[by_card(code), by_bank()])
    ways = [
        {"payment_id": str(order.payments[0].id), "amount": {"amount": 5_000, "currency": "EUR"}}
    ]
    made = (await ask_for(first, order, shop, units=1, ways=ways)).json()
    assert (made["kind"], made["hindrance"]) == ("refund", None)
    await refund(market, order, shop, units=1, override=Override(first_paid_first=True))
    assert refused(await second(f"/proposals/{made['id']}/approve")) == (409, "refund_changed")
    headers = await bearer(market, await make_operator(connection, now=NOW))
    shown = (await web.get(f"{V1}/proposals/{made['id']}", headers=headers)).json()
    assert shown["hindrance"]["code"] == "refund_changed"
    assert (await read(market, order)).refunded_minor == 5_000


async def test_what_one_says_cannot_be_sent_counts_on(
    first: Call, market: Resources, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    await arrive(market, 5_000, text=transfer_of(order).gateway_reference or "")
    given = await ask_for(first, order, shop, amount=4_000)
    assert (given.status_code, given.json()["status"]) == (201, "pending")
    [waiting] = (await bank_transfers.list_to_send(market.transfers, cursor=None, limit=10)).items
    path = f"/bank-transfers/refunds/{waiting.refund.id}/failed"
    assert (await first(path, {"reason": "The account is closed"})).status_code == 200
    [back] = (await read(market, order)).refunds
    assert (back.status, back.settled_alone_minor) == ("failed", 4_000)
    # It may have been sent after all.
    assert (await ask_for(first, order, shop, amount=4_000)).status_code == 202
    assert (await ask_for(first, order, shop, amount=999)).status_code == 201


async def test_another_refund_turns_what_was_proposed_to_another_payment(
    web: httpx2.AsyncClient,
    first: Call,
    second: Call,
    market: Resources,
    connection: Connection,
    shop: Shop,
) -> None:
    _, code = await make_card(market, 7_000)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 3), buyer=buyer, tenders=[by_card(code), by_bank()])
    made = (await ask_for(first, order, shop, units=1)).json()
    assert [(one["goes_to"], one["amount_minor"]) for one in made["wish"]["ways"]] == [
        ("sandbox", 5_000)
    ]
    await refund(market, order, shop, units=1)
    before = await read(market, order)
    # The bank has 30.00 left: the rest would be spent by whoever holds the card.
    assert refused(await second(f"/proposals/{made['id']}/approve")) == (409, "refund_changed")
    headers = await bearer(market, await make_operator(connection, now=NOW))
    shown = (await web.get(f"{V1}/proposals/{made['id']}", headers=headers)).json()
    assert shown["hindrance"]["code"] == "refund_changed"
    assert await read(market, order) == before
