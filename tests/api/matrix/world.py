"""A market with two of everything: what belongs to one must stay out of the other's reach."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
from PIL import Image

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_secret
from gosellr.core.transact import ask, transact
from gosellr.main import build
from gosellr.queries import documents
from gosellr.resources import Resources, open_resources
from gosellr.services import account_service, period_documents, sales_documents
from gosellr.services.account_service import Device
from gosellr.utils.catalogue import OptionAxis
from gosellr.utils.permissions import MemberRole, Role
from gosellr.web.csrf import csrf_token
from tests.api.matrix.books import make_books
from tests.api.matrix.callers import Caller
from tests.conftest import CHEAP, START, SavepointDatabase
from tests.factories.accounts import (
    TestSeller,
    User,
    add_member,
    bearer,
    make_seller,
    make_user,
)
from tests.factories.carts import make_bag
from tests.factories.catalogue import make_category, make_product, variant_draft
from tests.factories.ledger import Sold, booked
from tests.factories.orders import ADDRESS, order_body, place
from tests.factories.payouts import set_account
from tests.factories.stored_value import make_card
from tests.factories.terms import make_coupon, make_rate, make_tax, make_zone

API = "/api/v1"
VISITOR = "a browser of the test"


_MOVEMENT = {
    "reference": "told by a provider",
    "kind": "other",
    "amount": {"amount": 100, "currency": "EUR"},
    "occurred_at": "2026-03-02T09:00:00Z",
}


@dataclass(slots=True)
class Estate:
    """What belongs together. `things` are ids and the like by their kind.

    `private_to_trade` is for its buyer and its seller to read, `private_to_seller` for its
    seller alone; support and operators may read both.
    """

    name: str
    things: dict[str, str] = field(default_factory=dict)
    private_to_trade: set[str] = field(default_factory=set)
    private_to_seller: set[str] = field(default_factory=set)


@dataclass(slots=True)
class World:
    """The market, everybody in it, and a caller for each."""

    app: Any
    client: httpx2.AsyncClient
    connection: Connection
    resources: Resources
    fixed: dict[str, str] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    sellers: dict[str, TestSeller] = field(default_factory=dict)

    async def ask(self, method: str, url: str, **rest: Any) -> httpx2.Response:
        """An answer whose effects are taken back."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            response = await self.client.request(method, url, **rest)
            # An upload was streamed; some hold the answer against the whole of what was sent.
            await response.request.aread()
            return response
        finally:
            await transaction.rollback()
            self.client.cookies.clear()

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], **rest: Any
    ) -> dict[str, Any]:
        """The document that an answer brings, which has to go well."""
        response = await self.client.request(method, path, headers=dict(headers), **rest)
        assert response.status_code < 300, f"{method} {path}: {response.text}"
        document: dict[str, Any] = response.json()
        return document


@asynccontextmanager
async def open_world(connection: Connection, *, home: Path, dsn: str) -> AsyncIterator[World]:
    """Build it in a database of its own. What it is asked is taken back call by call: a transaction
    around all of them would hold up whoever waits for the oldest one of the cluster, for minutes.
    """
    settings = Settings(
        home=home,
        database_url=dsn,
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, password_costs=CHEAP, clock=ManualClock(START)) as opened:
        resources = replace(opened, db=SavepointDatabase(connection))
        app = build(settings, open_resources=lambda: _opened(resources))
        app.state.resources = resources
        transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711))
        async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as client:
            world = World(app, client, connection, resources)
            await _fill(world)
            yield world


@asynccontextmanager
async def _opened(resources: Resources) -> AsyncIterator[Resources]:
    yield resources


