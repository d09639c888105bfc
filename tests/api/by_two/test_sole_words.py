"""What one person says of the bank's money counts together, for a day: cut into parts it is no
less, and above the market's limit it takes two, also for a refund that was sent by hand."""

from datetime import timedelta
from typing import Any

import httpx2

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import told_by_hand
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.bank_lines import BankLine
from tests.api.by_two.desk import LIMIT, RECEIPTS, V1, WRONG, Call
from tests.factories.accounts import User, bearer
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    balances,
    buy,
    read,
    refund,
)
from tests.factories.transfers import (
    BY_TRANSFER,
    IBAN,
    PAYER_IBAN,
    VALUE_DATE,
    arrive,
    transfer_of,
)
from tests.web.people import enter, open_page
from tests.web.visitor import Visitor


async def tell(
    call: Call, amount: int, name: str, *, reference: str = WRONG, currency: str = "EUR"
) -> httpx2.Response:
    return await call(
        RECEIPTS,
        {
            "reference": reference,
            "amount": {"amount": amount, "currency": currency},
            "value_date": "2026-03-03",
            "transaction_id": name,
        },
    )


async def test_what_one_person_says_in_a_day_counts_together(
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    first: Call,
    second: Call,
) -> None:
    assert (await tell(first, 3_000, "IN-1")).status_code == 201
    clock.advance(timedelta(hours=1))
    assert (await tell(first, 1_999, "IN-2")).status_code == 201
    # Said again it is the same, for whoever says it.
    for call in (first, first, second):
        again = await tell(call, 1_999, "IN-2")
        assert (again.status_code, again.json()["known"]) == (201, True)
    proposed = await tell(first, 1, "IN-3")
    assert (proposed.status_code, proposed.json()["wish"]["amount_minor"]) == (202, 1)
    # Everybody has their own word, and each currency; what has no limit has none.
    assert (await tell(second, LIMIT, "IN-4")).status_code == 201
    assert (await tell(first, 100_000, "IN-5", currency="USD")).status_code == 201
    # A day after each of them it counts no more.
    clock.advance(timedelta(hours=23) - timedelta(seconds=1))
    assert (await tell(first, 3_000, "IN-6")).status_code == 202
    clock.advance(timedelta(seconds=1))
    assert (await tell(first, 3_001, "IN-7")).status_code == 202
    assert (await tell(first, 3_000, "IN-8")).status_code == 201
    kept = await connection.fetchrow(
        "SELECT subjects, amounts_minor FROM sole_word WHERE 'bank_transfer:IN-8' = ANY(subjects)"
    )
    assert sorted(zip(*kept, strict=True)) == [
        ("bank_transfer:IN-2", 1_999),
        ("bank_transfer:IN-8", 3_000),
    ]
    assert await wrong_with(connection, market) == []


