"""Letters from facts: each once, to whom they concern, whatever becomes of the post."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.identity import derived_token, new_id
from gosellr.core.transact import transact
from gosellr.flows import letters as flow
from gosellr.flows.checkout import ORDER_TOKEN_PURPOSE
from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.integrations.messages.port import Email, SendResult
from gosellr.jobs import letters as jobs
from gosellr.resources import Resources
from gosellr.services import letter_post
from gosellr.services.letter_post import HELD_FOR, KEPT_FOR, LetterNotDead
from gosellr.utils.letters import TRIES_MAX
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import make_seller, make_user
from tests.factories.catalogue import make_product, variant_draft
from tests.factories.letters import (
    mails,
    open_room,
    post_of,
    send,
    text_of,
    to_whom,
    write,
    written,
)
from tests.factories.payouts import an_operator
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_commission

LONG = timedelta(hours=13)
# What follows two dashes is a signature only behind a blank.
BLANK = " "


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that: 44.00 for the shop."""
    await make_commission(connection)
    owner = await make_user(connection, now=NOW, name="Lou Lamp", email="lou@lamps.example")
    seller = await make_seller(connection, now=NOW, name="Lamp House", owner=owner)
    draft = variant_draft(price_minor=5000, stock=100)
    return Shop(seller, await make_product(connection, seller=seller, variants=[draft]))


async def order_number_of(connection: Connection) -> str:
    number: int = await connection.fetchval("SELECT number FROM orders ORDER BY id DESC LIMIT 1")
    return f"GS-{10_000 + number}"