async def _fill(world: World) -> None:
    connection = world.connection
    category_id = await make_category(connection, name="Lamps")
    spare_category_id = await make_category(connection, name="Spare")
    tax_id = await make_tax(connection, rate_bps=1900)
    zone_id = await make_zone(connection, countries=("DE",), name="Market zone")
    await make_rate(connection, zone_id=zone_id)
    third = await make_seller(connection, now=START, name="Third shop")
    product = await make_product(connection, seller=third, category_id=category_id, stock=1000)
    joiner = await make_user(connection, now=START, name="Joining soon")
    world.fixed = {
        "category": str(category_id),
        "spare_category": str(spare_category_id),
        "tax_rate": str(tax_id),
        "variant": str(product.variant_id),
        "product": str(product.id),
        "joiner_email": joiner.email,
    }
    operator = await _person(world, "operator", roles=(Role.BUYER, Role.OPERATOR))
    rule = await world.call(
        "POST", f"{API}/commission-rules", operator.headers, json={"rate_bps": 1000}
    )
    world.fixed["commission_rule"] = rule["id"]
    await world.call(
        "POST", f"{API}/reconciliation/imports", operator.headers,
        json={"gateway": "sandbox", "movements": [_MOVEMENT]},
    )  # fmt: skip
    found = await world.call("GET", f"{API}/reconciliation/movements", operator.headers)
    world.fixed["provider_movement"] = found["items"][0]["id"]
    world.fixed |= await make_books(world.resources, world.connection)
    await _person(world, "support", roles=(Role.BUYER, Role.SUPPORT))
    for name in ("one", "two"):
        await _estate(world, name, category_id=category_id)
    await _guest_estate(world, category_id=category_id)
    for kind in ("manager", "fulfilment", "finance", "viewer"):
        role = MemberRole(kind)
        user = await add_member(connection, now=START, seller=world.sellers["one"], role=role)
        world.estates["one"].private_to_seller.add(user.email)
        await _caller(world, kind, user, sells="one", member_role=role)
    world.callers["anonymous"] = Caller("anonymous", cookies={"visitor": VISITOR})
    # Facts wait here, and the market is ready only while somebody works them off.
    await connection.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES ($1)", START
    )


async def _person(world: World, name: str, *, roles: tuple[Role, ...], **more: Any) -> Caller:
    user = await make_user(world.connection, now=START, name=name.title(), roles=roles)
    return await _caller(world, name, user, **more)


async def _caller(world: World, name: str, user: User, **more: Any) -> Caller:
    session = new_secret()
    await transact(
        world.resources.db,
        account_service.open_session,
        user_id=user.id,
        token=session,
        checked_hash="",
        device=Device(),
        now=START,
        kind="web",
    )
    roles = user.roles | ({Role.SELLER} if more.get("sells") else set())
    caller = Caller(
        name,
        frozenset(roles),
        await bearer(world.resources, user),
        {"visitor": VISITOR, "session": session},
        **more,
    )
    world.callers[name] = caller
    return caller


def form_token(world: World, caller: Caller) -> str:
    """What the forms of our own pages carry for this caller's browser."""
    return csrf_token(
        world.resources.secret_key, visitor=VISITOR, session=caller.cookies.get("session", "")
    )


async def _estate(world: World, name: str, *, category_id: UUID) -> None:
    estate = world.estates[name] = Estate(name)
    owner_name, buyer_name = (
        ("owner", "buyer") if name == "one" else ("other_seller", "other_buyer")
    )
    seller = await _shop(world, estate, category_id=category_id)
    owner = await _caller(world, owner_name, seller.owner, sells=name, member_role=MemberRole.OWNER)
    buyer = await _person(world, buyer_name, roles=(Role.BUYER,), buys=name)
    await _goods(world, estate, owner)
    await _payout(world, estate, seller, owner)
    await _orders(world, estate, owner, buyer.headers)
    bag = await make_bag(world.client, headers=buyer.headers)
    await _bag(estate, bag)


async def _guest_estate(world: World, *, category_id: UUID) -> None:
    estate = world.estates["guest"] = Estate("guest")
    seller = await _shop(world, estate, category_id=category_id)
    owner = await _caller(
        world, "guest_seller", seller.owner, sells="guest", member_role=MemberRole.OWNER
    )
    await _goods(world, estate, owner)
    await _payout(world, estate, seller, owner)
    bag = await make_bag(world.client)
    await _bag(estate, bag)
    tokens = await _orders(world, estate, owner, {})
    del world.callers["guest_seller"]
    numbers = {kind: estate.things[f"{kind}_number"] for kind in tokens}
    cookies = {
        "visitor": VISITOR,
        "bag": f"{bag.id}.{bag.headers['X-Cart-Token']}",
        "orders": "~".join(f"{numbers[kind]}.{token}" for kind, token in tokens.items()),
    }
    # A guest has one key per order; this one's opens the order that is named by the header.
    for kind, token in tokens.items():
        world.callers[f"guest:{kind}"] = Caller(
            f"guest:{kind}",
            frozenset(),
            {**bag.headers, "X-Order-Token": token},
            cookies,
            buys="guest",
        )
        estate.private_to_trade.add(token)


