"""Money that a person says has come, is somebody's, or went back: by the word of two above the
market's limit."""

from dataclasses import replace
from typing import Any

import httpx2

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import reconciliation_service
from gosellr.utils.reconciliation import MovementKind, Resolution
from tests.api.by_two.desk import LIMIT, RECEIPTS, V1, WRONG, Call
from tests.factories.accounts import User, bearer
from tests.factories.disputes import OPERATOR
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, balances, buy, read
from tests.factories.transfers import BY_TRANSFER, PAYER_IBAN, transfer_of
from tests.web.people import enter, open_page
from tests.web.visitor import Visitor


def told(reference: str, amount: int, name: str = "IN-1") -> dict[str, Any]:
    return {
        "reference": reference,
        "amount": {"amount": amount, "currency": "EUR"},
        "value_date": "2026-03-03",
        "transaction_id": name,
        "payer_name": "Ada Lovelace",
        "payer_iban": PAYER_IBAN,
    }


def reference_of(order: Order) -> str:
    return transfer_of(order).gateway_reference or ""


def a_bonus(name: str, amount_minor: int) -> NewMovement:
    """What a provider gives, and nobody knows for what."""
    return NewMovement(
        reference=name,
        kind=MovementKind.OTHER,
        currency="EUR",
        amount_minor=amount_minor,
        occurred_at=NOW,
    )


