"""Cases on their pages: reported by a buyer, answered by the shop, decided by an operator."""

from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows.checkout import order_token
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.evidence import EVIDENCE_BYTES_MAX
from gosellr.utils.ids import order_number
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import User, add_member, make_operator, make_support, make_user
from tests.factories.disputes import (
    PDF,
    cases_of,
    delivered,
    escalate,
    open_case,
    say,
    take_back,
)
from tests.factories.sales import (
    NOW,
    Shop,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    ship,
    step,
)
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor


@dataclass(frozen=True, slots=True)
class Sale:
    """A delivered order of two units, whose it is, and who looks at it."""

    order: Order
    shop: Shop
    buyer: User

    @property
    def href(self) -> str:
        """Where its page is."""
        return f"/orders/{order_number(self.order.number)}"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def sale(resources: Resources, connection: Connection) -> Sale:
    await make_commission(connection)
    shop, buyer = await make_shop(connection), await make_buyer(connection)
    return Sale(await delivered(resources, (shop, 2), buyer=buyer), shop, buyer)


async def cases(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM dispute")
    return count


async def test_a_buyer_reports_a_problem_with_a_picture(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    await enter(visitor, resources, sale.buyer)
    text = await open_page(visitor, sale.href)
    assert "Packing list" in text
    line = part_of(sale.order, sale.shop).lines[0]
    assert f'href="{sale.href}/problems/new?line={line.id}"' in text
    text = await open_page(visitor, f"{sale.href}/problems/new?line={line.id}")
    assert "May be reported until 1 Apr 2026" in text
    form = visitor.form(f"{sale.href}/problems")
    assert form.values["line"] == str(line.id)
    typed = {"reason": "damaged", "wish": "part", "message": "A hole\nin it <b>", "quantity": "1"}
    # What is missing is named, and what was typed stays.
    await visitor.send(form.action, changes={**typed, "reason": ""})
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert "Choose what is wrong" in visitor.text
    assert "A hole\nin it &lt;b&gt;" in visitor.text
    assert await cases(connection) == 0
    # A browser sends the file along as multipart.
    form = visitor.form(f"{sale.href}/problems")
    for _ in range(2):
        visitor.page = await visitor.client.post(
            form.action,
            data={**form.values, **typed},
            files={"file": ("hole.pdf", PDF, "application/pdf")},
            headers={**HTML, "Origin": "http://market.test"},
            follow_redirects=True,
        )
        assert visitor.page.status_code == 200, visitor.text
    assert_sound(visitor.text)
    assert await cases(connection) == 1
    for words in (
        "It is damaged", "Waiting for the shop", "hole.pdf", "A hole\nin it &lt;b&gt;",
        "What would put it right: A part of my money back", "5 Mar 2026",
    ):  # fmt: skip
        assert words in visitor.text, words
    [case] = await cases_of(resources, sale.order)
    assert (case.dispute.amount_minor, case.dispute.quantity) == (5000, 1)
    file = await visitor.client.get(
        f"{sale.href}/problems/{case.dispute.id}/evidence/{case.files[0].id}", headers=HTML
    )
    assert file.content == PDF
    assert file.headers["content-security-policy"] == "default-src 'none'; sandbox"
    text = await open_page(visitor, sale.href)
    assert f'href="{sale.href}/problems/{case.dispute.id}"' in text
    assert "It is damaged" in await open_page(visitor, "/account/cases")


async def test_what_can_t_be_a_case_is_told_at_its_field(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    await enter(visitor, resources, sale.buyer)
    line = part_of(sale.order, sale.shop).lines[0]
    await open_page(visitor, f"{sale.href}/problems/new?line={line.id}")
    typed = {"reason": "damaged", "wish": "refund", "message": "Broken", "quantity": "7"}
    await visitor.send(f"{sale.href}/problems", changes=typed)
    assert visitor.page.status_code in (409, 422)
    assert 'value="7"' in visitor.text
    assert await cases(connection) == 0
    assert isinstance(resources.clock, ManualClock)
    resources.clock.advance(timedelta(days=31))
    await enter(visitor, resources, sale.buyer)
    text = await open_page(visitor, f"{sale.href}/problems/new")
    assert "That could be reported until 1 Apr 2026" in text
    await visitor.send(
        f"{sale.href}/problems", changes={**typed, "quantity": "", "line": str(line.id)}
    )
    assert visitor.page.status_code == 409
    assert "too late to open a case" in visitor.text
    assert await cases(connection) == 0


async def test_a_file_that_isn_t_taken_leaves_the_case_open(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    await enter(visitor, resources, sale.buyer)
    line = part_of(sale.order, sale.shop).lines[0]
    await open_page(visitor, f"{sale.href}/problems/new?line={line.id}")
    form = visitor.form(f"{sale.href}/problems")
    typed = {"reason": "damaged", "wish": "refund", "message": "Broken"}
    visitor.page = await visitor.client.post(
        form.action,
        data={**form.values, **typed},
        files={"file": ("a.exe", b"MZ nothing good", "application/octet-stream")},
        headers={**HTML, "Origin": "http://market.test"},
    )
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'id="file-error"' in visitor.text
    assert await cases(connection) == 1
    assert await connection.fetchval("SELECT count(*) FROM dispute_file") == 0


async def test_a_form_with_a_file_is_proven_and_bounded_too(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    await enter(visitor, resources, sale.buyer)
    line = part_of(sale.order, sale.shop).lines[0]
    await open_page(visitor, f"{sale.href}/problems/new?line={line.id}")
    form = visitor.form(f"{sale.href}/problems")
    typed = {**form.values, "reason": "damaged", "wish": "refund", "message": "Broken"}

    async def send(path: str, data: dict[str, str], content: bytes, **headers: str) -> int:
        answer = await visitor.client.post(
            path,
            data=data,
            files={"file": ("a.pdf", content, "application/pdf")},
            headers={**HTML, "Origin": "http://market.test", **headers},
        )
        return answer.status_code

    assert await send(form.action, {**typed, "csrf_token": "guessed"}, PDF) == 403
    other_site = {"Origin": "http://elsewhere.test", "Sec-Fetch-Site": "cross-site"}
    assert await send(form.action, typed, PDF, **other_site) == 403
    assert await send(form.action, typed, PDF + bytes(EVIDENCE_BYTES_MAX + 70_000)) == 413
    # A form that brings no file has no room for one.
    assert await send("/account/gift-card", {"csrf_token": typed["csrf_token"]}, PDF) == 415
    assert await cases(connection) == 0


async def test_a_guest_with_the_order_s_key_reports_too(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    href = f"/orders/{order_number(order.number)}"
    await visitor.go(f"{href}/problems/new")
    assert visitor.page.status_code == 404
    await visitor.go(f"{href}?token={order_token(resources.checkout, order.id)}")
    await open_page(visitor, f"{href}/problems/new?line={part_of(order, shop).lines[0].id}")
    typed = {"reason": "damaged", "wish": "refund", "message": "Broken"}
    await visitor.send(f"{href}/problems", changes=typed)
    assert visitor.page.status_code == 200, visitor.text
    await visitor.send(f"{visitor.path}/messages", body="Please look")
    assert "Please look" in visitor.text
    address = visitor.path
    visitor.client.cookies.clear()
    assert await statuses(visitor, [address]) == {404}


async def test_the_shop_answers_and_the_buyer_asks_an_operator(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    case = await open_case(resources, sale.order, sale.shop, viewer=sale.buyer.viewer)
    base = f"/seller/{sale.shop.seller.id}/cases"
    address = f"{base}/{case.dispute.id}"
    await enter(visitor, resources, sale.shop.seller.owner)
    assert address in await open_page(visitor, base)
    text = await open_page(visitor, address)
    assert "Your answer is wanted" in text
    assert "€88.00" in text  # What is frozen of the shop's: €100.00 less commission and its VAT.
    await visitor.send(f"{address}/messages", body="")
    assert visitor.page.status_code == 422
    assert "Write what you have to say" in visitor.text
    await visitor.send(f"{address}/messages", body="It left us whole", answer="1")
    assert "Waiting for the buyer" in visitor.text
    assert address not in await open_page(visitor, base)
    assert address in await open_page(visitor, f"{base}?view=open")
    await enter(visitor, resources, sale.buyer)
    theirs = f"{sale.href}/problems/{case.dispute.id}"
    text = await open_page(visitor, theirs)
    assert "Your turn" in text
    assert "€88.00" not in text
    await visitor.send(f"{theirs}/escalate", reason="")
    assert visitor.page.status_code == 422
    await visitor.send(f"{theirs}/escalate", reason="I don't agree")
    assert "An operator looks at it" in visitor.text
    assert_sound(visitor.text)


async def test_giving_in_refunds_it_all(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    case = await open_case(resources, sale.order, sale.shop, viewer=sale.buyer.viewer)
    address = f"/seller/{sale.shop.seller.id}/cases/{case.dispute.id}"
    await enter(visitor, resources, sale.shop.seller.owner)
    assert "Give €100.00 back" in await open_page(visitor, address)
    await visitor.send(f"{address}/accept")
    assert "The shop gave in: €100.00 of €100.00 to the buyer." in visitor.text
    assert "Closed" in visitor.text
    await enter(visitor, resources, sale.buyer)
    assert "−€100.00" in await open_page(visitor, sale.href)


async def test_an_operator_sees_what_moves_before_deciding(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    case = await open_case(resources, sale.order, sale.shop, viewer=sale.buyer.viewer)
    await say(resources, case, viewer=sale.shop.viewer, answer=True)
    await escalate(resources, case, viewer=sale.buyer.viewer)
    operator = await make_operator(connection, now=NOW)
    await enter(visitor, resources, operator)
    address = f"/operator/cases/{case.dispute.id}"
    assert address in await open_page(visitor, "/operator/cases")
    assert "To decide" in await open_page(visitor, address)
    await visitor.send(f"{address}/decide", amount="200", decision="Both have a point")
    assert visitor.page.status_code == 422
    assert 'value="200"' in visitor.text
    await visitor.send(f"{address}/decide", amount="sixty", decision="Both have a point")
    assert "Write an amount in EUR" in visitor.text
    await visitor.send(f"{address}/decide", amount="60", decision="Both have a point")
    assert visitor.page.status_code == 200
    assert_sound(visitor.text)
    # €60.00 to the buyer: the shop gives €52.80, €7.20 of commission come back, €35.20 thaw.
    for words in ("What will move", "€60.00", "−€52.80", "−€7.20", "€35.20"):
        assert words in visitor.text, words
    assert await connection.fetchval("SELECT status FROM dispute") == "under_review"
    # A card's number is refused, and never shown again.
    for sure in ({}, {"sure": "yes"}):
        await visitor.send(f"{address}/decide", decision="Pays by 4242 4242 4242 4242", **sure)
        assert (visitor.page.status_code, "4242" in visitor.text) == (422, False)
        assert "This looks like the number of a card" in visitor.text
    await visitor.send(f"{address}/decide", decision="Both have a point", amount="60")
    await visitor.send(f"{address}/decide", sure="yes", decision="")
    assert visitor.page.status_code == 422
    assert "Say why: both sides read it" in visitor.text
    await visitor.send(f"{address}/decide", sure="yes", decision="Both have a point")
    assert "Decided in the middle: €60.00 of €100.00 to the buyer." in visitor.text
    assert "Both have a point" in visitor.text
    row = await connection.fetchrow("SELECT status, award_minor FROM dispute")
    assert row is not None
    assert tuple(row) == ("decided", 6000)
    await enter(visitor, resources, sale.shop.seller.owner)
    text = await open_page(visitor, f"/seller/{sale.shop.seller.id}/cases/{case.dispute.id}")
    assert "Appeal" in text


async def test_a_chargeback_is_between_the_shop_and_the_bank(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    reference = await take_back(resources, sale.order, fee_minor=1500)
    [case] = await cases_of(resources, sale.order)
    await enter(visitor, resources, sale.shop.seller.owner)
    address = f"/seller/{sale.shop.seller.id}/cases/{case.dispute.id}"
    text = await open_page(visitor, address)
    assert "Chargeback" in text
    assert "Hand nothing in" in text
    assert reference not in text
    await visitor.send(f"{address}/messages", body="Signed for", answer="1")
    assert "At the bank" in visitor.text
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    address = f"/operator/cases/{case.dispute.id}"
    await connection.execute("UPDATE chargeback SET stage = 'pre_arbitration'")
    listed = await open_page(visitor, "/operator/cases?view=chargebacks")
    assert address in listed
    assert "Chargeback: before arbitration" in listed
    text = await open_page(visitor, address)
    for words in (
        reference,
        "€15.00",
        "Signed for",
        "Not decided yet",
        "Before arbitration",
        sale.shop.seller.name,
    ):
        assert words in text, words
    await enter(visitor, resources, sale.buyer)
    assert await statuses(visitor, [f"{sale.href}/problems/{case.dispute.id}"]) == {404}


async def test_cases_are_nobody_else_s(
    visitor: Visitor, resources: Resources, connection: Connection, sale: Sale
) -> None:
    case = await open_case(resources, sale.order, sale.shop, viewer=sale.buyer.viewer)
    case_id, seller_id = case.dispute.id, sale.shop.seller.id
    theirs = [f"{sale.href}/problems/new", f"{sale.href}/problems/{case_id}"]
    shops = [f"/seller/{seller_id}/cases", f"/seller/{seller_id}/cases/{case_id}"]
    operators = ["/operator/cases", f"/operator/cases/{case_id}"]
    assert await leads_to_sign_in(visitor, [*shops, *operators, "/account/cases"])
    assert await statuses(visitor, theirs) == {404}
    stranger = await make_user(connection, now=NOW, name="Somebody")
    await enter(visitor, resources, stranger)
    assert await statuses(visitor, [*theirs, *shops]) == {404}
    assert await statuses(visitor, operators) == {403}
    other = await make_shop(connection)
    await enter(visitor, resources, other.seller.owner)
    assert await statuses(visitor, [*theirs, *shops]) == {404}
    # By its own shop's address, another shop's case isn't there either.
    assert await statuses(visitor, [f"/seller/{other.seller.id}/cases/{case_id}"]) == {404}
    await enter(visitor, resources, sale.shop.seller.owner)
    assert await statuses(visitor, operators) == {403}
    assert await statuses(visitor, theirs) == {404}
    support = await make_support(connection, now=NOW)
    await enter(visitor, resources, support)
    assert "Decide</h2>" not in await open_page(visitor, f"/operator/cases/{case_id}")
    answer = await visitor.client.post(f"/operator/cases/{case_id}/decide", headers=HTML)
    assert answer.status_code == 403
    finance = await add_member(
        connection, now=NOW, seller=sale.shop.seller, role=MemberRole.FINANCE
    )
    await enter(visitor, resources, finance)
    text = await open_page(visitor, shops[1])
    assert 'action="/seller' not in text  # Finance reads cases and does nothing in them.
    for path in (f"{theirs[1]}/messages", f"{shops[1]}/accept", f"{operators[1]}/messages"):
        assert (await post_without_token(visitor, path)).status_code == 403
    assert await connection.fetchval("SELECT status FROM dispute") == "awaiting_seller"


async def test_an_order_says_that_a_bank_took_its_money_back_and_offers_nothing_that_can_t_be(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await make_commission(connection)
    shop, buyer = await make_shop(connection), await make_buyer(connection)
    order = await buy(resources, (shop, 2), buyer=buyer)
    number = order_number(order.number)
    operator = await make_operator(connection, now=NOW)
    pages = (
        (buyer, f"/orders/{number}", f"/orders/{number}/cancel"),
        (shop.seller.owner, f"/seller/{shop.seller.id}/orders/{number}", "/refund"),
        (operator, f"/operator/orders/{number}", "/refund"),
    )
    for person, address, way in pages:
        await enter(visitor, resources, person)
        text = await open_page(visitor, address)
        assert way in text, address
        assert "taken back" not in text.lower(), address
    await take_back(resources, order)
    for person, address, way in pages:
        await enter(visitor, resources, person)
        text = await open_page(visitor, address)
        assert way not in text, address
        assert "taken back" in text.lower(), address