async def test_an_order_is_confirmed_to_its_guest_and_told_to_its_shop(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    order = await buy(resources, (shop, 2))
    await write(resources, connection)
    assert await to_whom(connection) == [
        ("order_confirmed", "ada@example.com"),
        ("order_to_ship", "lou@lamps.example"),
    ]
    await send(resources)
    number = await order_number_of(connection)
    token = derived_token(resources.secret_key, purpose=ORDER_TOKEN_PURPOSE, subject=order.id)
    confirmed, to_ship = mails(resources)
    assert confirmed["Subject"] == f"Your order {number}"
    assert (
        text_of(confirmed)
        == f"""\
Hello Ada Lovelace,

thank you: your order is paid, and its sellers are told to send it.

From Lamp House:

  2 × Lamp: €100.00
  Delivery: €0.00
  To be sent by: 5 Mar 2026, 09:00 UTC

  Total: €100.00 EUR

Your order:
http://localhost:4004/orders/{number}?token={token}

--{BLANK}
GoSellr
"""
    )
    assert to_ship["Subject"] == f"New order {number}-1: to be sent by 5 Mar 2026, 09:00 UTC"
    assert (
        text_of(to_ship)
        == f"""\
Hello Lamp House,

you have a new order to send. It is paid.

  2 × Lamp: €100.00

  Total: €100.00 EUR
  Yours of it: €88.00 EUR
  To be sent by: 5 Mar 2026, 09:00 UTC

The order:
http://localhost:4004/seller/{shop.seller.id}/orders/{number}

--{BLANK}
GoSellr
"""
    )
    for row in await written(connection):
        assert (row["status"], row["attempt_count"], row["next_try_at"]) == ("sent", 1, None)


async def test_who_signs_in_gets_a_link_without_a_key(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    await open_room(resources, connection)
    await buy(resources, (shop, 1), buyer=buyer)
    await write(resources, connection)
    await send(resources)
    number = await order_number_of(connection)
    assert f"http://localhost:4004/orders/{number}\n" in text_of(mails(resources)[0])


async def test_facts_are_served_once_even_when_they_are_told_again(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    opened = await connection.fetchval("SELECT position FROM mail_room WHERE tray = 'other'")
    await buy(resources, (shop, 1))
    first = await write(resources, connection)
    await jobs.write_letters(resources)
    await connection.execute("UPDATE mail_room SET position = $1", opened)
    assert await write(resources, connection) == first
    assert len(first) == 2


async def test_what_happened_before_the_room_opened_gets_no_letter(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    """Neither what was told before, nor what is told late, as a demo's months are."""
    await buy(resources, (shop, 1))
    await open_room(resources, connection)
    assert await written(connection) == []
    clock.advance(-timedelta(days=30))
    await buy(resources, (shop, 1))
    clock.advance(timedelta(days=30))
    assert await write(resources, connection) == []
    assert await connection.fetchval(
        "SELECT bool_and(position = (SELECT max(position) FROM outbox_feed)) FROM mail_room"
    )


@pytest.mark.case(35)
async def test_case_35_one_recipient_that_fails_costs_no_other_a_second_mail(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    for place in range(1, 11):
        name = f"b{place}+later" if place == 7 else f"b{place}"
        order = await buy(resources, (shop, 1))
        await connection.execute(
            "UPDATE orders SET email = $1 WHERE id = $2", f"{name}@example.com", order.id
        )
    await write(resources, connection)
    await connection.execute("DELETE FROM letter WHERE kind <> 'order_confirmed'")
    await send(resources)
    expected = [f"b{place}@example.com" for place in range(1, 11) if place != 7]
    assert [mail["To"] for mail in mails(resources)] == expected
    for _ in range(3):
        await send(resources, after=LONG)
    assert [mail["To"] for mail in mails(resources)] == expected
    tries = {row["recipient"]: row["attempt_count"] for row in await written(connection)}
    assert tries == {**dict.fromkeys(expected, 1), "b7+later@example.com": 4}
    # It is mended: the one gets its one.
    await connection.execute(
        "UPDATE letter SET recipient = 'b7@example.com' WHERE status = 'failed'"
    )
    await send(resources, after=LONG)
    assert sorted(mail["To"] for mail in mails(resources)) == sorted([*expected, "b7@example.com"])


class DyingPost(ConsoleMessages):
    """Takes a mail, and the process dies before anybody could write that down."""

    async def send_email(self, email: Email) -> SendResult:
        await super().send_email(email)
        raise ConnectionResetError


async def test_a_crash_after_sending_repeats_it_under_the_same_name(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await open_room(resources, connection)
    await buy(resources, (shop, 1))
    await write(resources, connection)
    dying = replace(resources, post=DyingPost(resources.settings.home, clock=clock))
    await connection.execute("DELETE FROM letter WHERE kind <> 'order_confirmed'")
    with pytest.raises(ConnectionResetError):
        await send(dying)
    [mail] = mails(resources)
    [row] = await written(connection)
    assert mail["Message-ID"] == f"<{row['effect_key']}@localhost>"
    assert (row["status"], row["attempt_count"]) == ("queued", 1)
    # Until it is taken for lost, nobody sends it again.
    heard: list[str] = []

    class ListeningPost(ConsoleMessages):
        async def send_email(self, email: Email) -> SendResult:
            heard.append(email.message_id)
            return await super().send_email(email)

    listening = replace(resources, post=ListeningPost(resources.settings.home, clock=clock))
    await send(listening, after=HELD_FOR - timedelta(seconds=1))
    assert heard == []
    await send(listening, after=timedelta(seconds=1))
    assert heard == [row["effect_key"]]
    [row] = await written(connection)
    assert (row["status"], row["attempt_count"]) == ("sent", 2)
    assert len(mails(resources)) == 1


async def test_an_answer_that_got_lost_is_asked_for_again(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await one_letter(resources, connection, shop, "ada+lost@example.com")
    await send(resources)
    [row] = await written(connection)
    assert (row["status"], row["last_error"]) == ("failed", "unknown: told to lose its answer")
    assert len(mails(resources)) == 1


async def one_letter(
    resources: Resources, connection: Connection, shop: Shop, recipient: str
) -> UUID:
    """One letter that waits, to this address."""
    await open_room(resources, connection)
    await buy(resources, (shop, 1))
    await write(resources, connection)
    await connection.execute("DELETE FROM letter WHERE kind <> 'order_confirmed'")
    letter_id: UUID = await connection.fetchval(
        "UPDATE letter SET recipient = $1 RETURNING id", recipient
    )
    return letter_id


async def test_what_the_post_will_never_take_waits_for_a_person(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    letter_id = await one_letter(resources, connection, shop, "ada+declined@example.com")
    await send(resources)
    [row] = await written(connection)
    assert (row["status"], row["next_try_at"]) == ("dead", None)
    assert row["last_error"] == "declined: told to say declined"
    await send(resources, after=timedelta(days=3))
    assert (await written(connection)) == [row]

    with pytest.raises(NotAllowed):
        await resend(resources, letter_id, viewer=shop.viewer)
    assert (await written(connection)) == [row]
    with pytest.raises(NotFound):
        await resend(resources, new_id(), viewer=an_operator())

    await connection.execute("UPDATE letter SET recipient = 'ada@example.com'")
    operator = an_operator()
    await resend(resources, letter_id, viewer=operator)
    with pytest.raises(LetterNotDead):
        await resend(resources, letter_id, viewer=operator)
    await send(resources)
    [row] = await written(connection)
    assert (row["status"], row["attempt_count"]) == ("sent", 2)
    assert (row["resent_by"], row["resent_at"]) == (operator.user_id, clock.now())
    with pytest.raises(LetterNotDead):
        await resend(resources, letter_id, viewer=operator)


async def resend(resources: Resources, letter_id: UUID, *, viewer: Viewer) -> None:
    await transact(
        resources.db,
        letter_post.resend,
        viewer=viewer,
        letter_id=letter_id,
        now=resources.clock.now(),
    )


async def test_a_letter_is_given_up_after_its_last_try(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    letter_id = await one_letter(resources, connection, shop, "ada+later@example.com")
    for _ in range(TRIES_MAX - 1):
        await send(resources, after=LONG)
    assert [row["status"] for row in await written(connection)] == ["failed"]
    await send(resources, after=LONG)
    [row] = await written(connection)
    assert (row["status"], row["attempt_count"]) == ("dead", TRIES_MAX)
    # Sent again by a person, it has all its tries once more.
    await resend(resources, letter_id, viewer=an_operator())
    await send(resources)
    [row] = await written(connection)
    assert (row["status"], row["attempt_count"]) == ("failed", TRIES_MAX + 1)


async def test_a_post_that_is_away_costs_no_letter_a_try_and_nobody_else_anything(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    for _ in range(6):
        await buy(resources, (shop, 1))
    await write(resources, connection)
    post_of(resources).is_away = True
    for _ in range(2 * TRIES_MAX):
        await send(resources, after=LONG)
    rows = await written(connection)
    assert {row["status"] for row in rows} == {"queued"}
    assert {row["last_error"] for row in rows} == {"away: nobody is there"}
    # Orders are taken and letters written as ever.
    await buy(resources, (shop, 1))
    assert len(await write(resources, connection)) == len(rows) + 2
    post_of(resources).is_away = False
    await send(resources, after=LONG)
    assert {row["status"] for row in await written(connection)} == {"sent"}
    assert len(mails(resources)) == len(rows) + 2


async def test_the_post_is_given_no_more_than_it_is_to_have(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    for _ in range(4):
        await buy(resources, (shop, 1))
    await write(resources, connection)
    powers = replace(resources.mail, per_second=1)
    assert await flow.send_due(powers, seconds=5) == 5
    assert await flow.send_due(powers, seconds=5) == 3
    assert await flow.send_due(powers, seconds=5) == 0


async def test_what_somebody_waits_for_goes_first(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await one_letter(resources, connection, shop, "ada@example.com")
    await connection.execute(
        "INSERT INTO letter (id, effect_key, kind, audience, recipient, context, is_urgent,"
        " attempt_limit, next_try_at, created_at) SELECT $1, 'urgent', 'shop_contact_changed',"
        " 'seller', 'old@example.com', $2, true, 12, next_try_at + interval '1 second',"
        " created_at FROM letter",
        new_id(),
        {"name": "Lamp", "path": "/seller", "changed_at": NOW.isoformat()},
    )
    resources.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert await flow.send_due(replace(resources.mail, per_second=1), seconds=1) == 1
    assert [mail["To"] for mail in mails(resources)] == ["old@example.com"]


async def test_what_was_over_long_ago_is_forgotten_and_nothing_else(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await open_room(resources, connection)
    for _ in range(2):
        await buy(resources, (shop, 1))
    rows = await write(resources, connection)
    for row, tag in zip(rows, ("", "+declined", "+later", ""), strict=True):
        await connection.execute(
            "UPDATE letter SET recipient = $1 WHERE id = $2", f"x{tag}@example.com", row["id"]
        )
    await send(resources)
    assert [row["status"] for row in await written(connection)] == [
        "sent", "dead", "failed", "sent"
    ]  # fmt: skip
    clock.advance(KEPT_FOR)
    await jobs.sweep_letters(resources)
    assert len(await written(connection)) == 4
    clock.advance(timedelta(seconds=1))
    await jobs.sweep_letters(resources)
    assert [row["status"] for row in await written(connection)] == ["failed"]


async def test_a_letter_is_shown_without_what_opens_its_order(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    letter_id = await one_letter(resources, connection, shop, "ada@example.com")
    shown = await flow.preview(resources.mail, letter_id=letter_id)
    assert "token" not in shown.words.text + shown.words.html
    number = await order_number_of(connection)
    assert f"http://localhost:4004/orders/{number}\n" in shown.words.text


async def test_a_fact_that_nobody_understands_keeps_no_other_from_its_letters(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    for kind in ("seller_order.status_changed", "payout_destination.changed", "audit.found"):
        await connection.execute(
            "INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)"
            " VALUES ($1, $2, 'any', $1, '{\"to\": \"cancelled\"}', $3)",
            new_id(),
            kind,
            NOW,
        )
    await buy(resources, (shop, 1))
    assert len(await write(resources, connection)) == 2