async def _shop(world: World, estate: Estate, *, category_id: UUID) -> TestSeller:
    connection, name = world.connection, estate.name
    seller = await make_seller(connection, now=START, name=f"Shop {name}")
    world.sellers[name] = seller
    goods = await make_product(
        connection,
        seller=seller,
        category_id=category_id,
        title=f"Lamp {name}",
        variants=[variant_draft(stock=1000, sku=f"A-{name}", options={"Size": "S"}),
                  variant_draft(stock=1000, sku=f"B-{name}", options={"Size": "M"})],
        options=(OptionAxis("Size", ("S", "M")),),
    )  # fmt: skip
    draft = await make_product(
        connection, seller=seller, category_id=category_id, title=f"Secret {name}", active=False
    )
    applied = await make_seller(connection, now=START, name=f"New {name}", status="applied")
    suspended = await make_seller(connection, now=START, name=f"Bad {name}", status="suspended")
    helper = await add_member(connection, now=START, seller=seller, role=MemberRole.VIEWER)
    coupon = await make_coupon(
        connection, code=f"CODE-{name}", seller_id=seller.id, funded_by="seller"
    )
    zone_id = await make_zone(connection, seller_id=seller.id, name=f"Zone {name}")
    rate_id = await make_rate(connection, zone_id=zone_id)
    estate.things |= {
        "seller": str(seller.id),
        "seller_slug": await connection.fetchval(
            "SELECT slug FROM seller WHERE id = $1", seller.id
        ),
        "product": str(goods.id),
        "product_slug": await connection.fetchval(
            "SELECT slug FROM product WHERE id = $1", goods.id
        ),
        "variant": str(goods.variant_ids[0]),
        "second_variant": str(goods.variant_ids[1]),
        "draft": str(draft.id),
        "applied": str(applied.id),
        "suspended": str(suspended.id),
        "member": str(helper.id),
        "location": str(seller.location_id),
        "coupon": str(await connection.fetchval("SELECT id FROM coupon WHERE code = $1", coupon)),
        "coupon_code": coupon,
        "zone": str(zone_id),
        "rate": str(rate_id),
    }
    estate.private_to_seller |= {
        str(draft.id), f"Secret {name}", seller.owner.email, helper.email, str(zone_id),
        str(helper.id), coupon, applied.owner.email,
    }  # fmt: skip
    return seller


async def _goods(world: World, estate: Estate, owner: Caller) -> None:
    """A picture and an import of the seller's own, taken in as sellers do."""
    buffer = BytesIO()
    Image.new("RGB", (40, 40), (40 * (1 + len(world.estates)), 20, 30)).save(buffer, "PNG")
    picture = await world.call(
        "POST",
        f"{API}/media",
        owner.headers,
        files={"file": ("a.png", buffer.getvalue(), "image/png")},
    )
    table = f"sku,title,price\nIMPORTED-{estate.name},Lamp,10.00\n"
    imported = await world.call(
        "POST",
        f"{API}/imports",
        owner.headers,
        data={"format": "gosellr"},
        files={"file": (f"goods of {estate.name}.csv", table.encode(), "text/csv")},
    )
    estate.things |= {"media": picture["id"], "import": imported["id"]}
    estate.private_to_seller |= {imported["id"], f"goods of {estate.name}.csv"}


async def _payout(world: World, estate: Estate, seller: TestSeller, owner: Caller) -> None:
    """An account of the seller's own, and money that was paid to it."""
    destination = await set_account(world.resources, seller)
    sold = Sold(seller_id=seller.id)
    await booked(world.connection, sold.sale())
    await booked(world.connection, sold.release())
    payout = await world.call(
        "POST",
        f"{API}/payouts",
        {**owner.headers, "Idempotency-Key": f"payout of {estate.name}"},
        json={"currency": "EUR", "seller_id": str(seller.id)},
    )
    assert payout["status"] == "paid"
    estate.things["payout"] = payout["id"]
    card_id, _ = await make_card(world.resources, 1000)
    estate.things |= {"gift_card": str(card_id), "user": str(seller.owner.id)}
    estate.private_to_seller |= {payout["id"], str(destination.id)}


async def _bag(estate: Estate, bag: Any) -> None:
    document = await bag.put(UUID(estate.things["variant"]), 2)
    await bag.change(
        "PUT",
        "/addresses",
        json={"email": f"{estate.name}@bags.example.com", "shipping_address": ADDRESS},
    )
    estate.things["cart"] = bag.id
    estate.things["item"] = document["parcels"][0]["items"][0]["id"]
    estate.private_to_trade |= {bag.id, f"{estate.name}@bags.example.com"}


