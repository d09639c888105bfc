"""Which letters follow from what happens in a market, and whom each of them reaches."""

from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import derived_token
from gosellr.core.transact import transact
from gosellr.flows import captures
from gosellr.flows.payout_withdrawals import WITHDRAWAL_TOKEN_PURPOSE
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import letters, upkeep
from gosellr.resources import Resources
from gosellr.services import seller_member_service, seller_service, work_queue_service
from gosellr.services.basket_service import Tender
from gosellr.services.seller_service import SellerStep
from gosellr.services.work_queue_service import AuditResult
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import make_operator, make_seller, make_user
from tests.factories.captures import at_shipment
from tests.factories.catalogue import make_product, variant_draft
from tests.factories.disputes import (
    OPERATOR,
    decide,
    delivered,
    escalate,
    open_case,
    pass_deadline,
    say,
    take_back,
)
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import (
    NOW,
    Shop,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    refund,
    ship,
    step,
)
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of

LOU = "lou@lamps.example"
# What follows two dashes is a signature only behind a blank.
BLANK = " "


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that: 44.00 for the shop."""
    await make_commission(connection)
    owner = await make_user(connection, now=NOW, name="Lou Lamp", email=LOU)
    seller = await make_seller(connection, now=NOW, name="Lamp House", owner=owner)
    draft = variant_draft(price_minor=5000, stock=100)
    return Shop(seller, await make_product(connection, seller=seller, variants=[draft]))


async def news(resources: Resources, connection: Connection) -> list[tuple[str, str]]:
    """Kind and recipient of the letters that were written since the last time; whoever a test
    needed is welcomed beside that."""
    before = len(await to_whom(connection))
    await write(resources, connection)
    return sorted(one for one in (await to_whom(connection))[before:] if one[0] != "welcome")


async def test_parcels_cancellations_and_refunds(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection)
    buyer = await make_buyer(connection)
    ada, other_mail = buyer.email, other.seller.owner.email
    order = await buy(resources, (shop, 2), (other, 1), buyer=buyer)
    await connection.execute("UPDATE orders SET email = $1", ada)
    await open_room(resources, connection)
    await ship(resources, order, shop, units=1)
    assert await news(resources, connection) == [("part_shipped", ada)]
    await cancel(resources, order, viewer=buyer.viewer, shop=other)
    assert await news(resources, connection) == [
        ("part_cancelled", ada),
        ("refund_made", ada),
        ("sale_cancelled", other_mail),
        ("sale_refunded", other_mail),
    ]
    await refund(resources, order, shop, units=1)
    assert await news(resources, connection) == [("refund_made", ada), ("sale_refunded", LOU)]
    await send(resources)
    said = {mail["Subject"].partition(": ")[2]: text_of(mail) for mail in mails(resources)}
    assert (
        "  1 × Lamp\n\n  Carrier: dhl\n  Tracking number: JD0001\n"
        in (said["a parcel is on its way"])
    )
    assert "  Reason: changed my mind\n" in said["a part of it is cancelled"]
    assert "  Amount: €50.00 EUR\n  From: Lamp House\n  Reason: broken\n" in text_of(
        next(mail for mail in mails(resources) if "From: Lamp House" in text_of(mail))
    )


async def test_an_order_by_bank_transfer(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    market = offline(resources)
    await open_room(market, connection)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    assert await news(market, connection) == [("transfer_instructions", "ada@example.com")]
    reference = transfer_of(order).gateway_reference or ""
    await send(market)
    [told] = mails(market)
    assert told["Subject"].endswith(": where to transfer €50.00 EUR")
    assert f"""\
  Amount: €50.00 EUR
  To: Market Halls Ltd
  IBAN: DE89370400440532013000
  BIC: COBADEFF
  Reference: {reference}
  To arrive by: 7 Mar 2026, 09:00 UTC