async def test_one_transfer_counts_once_however_often_it_is_spoken_of(
    market: Resources, connection: Connection, shop: Shop, first: Call, second: Call
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference
    made = (await tell(first, LIMIT, "IN-1")).json()
    assert (await tell(second, 1, "IN-2")).status_code == 201
    assigned = await first(f"{RECEIPTS}/{made['id']}/assign", {"reference": reference})
    assert (assigned.status_code, assigned.json()["order_id"]) == (200, str(order.id))
    # The other's word for it comes on top of what they have said.
    gone = {"transaction_id": "OUT-1", "sent_on": "2026-03-03"}
    proposed = await second(f"{RECEIPTS}/{made['id']}/returned", gone)
    assert (proposed.status_code, proposed.json()["kind"]) == (202, "receipt_return")
    cleared = await second(
        f"/reconciliation/movements/{made['id']}/clear", {"resolution": "income"}
    )
    assert (cleared.status_code, cleared.json()["code"]) == (409, "proposal_waits")
    assert (await first(f"/proposals/{proposed.json()['id']}/approve")).status_code == 200
    assert await balances(connection) == {"gateway_clearing": 1, "suspense": -1}


async def test_the_lines_of_a_table_count_together(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    people: tuple[User, User],
    first: Call,
) -> None:
    table = "transaction_id,amount,currency,value_date\n" + "".join(
        f"IN-{number},20.00,EUR,2026-03-03\n" for number in range(4)
    )
    answer = await web.post(
        f"{V1}/bank-transfers/statements",
        files={"file": ("bank.csv", table.encode())},
        headers=await bearer(market, people[0]),
    )
    assert answer.status_code == 201, answer.text
    assert (answer.json()["proposed"], answer.json()["outcomes"]) == (2, {"unmatched": 2})
    assert await balances(connection) == {"gateway_clearing": 4_000, "suspense": -4_000}
    assert (await tell(first, 999, "IN-9")).status_code == 201
    assert (await tell(first, 1, "IN-10")).status_code == 202


async def to_be_sent(
    market: Resources,
    connection: Connection,
    shop: Shop,
    *amounts: int,
    payer_iban: str | None = PAYER_IBAN,
) -> tuple[Order, list[str]]:
    """An order of 100.00 that was paid by transfer, and what of it has to be sent back."""
    order = await buy(market, (shop, 2), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference or ""
    await arrive(market, 10_000, text=reference, payer_iban=payer_iban)
    for amount_minor in amounts:
        await refund(market, order, shop, amount_minor=amount_minor)
    rows = await connection.fetch(
        "SELECT id FROM refund_part WHERE status = 'pending' ORDER BY created_at, id"
    )
    return order, [f"/bank-transfers/refunds/{row['id']}/sent" for row in rows]


def sent(name: str, **more: Any) -> dict[str, Any]:
    return {"transaction_id": name, "sent_on": "2026-03-03", **more}


async def test_a_large_refund_was_sent_by_the_word_of_two(
    market: Resources, connection: Connection, shop: Shop, first: Call, second: Call
) -> None:
    order, [path] = await to_be_sent(market, connection, shop, 5_000)
    before = await balances(connection)
    proposed = await first(path, sent("OUT-1"))
    assert proposed.status_code == 202, proposed.text
    found = proposed.json()
    assert (found["kind"], found["seller_ids"]) == ("hand_refund_sent", [str(shop.seller.id)])
    assert (found["wish"]["amount_minor"], found["wish"]["transaction_id"]) == (5_000, "OUT-1")
    # The same once more is the same; another name of it, or another person's word, isn't.
    assert (await first(path, sent("OUT-1"))).json()["id"] == found["id"]
    for call, name in ((first, "OUT-2"), (second, "OUT-1")):
        other = await call(path, sent(name))
        assert (other.status_code, other.json()["code"]) == (409, "proposal_waits")
    approve = f"/proposals/{found['id']}/approve"
    assert (await first(approve)).status_code == 403
    assert await balances(connection) == before
    assert (await read(market, order)).refunds[0].status == "pending"
    assert (await second(approve)).status_code == 200
    assert (await second(approve)).status_code == 200
    after = await read(market, order)
    assert (after.refunds[0].status, after.payments[0].refunded_minor) == ("succeeded", 5_000)
    assert (await balances(connection))["gateway_clearing"] == 5_000
    assert (await first(path, sent("OUT-1"))).json()["status"] == "succeeded"
    assert await wrong_with(connection, market) == []


async def test_small_refunds_count_with_what_else_was_said(
    market: Resources, connection: Connection, shop: Shop, first: Call, second: Call
) -> None:
    _, [one, two] = await to_be_sent(market, connection, shop, 2_500, 2_500)
    assert (await first(one, sent("OUT-1"))).status_code == 200
    assert (await first(one, sent("OUT-1"))).status_code == 200
    assert (await tell(first, 2_499, "IN-1")).status_code == 201
    assert (await first(two, sent("OUT-2"))).status_code == 202
    assert (await balances(connection))["refund_in_transit"] == -2_500


async def test_the_account_it_went_to_is_sealed_until_both_have_said_so(
    market: Resources,
    connection: Connection,
    shop: Shop,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    order, [path] = await to_be_sent(market, connection, shop, 5_000, payer_iban=None)
    unknown = await first(path, sent("OUT-1"))
    assert (unknown.status_code, unknown.json()["code"]) == (409, "refund_account_unknown")
    account = {"iban": PAYER_IBAN, "holder": "Ada"}
    proposed = await first(path, sent("OUT-1", account=account))
    assert (proposed.status_code, PAYER_IBAN in proposed.text) == (202, False)
    assert proposed.json()["wish"]["account_last_four"] == PAYER_IBAN[-4:]
    assert await connection.fetchval("SELECT count(*) FROM refund_account") == 0
    assert await wrong_with(connection, market) == []
    assert (await second(f"/proposals/{proposed.json()['id']}/approve")).status_code == 200
    kept = await connection.fetchrow("SELECT order_id, last_four, given_by FROM refund_account")
    assert tuple(kept) == (order.id, PAYER_IBAN[-4:], people[0].id)
    assert await connection.fetchval("SELECT secret_encrypted FROM proposal") is None
    shown = (await first(path, sent("OUT-1"))).json()
    assert (shown["status"], shown["account"]["iban"]) == ("succeeded", PAYER_IBAN)


async def test_nothing_is_agreed_to_that_was_said_otherwise_meanwhile(
    market: Resources, connection: Connection, shop: Shop, first: Call, second: Call
) -> None:
    _, [path] = await to_be_sent(market, connection, shop, 5_000)
    proposed = (await first(path, sent("OUT-1"))).json()
    failed = path.replace("/sent", "/failed")
    assert (await second(failed, {"reason": "its account is closed"})).status_code == 200
    late = await second(f"/proposals/{proposed['id']}/approve")
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    assert (await balances(connection))["gateway_clearing"] == 10_000
    word = {"reason": "it came back"}
    assert (await second(f"/proposals/{proposed['id']}/reject", word)).status_code == 200


async def test_nobody_says_that_a_refund_of_their_own_shop_was_sent(
    market: Resources,
    connection: Connection,
    shop: Shop,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    _, [path] = await to_be_sent(market, connection, shop, 5_000)
    await connection.execute(
        "INSERT INTO seller_member (seller_id, user_id, role, created_at)"
        " VALUES ($1, $2, 'viewer', $3)",
        shop.seller.id,
        people[1].id,
        NOW,
    )
    assert (await second(path, sent("OUT-1"))).status_code == 403
    proposed = (await first(path, sent("OUT-1"))).json()
    for word, body in (("approve", None), ("reject", {"reason": "no"})):
        answer = await second(f"/proposals/{proposed['id']}/{word}", body)
        assert answer.status_code == 403
    assert (await balances(connection))["refund_in_transit"] == -5_000


async def test_on_their_pages_people_see_that_a_refund_waits(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    people: tuple[User, User],
) -> None:
    order, [path] = await to_be_sent(market, connection, shop, 5_000)
    page = f"/operator/transfers/refunds/{path.split('/')[-2]}"
    visitor = Visitor(web)
    await enter(visitor, market, people[0])
    await open_page(visitor, page)
    await visitor.send(f"{page}/sent", transaction_id="OUT-1", sent_on="2026-03-02")
    assert "Nothing changes before a second person agrees" in visitor.text
    assert "Refund that was sent by hand" in visitor.text
    assert str(order.number) in visitor.text
    proposal = visitor.path
    assert "waits for a second person: refund that was sent by hand" in await open_page(
        visitor, page
    )
    await enter(visitor, market, people[1])
    await open_page(visitor, proposal)
    await visitor.send(f"{proposal}/approve")
    assert "It is approved, and done" in visitor.text
    assert (await read(market, order)).refunds[0].status == "succeeded"


async def test_a_bank_s_own_document_is_nobody_s_word(
    market: Resources, connection: Connection, people: tuple[User, User], first: Call
) -> None:
    lines = [
        BankLine(
            transaction_id=name,
            amount_minor=amount_minor,
            currency="EUR",
            value_date=VALUE_DATE,
            text=WRONG,
            account=account,
        )
        for name, amount_minor, account in (
            ("IN-1", 10_000, IBAN),
            ("IN-2", 3_000, None),
            ("IN-3", 3_000, IBAN),
            ("IN-4", 2_000, None),
        )
    ]
    taken = await told_by_hand.take_statement(
        market.transfers, viewer=people[0].viewer, lines=lines
    )
    # What names the account is taken whole, and counts for nobody.
    assert [one.transaction_id for one in taken.taken] == ["IN-1", "IN-2", "IN-3"]
    assert [one.wish["transaction_id"] for one in taken.proposed] == ["IN-4"]
    assert (await tell(first, 1_999, "IN-5")).status_code == 201
    assert await balances(connection) == {"gateway_clearing": 17_999, "suspense": -17_999}