async def moved(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM provider_movement")
    return count


async def test_a_large_transfer_is_taken_by_the_word_of_two(
    market: Resources, connection: Connection, shop: Shop, first: Call, second: Call
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    receipt = told(reference_of(order), 5_000)
    proposed = await first(RECEIPTS, receipt)
    assert proposed.status_code == 202, proposed.text
    payer = "SELECT payer_encrypted FROM provider_movement"
    sealed = await connection.fetchval("SELECT secret_encrypted FROM proposal")
    assert b"iban" not in sealed
    found = proposed.json()
    assert (found["kind"], found["status"]) == ("receipt", "prepared")
    assert found["seller_ids"] == [str(shop.seller.id)]
    assert PAYER_IBAN not in proposed.text
    assert "Ada" not in proposed.text
    # The same once more is the same; somebody else's word, or another amount, isn't.
    assert (await first(RECEIPTS, receipt)).json()["id"] == found["id"]
    other = await second(RECEIPTS, receipt)
    assert (other.status_code, other.json()["code"]) == (409, "proposal_waits")
    assert (await read(market, order)).status == "pending_payment"
    assert (await balances(connection), await moved(connection)) == ({}, 0)
    approve = f"/proposals/{found['id']}/approve"
    assert (await first(approve)).status_code == 403
    assert (await balances(connection), await moved(connection)) == ({}, 0)
    assert (await second(approve)).status_code == 200
    assert (await second(approve)).status_code == 200
    paid = await read(market, order)
    assert (paid.status, paid.captured_minor) == ("paid", 5_000)
    assert await balances(connection) == {
        "gateway_clearing": 5_000,
        "seller_pending": -4_400,
        "commission": -500,
        "tax_payable": -100,
    }
    # Who sent it stands with the transfer now, and nowhere else.
    assert await connection.fetchval(payer) == sealed
    assert await connection.fetchval("SELECT secret_encrypted FROM proposal") is None
    # Known by now: nothing is proposed again.
    again = await first(RECEIPTS, receipt)
    assert (again.status_code, again.json()["known"]) == (201, True)
    assert (again.json()["id"], await moved(connection)) == (found["id"], 1)
    assert await wrong_with(connection, market) == []


async def test_up_to_the_limit_one_person_is_enough(
    market: Resources, connection: Connection, shop: Shop, first: Call
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    part = await first(RECEIPTS, told(reference_of(order), LIMIT))
    assert (part.status_code, part.json()["outcome"]) == (201, "part")
    assert await connection.fetchval("SELECT count(*) FROM proposal") == 0


async def test_a_table_is_its_makers_word(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    people: tuple[User, User],
    second: Call,
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    table = (
        "transaction_id,amount,currency,value_date,reference\n"
        f"IN-1,50.00,EUR,2026-03-03,{reference_of(order)}\n"
        "IN-2,49.99,EUR,2026-03-03,\n"
    ).encode()

    async def upload() -> dict[str, Any]:
        answer = await web.post(
            f"{V1}/bank-transfers/statements",
            files={"file": ("bank.csv", table)},
            headers=await bearer(market, people[0]),
        )
        assert answer.status_code == 201, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    taken = await upload()
    assert (taken["proposed"], taken["outcomes"]) == (1, {"unmatched": 1})
    assert (await read(market, order)).status == "pending_payment"
    [waits] = await connection.fetch("SELECT id FROM proposal")
    assert (await upload())["known"] == 1
    assert await connection.fetchval("SELECT count(*) FROM proposal") == 1
    assert (await second(f"/proposals/{waits['id']}/approve")).status_code == 200
    assert (await read(market, order)).status == "paid"
    taken = await upload()
    assert (taken["proposed"], taken["known"]) == (0, 2)
    assert await wrong_with(connection, market) == []


async def test_money_leaves_suspense_by_the_word_of_two(
    market: Resources, connection: Connection, shop: Shop, first: Call, second: Call
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    stranger = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    names = {}
    for name in ("IN-1", "IN-2", "IN-3"):
        # Wrong references are in suspense by themselves.
        made = await first(RECEIPTS, told(WRONG, 5_000, name))
        await second(f"/proposals/{made.json()['id']}/approve")
        names[name] = made.json()["id"]
    before = await balances(connection)
    assert before == {"gateway_clearing": 15_000, "suspense": -15_000}
    asked = {
        "assign": {"reference": reference_of(order)},
        "returned": {"transaction_id": "OUT-1", "sent_on": "2026-03-04"},
    }
    waiting = []
    for name, word in (("IN-1", "assign"), ("IN-2", "returned")):
        path = f"{RECEIPTS}/{names[name]}/{word}"
        proposed = await first(path, asked[word])
        assert proposed.status_code == 202, proposed.text
        assert (await first(path, asked[word])).json()["id"] == proposed.json()["id"]
        waiting.append(proposed.json()["id"])
    path = f"/reconciliation/movements/{names['IN-3']}/clear"
    cleared = await second(path, {"resolution": "income"})
    assert (cleared.status_code, cleared.json()["kind"]) == (202, "suspense_clearing")
    taken = await second(
        f"{RECEIPTS}/{names['IN-1']}/assign", {"reference": reference_of(stranger)}
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "proposal_waits")
    assert await balances(connection) == before
    for proposal_id in waiting:
        assert (await first(f"/proposals/{proposal_id}/approve")).status_code == 403
        assert (await second(f"/proposals/{proposal_id}/approve")).status_code == 200
    # Who told of the transfer may say what it was, as the second of two.
    assert (await first(f"/proposals/{cleared.json()['id']}/approve")).status_code == 200
    assert (await read(market, order)).status == "paid"
    assert await balances(connection) == {
        "gateway_clearing": 10_000,
        "seller_pending": -4_400,
        "commission": -500,
        "tax_payable": -100,
        "fee_income": -5_000,
    }
    gone = await first(path, {"resolution": "income"})
    assert (gone.status_code, gone.json()["code"]) == (409, "movement_not_open")
    assert await wrong_with(connection, market) == []


async def test_what_nobody_judged_leaves_suspense_by_the_word_of_two(
    market: Resources,
    connection: Connection,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    """Also what a provider told, which is judged by whoever put it there, if anybody did."""
    paths = {}
    for name, viewer in (("nobody", OPERATOR), ("one", people[0].viewer)):
        made = await transact(
            market.db,
            reconciliation_service.import_movements,
            gateway="sandbox",
            source="document",
            movements=[a_bonus(name, 5_000)],
            imported_by=None,
            now=NOW,
        )
        movement_id = await connection.fetchval(
            "SELECT id FROM provider_movement WHERE reference = $1", name
        )
        assert made.waiting == 1
        await transact(
            market.db,
            reconciliation_service.resolve,
            viewer=viewer,
            movement_id=movement_id,
            resolution=Resolution.SUSPENSE,
            note="asked the provider",
            policy=replace(market.policy, reconciliation_tolerance={"EUR": 5_000}),
            now=NOW,
        )
        paths[name] = f"/reconciliation/movements/{movement_id}/clear"
    before = {"gateway_clearing": 10_000, "suspense": -10_000}
    assert await balances(connection) == before
    proposed = await second(paths["nobody"], {"resolution": "income"})
    assert (proposed.status_code, proposed.json()["kind"]) == (202, "suspense_clearing")
    assert await balances(connection) == before
    assert (await first(f"/proposals/{proposed.json()['id']}/approve")).status_code == 200
    # Where one has said that it waits, another one is the second.
    assert (await second(paths["one"], {"resolution": "income"})).status_code == 200
    assert await balances(connection) == {"gateway_clearing": 10_000, "fee_income": -10_000}


async def test_nobody_says_that_their_own_shop_was_paid(
    market: Resources,
    connection: Connection,
    shop: Shop,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    await connection.execute(
        "INSERT INTO seller_member (seller_id, user_id, role, created_at)"
        " VALUES ($1, $2, 'viewer', $3)",
        shop.seller.id,
        people[1].id,
        NOW,
    )
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    receipt = told(reference_of(order), 5_000)
    assert (await second(RECEIPTS, receipt)).status_code == 403
    proposed = (await first(RECEIPTS, receipt)).json()
    assert (await second(f"/proposals/{proposed['id']}/approve")).status_code == 403
    assert (await balances(connection), await moved(connection)) == ({}, 0)
    # Nor that money of which nobody knew whose it is was meant for it.
    stray = (await first(RECEIPTS, told(WRONG, 5_000, "IN-2"))).json()
    assert (await second(f"/proposals/{stray['id']}/approve")).status_code == 200
    before = await balances(connection)
    path, named = (
        f"{RECEIPTS}/{stray['id']}/assign",
        {"reference": reference_of(order)},
    )
    assert (await second(path, named)).status_code == 403
    proposed = (await first(path, named)).json()
    assert proposed["seller_ids"] == [str(shop.seller.id)]
    for word, body in (("approve", None), ("reject", {"reason": "no"})):
        assert (await second(f"/proposals/{proposed['id']}/{word}", body)).status_code == 403
    assert await balances(connection) == before


async def test_on_their_pages_people_see_what_waits(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    people: tuple[User, User],
    first: Call,
    second: Call,
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    made = (await first(RECEIPTS, told(WRONG, 5_000))).json()
    await second(f"/proposals/{made['id']}/approve")
    visitor = Visitor(web)
    await enter(visitor, market, people[0])
    page = f"/operator/transfers/receipts/{made['id']}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/assign", reference=reference_of(order))
    assert "Nothing changes before a second person agrees" in visitor.text
    assert "€50.00" in visitor.text
    assert reference_of(order) in visitor.text
    proposal = visitor.path
    assert "waits for a second person: transfer for an order" in await open_page(visitor, page)
    await enter(visitor, market, people[1])
    await open_page(visitor, proposal)
    await visitor.send(f"{proposal}/approve")
    assert "It is approved, and done" in visitor.text
    assert (await read(market, order)).status == "paid"