Your order:
""" in text_of(told)
    await arrive(market, 2_000, text=reference)
    assert await news(market, connection) == [("transfer_part_arrived", "ada@example.com")]
    await arrive(market, 3_000, text=reference)
    assert await news(market, connection) == [
        ("order_confirmed", "ada@example.com"),
        ("order_to_ship", LOU),
    ]
    # One that isn't paid in time: who was told to pay hears of it, and no shop.
    await buy(market, (shop, 1), tenders=BY_TRANSFER)
    await news(market, connection)
    clock.advance(timedelta(days=6))
    await upkeep.expire_holds(market)
    assert await news(market, connection) == [("part_cancelled", "ada@example.com")]


async def test_a_card_that_was_never_paid_with_is_no_letter(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await open_room(resources, connection)
    await buy(resources, (shop, 1), tenders=(Tender(method="sandbox", token="tok_declined"),))
    clock.advance(timedelta(hours=1))
    await upkeep.expire_holds(resources)
    assert await news(resources, connection) == []


async def test_money_that_is_taken_as_goods_leave(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    market = at_shipment(resources)
    await open_room(market, connection)
    order = await buy(market, (shop, 1))
    assert await news(market, connection) == [
        ("order_confirmed", "ada@example.com"),
        ("order_to_ship", LOU),
    ]
    clock.advance(timedelta(days=5))
    await captures.watch_authorizations(market.captures)
    assert await news(market, connection) == [("authorization_expiring", LOU)]
    await ship(market, order, shop)
    # What it pays for is told by the parcel, and nobody is told to send it again.
    assert await news(market, connection) == [("part_shipped", "ada@example.com")]


async def test_a_case_from_its_opening_to_its_end(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await connection.execute("UPDATE orders SET email = 'ada@example.com'")
    await open_room(resources, connection)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    ada = "ada@example.com"
    assert await news(resources, connection) == [("case_opened", ada), ("case_to_answer", LOU)]
    clock.advance(timedelta(minutes=1))
    await say(resources, case, viewer=buyer.viewer)
    assert await news(resources, connection) == [("case_message", LOU)]
    # A day before its time is over, and once.
    assert case.dispute.due_at is not None
    clock.set(case.dispute.due_at - timedelta(hours=25))
    await letters.remind_of_deadlines(resources)
    assert await news(resources, connection) == []
    clock.advance(timedelta(hours=2))
    for _ in range(2):
        await letters.remind_of_deadlines(resources)
    assert (await to_whom(connection))[-1] == ("case_deadline_near", LOU)
    before = len(await to_whom(connection))
    await say(resources, case, viewer=shop.viewer, answer=True)
    assert await news(resources, connection) == [("case_answered", ada)]
    assert len(await to_whom(connection)) == before + 1
    await escalate(resources, case, viewer=buyer.viewer)
    await decide(resources, case, share_bps=5000)
    assert await news(resources, connection) == [("case_decided", ada), ("case_decided", LOU)]
    await pass_deadline(resources, case)
    assert await news(resources, connection) == [
        ("case_closed", ada),
        ("case_closed", LOU),
        ("refund_made", ada),
        ("sale_refunded", LOU),
    ]


async def test_payouts_arrive_or_fail(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    await open_room(resources, connection)
    await pay(resources, shop)
    assert await news(resources, connection) == [("payout_paid", LOU)]
    await send(resources)
    assert mails(resources)[0]["Subject"] == "Payout of €44.00 EUR"
    assert "  Amount: €44.00 EUR\n  To the account that ends with: 3000\n" in text_of(
        mails(resources)[0]
    )


async def test_a_payout_that_failed(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await set_account(resources, shop, Behaviour.DECLINE)
    await earn(resources, shop)
    await open_room(resources, connection)
    await pay(resources, shop)
    assert await news(resources, connection) == [("payout_failed", LOU)]


async def change_email(resources: Resources, shop: Shop, email: str) -> None:
    await transact(
        resources.db,
        seller_service.update_seller,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        changes={"email": email},
        version=None,
        now=resources.clock.now(),
    )


async def test_a_new_account_for_payouts_is_told_to_the_old_contact_with_the_end_of_its_hold(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    await change_email(resources, shop, "shop@lamps.example")
    clock.advance(timedelta(days=31))
    await open_room(resources, connection)
    # Whoever got in gives the shop another address first, and then another account.
    await change_email(resources, shop, "SHOP@lamps.example")
    assert await news(resources, connection) == []
    await change_email(resources, shop, "eve@evil.example")
    assert await news(resources, connection) == [("shop_contact_changed", "SHOP@lamps.example")]
    clock.advance(timedelta(hours=1))
    await set_account(resources, shop, Behaviour.DECLINE)
    assert await news(resources, connection) == [
        ("payout_account_changed", "SHOP@lamps.example"),
        ("payout_account_changed", "eve@evil.example"),
        ("payout_account_changed", LOU),
    ]
    await send(resources)
    [told] = [
        mail
        for mail in mails(resources)
        if mail["To"] == "SHOP@lamps.example" and "paid to" in mail["Subject"]
    ]
    assert told["Subject"] == "The account that Lamp House is paid to was changed"
    row = await connection.fetchrow(
        "SELECT id, last_four FROM payout_destination WHERE replaced_at IS NULL"
    )
    assert row is not None
    destination_id, last_four = row
    token = derived_token(
        resources.secret_key, purpose=WITHDRAWAL_TOKEN_PURPOSE, subject=destination_id
    )
    assert (
        text_of(told)
        == f"""\