async def _orders(
    world: World, estate: Estate, owner: Caller, headers: Mapping[str, str]
) -> dict[str, str]:
    """An order in each state that the operations need; gives the guest's tokens."""
    tokens = {}
    street = f"{estate.name} private road"
    estate.private_to_trade |= {street, f"{estate.name}@orders.example.com"}
    for kind in ("paid", "unpaid", "shipped", "delivered"):
        body = order_body(
            (UUID(estate.things["variant"]), 2),
            (UUID(estate.things["second_variant"]), 1),
            token="tok_requires_action" if kind == "unpaid" else "tok_ok",
            email=f"{estate.name}@orders.example.com",
        )
        body["shipping_address"] = {**ADDRESS, "line1": street}
        response = await place(world.client, body, headers=dict(headers))
        assert response.status_code == 201, response.text
        order = response.json()
        tokens[kind] = order.get("access_token", "")
        [part] = order["seller_orders"]
        estate.things |= {
            f"{kind}_order": order["id"],
            f"{kind}_number": order["number"],
            f"{kind}_part": part["id"],
            f"{kind}_line": part["items"][0]["id"],
            f"{kind}_second_line": part["items"][1]["id"],
            f"{kind}_attempt": order["payments"][0]["id"],
        }
        estate.private_to_trade |= {order["id"], order["number"], part["id"]}
        if kind == "paid":
            await _papers(world, estate, order["id"])
        if kind in ("shipped", "delivered"):
            await _ship(world, estate, owner, kind)
    await _dispute(world, estate, {**headers, "X-Order-Token": tokens["delivered"]})
    return tokens


async def _papers(world: World, estate: Estate, order_id: str) -> None:
    """The invoice of a sale, and a statement of the seller's month."""
    [invoice] = await transact(
        world.resources.db, sales_documents.issue_invoices, order_ids=[UUID(order_id)], now=START
    )
    powers = world.resources.documents
    [seller] = (
        await ask(powers.db, documents.sellers, seller_ids=[UUID(estate.things["seller"])])
    ).values()
    await transact(
        powers.db,
        period_documents.close_seller,
        seller=seller,
        period=START.strftime("%Y-%m"),
        identity=powers.identity,
        vat_jurisdiction=powers.policy.commission_vat_jurisdiction,
        now=START,
    )
    [issued] = await ask(
        powers.db, documents.of_seller, seller_id=seller.id, kind="statement", limit=5
    )
    estate.things |= {"paid_invoice": str(invoice), "statement": str(issued.id)}
    estate.private_to_trade.add(str(invoice))
    estate.private_to_seller.add(str(issued.id))


async def _dispute(world: World, estate: Estate, headers: Mapping[str, str]) -> None:
    """A case of the buyer's about a line that arrived, with something handed in."""
    said = f"{estate.name} says that it is broken"
    case = await world.call(
        "POST",
        f"{API}/disputes",
        {**headers, "Idempotency-Key": f"case of {estate.name}"},
        json={
            "order_id": estate.things["delivered_order"],
            "order_item_id": estate.things["delivered_line"],
            "quantity": 1,
            "reason": "damaged",
            "message": said,
        },
    )
    with_file = await world.call(
        "POST",
        f"{API}/disputes/{case['id']}/evidence",
        headers,
        files={"file": ("a.pdf", f"%PDF-1.7 {estate.name}".encode(), "application/pdf")},
    )
    estate.things |= {
        "delivered_dispute": case["id"],
        "delivered_dispute_file": with_file["evidence"][0]["id"],
    }
    estate.private_to_trade |= {case["id"], with_file["evidence"][0]["id"], said}


async def _ship(world: World, estate: Estate, owner: Caller, kind: str) -> None:
    order = f"{API}/orders/{estate.things[f'{kind}_order']}"
    tracking = f"TRACK-{estate.name}-{kind}"
    parcel = await world.call(
        "POST",
        f"{order}/shipments",
        owner.headers,
        json={
            "seller_order_id": estate.things[f"{kind}_part"],
            "carrier": "dhl",
            "tracking_number": tracking,
        },
    )
    estate.things[f"{kind}_shipment"] = parcel["id"]
    estate.private_to_trade |= {tracking, parcel["id"]}
    if kind == "delivered":
        await world.call(
            "PATCH",
            f"{order}/shipments/{parcel['id']}",
            owner.headers,
            json={"status": "delivered"},
        )


def absent(world: World) -> dict[str, str]:
    """The same kinds of things, of which none exists."""
    unknown = {kind: str(uuid4()) for kind in world.estates["one"].things}
    for kind in unknown:
        if kind.endswith("_number"):
            unknown[kind] = "GS-999999"
        elif kind.endswith(("_slug", "_code")):
            unknown[kind] = f"none-{uuid4().hex[:8]}"
    return unknown
