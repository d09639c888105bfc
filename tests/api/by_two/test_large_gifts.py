"""What operators give away at the market's cost: above the limit of a day it takes two."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.services import sole_word_service
from tests.api.by_two.desk import LIMIT, Call, calls
from tests.factories.accounts import User, make_operator, make_user
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, balances
from tests.factories.stored_value import credit_of
from tests.factories.transfers import doors
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

REASON = "Three parcels were lost"


def money(amount: int, currency: str = "EUR") -> dict[str, object]:
    return {"amount": amount, "currency": currency}


@pytest.fixture
def market(resources: Resources) -> Resources:
    """One person gives away 49.99 within a day at most."""
    limits: dict[str, Any] = {"gift_approval_over": {"EUR": LIMIT}}
    return replace(resources, settings=resources.settings.model_copy(update=limits))


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_user(connection, now=NOW)


async def grant(who: Call, buyer: User, amount: int, key: str, **more: Any) -> httpx2.Response:
    body = {"amount": money(amount, **more), "reason": REASON}
    return await who(f"/users/{buyer.id}/store-credit", body, key=key)


async def issue(who: Call, amount: int, key: str, **more: Any) -> httpx2.Response:
    return await who("/gift-cards", {"amount": money(amount), **more}, key=key)


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_two_people_grant_much_credit(
    market: Resources, connection: Connection, first: Call, second: Call, buyer: User
) -> None:
    answer = await grant(first, buyer, 5_000, "once")
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["status"], made["reason"]) == (
        "store_credit_granted", "prepared", REASON,
    )  # fmt: skip
    assert made["subject"] == f"store_credit:{buyer.id}"
    assert made["wish"] == {
        "receiver_id": str(buyer.id), "amount_minor": 5_000, "currency": "EUR",
    }  # fmt: skip
    assert (await credit_of(market, buyer), await balances(connection)) == ({}, {})
    for key in ("once", "twice"):
        assert (await grant(first, buyer, 5_000, key)).json() == made
    assert refused(await grant(first, buyer, 5_001, "more")) == (409, "proposal_waits")
    assert refused(await first(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    for _ in range(2):
        assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    assert await credit_of(market, buyer) == {"EUR": 5_000}
    assert await balances(connection) == {"promotion_cost": 5_000, "store_credit": -5_000}
    given = await grant(first, buyer, 5_000, "once")
    assert (given.status_code, given.headers["Idempotency-Replayed"]) == (201, "true")
    assert (given.json()["id"], given.json()["reason"]) == (made["id"], REASON)
    assert given.json()["granted_by"] == made["prepared_by"]
    assert await wrong_with(connection, market) == []


async def test_what_one_gives_away_in_a_day_counts_together(
    market: Resources, clock: ManualClock, first: Call, second: Call, buyer: User
) -> None:
    assert (await grant(first, buyer, 3_000, "a")).status_code == 201
    assert (await grant(first, buyer, 3_000, "a")).status_code == 201, "said again, it is one"
    assert (await issue(first, 1_999, "b")).status_code == 201
    waiting = await issue(first, 1, "c")
    assert (waiting.status_code, waiting.json()["kind"]) == (202, "gift_card_issued")
    assert (await issue(first, 1, "c")).json() == waiting.json()
    # Another person, another currency and another day are counted by themselves.
    assert (await grant(second, buyer, LIMIT, "d")).status_code == 201
    assert (await grant(first, buyer, 99_999, "e", currency="USD")).status_code == 201
    clock.advance(timedelta(hours=24))
    assert (await issue(first, LIMIT, "f")).status_code == 201
    assert await credit_of(market, buyer) == {"EUR": 7_999, "USD": 99_999}


async def test_what_is_given_away_counts_apart_from_what_is_said_of_transfers(
    market: Resources, connection: Connection, people: tuple[User, User]
) -> None:
    policy = replace(market.policy, transfer_approval_over={"EUR": LIMIT})

    async def is_enough(command: Any, subject: str, amount_minor: int) -> bool:
        enough: bool = await command(
            connection, viewer=people[0].viewer, subject=subject, amount_minor=amount_minor,
            currency="EUR", policy=policy, now=NOW,
        )  # fmt: skip
        return enough

    said, given = sole_word_service.suffices, sole_word_service.suffices_to_give
    assert await is_enough(said, "bank_transfer:1", 3_000)
    assert await is_enough(given, "gift_card:1", 4_000)
    assert await is_enough(said, "hand_refund:2", 1_999)
    assert await is_enough(given, "store_credit:2", 999)
    assert not await is_enough(said, "bank_transfer:3", 1)
    assert not await is_enough(given, "store_credit:3", 1)


async def test_a_card_that_took_two_tells_its_code_to_the_one_who_asked_for_it(
    market: Resources, connection: Connection, first: Call, second: Call
) -> None:
    terms = {"note": "A prize", "expires_at": "2027-01-01T00:00:00Z"}
    made = (await issue(first, 5_000, "once", **terms)).json()
    assert (made["reason"], made["subject"]) == ("A prize", f"gift_card:{made['id']}")
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 0
    path = f"/gift-cards/{made['id']}/code"
    assert refused(await first(path)) == (404, "not_found")
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    assert refused(await second(path)) == (403, "not_allowed")
    told = await first(path)
    assert told.status_code == 201, told.text
    card = told.json()
    assert (card["id"], card["amount"], card["balance"], card["note"]) == (
        made["id"], money(5_000), money(5_000), "A prize",
    )  # fmt: skip
    assert (card["issued_by"], card["status"]) == (made["prepared_by"], "active")
    assert card["code"][-4:] == card["last_four"]
    assert (await first("/gift-cards/check", {"code": card["code"]})).json()["balance"] == (
        money(5_000)
    )
    assert refused(await first(path)) == (409, "gift_card_code_told")
    assert (await issue(first, 5_000, "once", **terms)).json() == {**card, "code": None}
    assert await balances(connection) == {"promotion_cost": 5_000, "gift_card": -5_000}
    assert await wrong_with(connection, market) == []


async def test_a_card_that_would_be_over_is_not_made(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    ends = (clock.now() + timedelta(days=1)).isoformat()
    made = (await issue(first, 5_000, "once", expires_at=ends)).json()
    clock.advance(timedelta(days=1))
    assert refused(await second(f"/proposals/{made['id']}/approve")) == (409, "gift_card_over")
    page = f"/operator/proposals/{made['id']}"
    visitor = await enter(Visitor(web), market, people[1])
    assert "It can&#39;t be approved any more" in await open_page(visitor, page)
    await visitor.send(f"{page}/reject", reason="Too late")
    assert "It is turned down; nothing was changed." in visitor.text
    again = await issue(first, 5_000, "once", expires_at=ends)
    assert refused(again) == (422, "invalid_input")
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 0
    assert await balances(connection) == {}


async def test_nobody_agrees_to_what_they_would_be_given(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, first: Call, second: Call
) -> None:
    receiver = await make_operator(connection, now=NOW)
    made = (await grant(first, receiver, 5_000, "once")).json()
    own = calls(web, market, receiver)
    assert refused(await own(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    assert refused(await own(f"/proposals/{made['id']}/reject", {"reason": "no"})) == (
        403, "not_allowed",
    )  # fmt: skip
    assert (await second(f"/proposals/{made['id']}/reject", {"reason": "no"})).status_code == 200
    assert (await grant(first, receiver, 5_000, "once")).json()["status"] == "rejected"
    assert await credit_of(market, receiver) == {}


async def test_on_the_pages(
    web: httpx2.AsyncClient, market: Resources, people: tuple[User, User], buyer: User
) -> None:
    visitor = await enter(Visitor(web), market, people[0])
    page = f"/operator/credit/{buyer.id}"
    assert "One person alone gives away €49.99 within a day" in await open_page(visitor, page)
    await visitor.send(page, amount="50.00", currency="EUR", reason=REASON)
    credit = visitor.path
    assert credit.startswith("/operator/proposals/")
    assert "You proposed it" in visitor.text
    assert "waits for a second person: store credit" in await open_page(visitor, page)
    cards = "/operator/gift-cards"
    assert "One person alone gives away €49.99 within a day" in await open_page(visitor, cards)
    await visitor.send(cards, amount="60.00", currency="EUR", expires_on="2027-12-31", note="Won")
    card = visitor.path
    assert "There is no card" not in visitor.text
    await enter(visitor, market, people[1])
    text = await open_page(visitor, credit)
    for words in ("Store credit", "€50.00", buyer.email, REASON):
        assert words in text, words
    await visitor.send(f"{credit}/approve")
    assert "It is approved, and done." in visitor.text
    text = await open_page(visitor, card)
    for words in ("New gift card", "€60.00", "31 Dec 2027", "Won"):
        assert words in text, words
    await visitor.send(f"{card}/approve")
    made = f"{cards}/{card.rsplit('/', 1)[1]}"
    assert "Show its code" not in await open_page(visitor, made)
    await enter(visitor, market, people[0])
    await open_page(visitor, made)
    await visitor.send(f"{made}/code")
    assert_sound(visitor.text)
    assert "shown this once" in visitor.text
    assert "Show its code" not in await open_page(visitor, made)
    assert await credit_of(market, buyer) == {"EUR": 5_000}


async def test_a_form_that_was_turned_down_does_not_say_that_it_waits(
    web: httpx2.AsyncClient,
    market: Resources,
    people: tuple[User, User],
    buyer: User,
    second: Call,
) -> None:
    visitor = await enter(Visitor(web), market, people[0])
    wishes = {
        f"/operator/credit/{buyer.id}": {"reason": REASON},
        "/operator/gift-cards": {"note": "Won", "expires_on": "2027-12-31"},
    }
    for page, words in wishes.items():
        await open_page(visitor, page)
        typed = {**visitor.form(page).values, "amount": "50.00", "currency": "EUR", **words}
        await visitor.send(page, changes=typed)
        assert "It is proposed." in visitor.text
        proposed = visitor.path
        path = proposed.removeprefix("/operator")
        assert (await second(f"{path}/reject", {"reason": "no"})).status_code == 200
        await open_page(visitor, page)
        await visitor.send(page, changes=typed)
        assert visitor.path == proposed
        for words_told in ("Turned down", "You sent that form before"):
            assert words_told in visitor.text, words_told
        assert "It is proposed." not in visitor.text