Hello Lamp House,

the account that you are paid to was changed.

  Before, it ended with: 3000
  Now it ends with: {last_four}
  Changed: 2 Apr 2026, 10:00 UTC
  Used from: 5 Apr 2026, 10:00 UTC

Until then nothing is paid to it. If this wasn't you or one of yours, withdraw it before, and tell \
the market.

Withdraw the change:
http://localhost:4004/payout-changes/{destination_id}?token={token}

It works once, until the account is used. The account before is paid to again then, and nothing is \
paid until an owner of the shop has said so with the password.

Your payout settings:
http://localhost:4004/seller/{shop.seller.id}/payout-settings

--{BLANK}
GoSellr
"""
    )


async def test_a_shop_hears_where_it_stands_and_who_joins_it_hears_so(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    joiner = await make_user(connection, now=NOW, name="Joe", email="joe@example.com")
    applied = await make_seller(connection, now=NOW, name="New Shop", status="applied")
    new_mail = applied.owner.email
    await open_room(resources, connection)
    await transact(
        resources.db,
        seller_member_service.add_member,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        email=joiner.email,
        role=MemberRole.VIEWER,
        now=resources.clock.now(),
    )
    assert await news(resources, connection) == [("member_added", "joe@example.com")]
    for one, reason in (
        (SellerStep.APPROVE, None),
        (SellerStep.SUSPEND, "parcels don't arrive"),
        (SellerStep.REINSTATE, None),
    ):
        await transact(
            resources.db,
            seller_service.move_seller,
            viewer=OPERATOR,
            seller_id=applied.id,
            step=one,
            reason=reason,
            now=resources.clock.now(),
        )
        assert await news(resources, connection) == [("shop_standing", new_mail)]
    await send(resources)
    by_subject = {mail["Subject"]: text_of(mail) for mail in mails(resources)}
    assert {"New Shop may sell", "New Shop is suspended", "New Shop may sell again"} < set(
        by_subject
    )
    assert "  Reason: parcels don't arrive\n" in by_subject["New Shop is suspended"]


async def test_operators_hear_of_chargebacks_and_of_what_the_audit_found(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await make_operator(connection, now=NOW, email="olga@example.com")
    order = await buy(resources, (shop, 1))
    await open_room(resources, connection)
    await take_back(resources, order, fee_minor=1500)
    assert await news(resources, connection) == [
        ("case_to_answer", LOU),
        ("chargeback_opened", "olga@example.com"),
    ]
    found = AuditResult(at=resources.clock.now(), findings={"the ledger balances": 2})
    for tells in (False, True):
        await transact(resources.db, work_queue_service.remember_audit, result=found, tells=tells)
        expected = [("audit_found", "olga@example.com")] if tells else []
        assert await news(resources, connection) == expected
    await send(resources)
    said = {mail["Subject"]: text_of(mail) for mail in mails(resources)}
    assert "  the ledger balances: 2 rows\n" in said["The audit found 1 broken invariant"]


HOSTILE = "Lamp\r\nBcc: eve@example.com\u202e\u2028<script> 4242 4242 4242 4242"


async def test_what_people_wrote_is_no_header_and_no_markup(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    order = await buy(resources, (shop, 1))
    await connection.execute("UPDATE seller SET name = $1", HOSTILE)
    await connection.execute(
        "UPDATE orders SET shipping_address = shipping_address || $1", {"name": HOSTILE}
    )
    await connection.execute("UPDATE order_line SET title = $1", HOSTILE)
    await ship(resources, order, shop)
    await transact(
        resources.db,
        seller_service.move_seller,
        viewer=OPERATOR,
        seller_id=shop.seller.id,
        step=SellerStep.SUSPEND,
        reason=HOSTILE,
        now=resources.clock.now(),
    )
    await write(resources, connection)
    await send(resources)
    found: list[Any] = mails(resources)
    assert len(found) == 4
    plain = "Lamp Bcc: eve@example.com <script> …4242"
    subjects = [mail["Subject"] for mail in found]
    assert f"{plain} is suspended" in subjects
    for mail in found:
        assert mail["Bcc"] is None
        assert mail["To"] in ("ada@example.com", LOU)
        assert "\u202e" not in mail.as_string()
        assert "4242 4242" not in mail.as_string()
        assert f"{plain}" in text_of(mail)
        html = mail.get_body(("html",)).get_content()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


async def test_a_step_that_concerns_nobody_is_no_letter(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    await open_room(resources, connection)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    assert await news(resources, connection) == []
