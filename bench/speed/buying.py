"""The operations that write: orders in one call or six, and bags that are filled."""

from collections.abc import Sequence
from typing import Any

from bench.market_data import CatalogueVariant
from bench.speed.client import Caller, Script, request_bytes
from bench.speed.knowledge import Market, expect

_CART_CHANGES_MAX = 40


def order_request(market: Market, variants: Sequence[CatalogueVariant], number: int) -> bytes:
    """An order of one piece each, with a key of its own."""
    return request_bytes(
        "POST",
        "/api/v1/orders/create",
        body={
            "items": [{"variant_id": str(one.id), "quantity": 1} for one in variants],
            "email": f"buyer{number}@example.com",
            "shipping_address": dict(market.catalogue.address),
            "shipping_choice": "cheapest",
            "payment_method": "sandbox",
            "payment_token": "tok_ok",
        },
        headers=market.key(),
    )


def order(market: Market) -> Script:
    """A complete order in one call: two lines of two sellers, paid and booked."""

    async def script(caller: Caller, number: int) -> None:
        answer = await caller.ask("order", order_request(market, market.pair(number), number), 201)
        expect(answer, b'"payment_status":"paid"' in answer.body, "not paid")

    return script


def hot(market: Market) -> Script:
    """The same, when everybody wants the same thing."""
    first, second = market.pair(0)

    async def script(caller: Caller, number: int) -> None:
        other = market.pair(number + 1)[1]
        basket = [first, other if other.seller_id != first.seller_id else second]
        answer = await caller.ask("order", order_request(market, basket, number), 201)
        expect(answer, b'"payment_status":"paid"' in answer.body, "not paid")

    return script


def checkout(market: Market) -> Script:
    """A guest's way in six requests: bag, goods, address, delivery, order, look at it."""

    async def script(caller: Caller, number: int) -> None:
        first, _ = market.pair(number)
        cart: dict[str, Any] = (
            await caller.ask("1 bag", request_bytes("POST", "/api/v1/carts"), 201)
        ).json()
        token, base = {"X-Cart-Token": cart["token"]}, f"/api/v1/carts/{cart['id']}"
        await caller.ask(
            "2 goods",
            request_bytes(
                "POST",
                f"{base}/items",
                body={"variant_id": str(first.id), "quantity": 1},
                headers=token,
            ),
            200,
            201,
        )
        filled: dict[str, Any] = (
            await caller.ask(
                "3 address",
                request_bytes(
                    "PUT",
                    f"{base}/addresses",
                    body={
                        "email": f"buyer{number}@example.com",
                        "shipping_address": dict(market.catalogue.address),
                    },
                    headers=token,
                ),
                200,
            )
        ).json()
        choices = {
            parcel["seller"]["id"]: parcel["shipping"]["options"][0]["id"]
            for parcel in filled["parcels"]
        }
        chosen: dict[str, Any] = (
            await caller.ask(
                "4 delivery",
                request_bytes("PUT", f"{base}/shipping", body={"choices": choices}, headers=token),
                200,
            )
        ).json()
        await _buy_bag(caller, market, cart_id=cart["id"], total=chosen["total"], token=token)

    return script


async def _buy_bag(
    caller: Caller, market: Market, *, cart_id: str, total: Any, token: dict[str, str]
) -> None:
    placed: dict[str, Any] = (
        await caller.ask(
            "5 order",
            request_bytes(
                "POST",
                "/api/v1/orders/create",
                body={
                    "cart_id": cart_id,
                    "payment_method": "sandbox",
                    "payment_token": "tok_ok",
                    "expected_total": total,
                },
                headers=token | market.key(),
            ),
            201,
        )
    ).json()
    read = await caller.ask(
        "6 look",
        request_bytes(
            "GET",
            f"/api/v1/orders/{placed['id']}",
            headers={"X-Order-Token": placed["access_token"]},
        ),
        200,
    )
    expect(read, b'"payment_status":"paid"' in read.body, "not paid")


def add_to_cart(market: Market) -> Script:
    """One more thing into a bag; each caller begins a new one now and then."""
    bags: dict[int, tuple[str, dict[str, str], int]] = {}

    async def script(caller: Caller, _number: int) -> None:
        path, token, filled = bags.get(caller.number, ("", {}, _CART_CHANGES_MAX))
        if filled >= _CART_CHANGES_MAX:
            begun: dict[str, Any] = (
                await caller.prepare(request_bytes("POST", "/api/v1/carts"), 201)
            ).json()
            path, token, filled = (
                f"/api/v1/carts/{begun['id']}/items",
                {"X-Cart-Token": begun["token"]},
                0,
            )
        bags[caller.number] = (path, token, filled + 1)
        # Three things are put in again and again: a bag of forty is nobody's.
        variant = market.pair(caller.number * 3 + filled % 3)[0]
        answer = await caller.ask(
            "add",
            request_bytes(
                "POST", path, body={"variant_id": str(variant.id), "quantity": 1}, headers=token
            ),
            200,
            201,
        )
        expect(answer, str(variant.id).encode() in answer.body, "not in the bag")

    return script
