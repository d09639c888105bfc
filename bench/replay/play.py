"""Plays the orders in time order: price moves, placing, paying, and everything that follows.

Two orders may be under way at once unless they share a listing whose price moves: then the later
one waits until the earlier one is placed, so that each sees the price that the data shows.
Whatever follows placing concerns one order alone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.replay.api import Account, Api, ApiRefusedError, money
from bench.replay.crowd import each
from bench.replay.payments import SANDBOX
from bench.replay.plan import Listing, Outcome, Plan, PlannedOrder
from bench.replay.stage import Stage

FAILURES_MAX = 50
_TOKEN_PAID = "tok_ok"  # noqa: S105 - the sandbox's own word, no secret
_TOKEN_UNPAID = "tok_requires_action"  # noqa: S105
_CARRIER = "Correios"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An order of the data in the market. `reviewed` says whether all its lines have one."""

    order_id: str
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An order that didn't get where it should, and the market's words."""

    order_id: str
    step: str
    problem: str


class Player:
    """Plays a plan on a stage; `played` and `failures` tell what came of it."""

    def __init__(
        self, *, api: Api, stage: Stage, plan: Plan, workers: int, done: Callable[[], None]
    ) -> None:
        self.played: dict[str, Played] = {}
        self.failures: list[Failure] = []
        self.price_moves = 0
        self._api = api
        self._stage = stage
        self._plan = plan
        self._workers = workers
        self._done = done
        self._shown = {listing: price for listing, (price, _) in plan.listings.items()}
        self._accounts = {
            stage.seller_ids[source_id]: account for source_id, account in stage.sellers.items()
        }
        self._last_placed: dict[Listing, asyncio.Event] = {}

    async def play(self) -> None:
        """Play all orders, or until so many have failed that going on would tell nothing more."""
        await each(self._plan.orders, self._play, workers=self._workers)

    async def _play(self, order: PlannedOrder) -> None:
        if len(self.failures) >= FAILURES_MAX:
            return
        # Up to the first await this runs in time order: here the queues are formed.
        is_placed = asyncio.Event()
        before = [
            self._last_placed[line.listing]
            for line in order.lines
            if line.listing in self._last_placed
        ]
        for line in order.lines:
            if line.listing in self._plan.movable:
                self._last_placed[line.listing] = is_placed
        step = "place"
        try:
            try:
                for event in before:
                    await event.wait()
                await self._move_prices(order)
                placed = await self._place(order)
            finally:
                is_placed.set()
            self.played[order.id] = Played(order_id=placed["id"], reviewed=False)
            step = "carry out"
            await self._carry_out(order, placed)
            step = "review"
            reviewed = await self._review(order, placed)
            self.played[order.id] = Played(order_id=placed["id"], reviewed=reviewed)
        except ApiRefusedError as error:
            self.failures.append(Failure(order_id=order.id, step=step, problem=str(error)))
        self._done()

    async def _move_prices(self, order: PlannedOrder) -> None:
        for line in order.lines:
            if self._shown[line.listing] == line.unit_price_minor:
                continue
            offer = self._stage.offers[line.listing]
            price = money(line.unit_price_minor, self._stage.currency)
            await self._api.put(
                f"/products/{offer.product_id}",
                {"variants": [{"id": offer.variant_id, "price": price}]},
                account=self._stage.sellers[line.listing.seller_id],
            )
            self._shown[line.listing] = line.unit_price_minor
            self.price_moves += 1

    async def _place(self, order: PlannedOrder) -> Any:
        currency = self._stage.currency
        customer = order.customer
        body = {
            "items": [
                {
                    "variant_id": self._stage.offers[line.listing].variant_id,
                    "quantity": line.quantity,
                }
                for line in order.lines
            ],
            "email": f"{customer.person_id}@customers.example.com",
            "currency": currency,
            "shipping_address": {
                "name": f"Customer {customer.person_id[:8]}",
                "line1": f"CEP {customer.postal_prefix}",
                "city": customer.city or "-",
                "region": customer.state,
                "postal_code": f"{customer.postal_prefix}-000",
                "country": self._stage.country,
            },
            "shipping_choice": "cheapest",
            "payment_method": self._tenders(order) or SANDBOX,
            "expected_total": money(order.total_minor, currency),
            "reference": order.id,
        }
        return await self._api.post("/orders/create", body, headers=_key("place", order.id))

    def _tenders(self, order: PlannedOrder) -> list[dict[str, Any]]:
        """Gift cards by their codes; at the gateway a card that pays, or one that waits."""
        token = _TOKEN_PAID if order.outcome.is_paid else _TOKEN_UNPAID
        return [
            {
                "method": part.method,
                "amount": money(part.amount_minor, self._stage.currency),
                "token": self._stage.gift_cards[order.id, place].code
                if part.by_gift_card
                else token,
            }
            for place, part in enumerate(order.payments)
        ]

    async def _carry_out(self, order: PlannedOrder, placed: Any) -> None:
        outcome = order.outcome
        if outcome.is_cancelled:
            await self._cancel(order, placed)
        elif outcome is Outcome.PROCESSING:
            for part in placed["seller_orders"]:
                await self._set_status(placed, part, "processing")
        elif outcome.is_shipped:
            for part in placed["seller_orders"]:
                await self._ship(placed, part)
                if outcome.is_delivered:
                    await self._set_status(placed, part, "delivered")
                if outcome.is_refunded:
                    await self._refund(placed, part)

    async def _cancel(self, order: PlannedOrder, placed: Any) -> None:
        """What is `unavailable` is called off by its sellers, the rest by the buyer."""
        if order.source_status != "unavailable":
            await self._api.post(
                f"/orders/{placed['id']}/cancel",
                {"reason": "Called off by the buyer"},
                headers={"X-Order-Token": placed["access_token"], **_key("cancel", order.id)},
            )
            return
        for part in placed["seller_orders"]:
            await self._api.post(
                f"/orders/{placed['id']}/cancel",
                {"seller_order_id": part["id"], "reason": "Not available"},
                account=self._seller_of(part),
                headers=_key("cancel", part["id"]),
            )

    async def _set_status(self, placed: Any, part: Any, status: str) -> None:
        await self._api.put(
            f"/orders/{placed['id']}/status",
            {"status": status, "seller_order_id": part["id"]},
            account=self._seller_of(part),
        )

    async def _ship(self, placed: Any, part: Any) -> None:
        await self._api.post(
            f"/orders/{placed['id']}/shipments",
            {
                "seller_order_id": part["id"],
                "items": _items(part),
                "carrier": _CARRIER,
                "tracking_number": f"BR{part['number']}",
            },
            account=self._seller_of(part),
            headers=_key("ship", part["id"]),
        )

    async def _refund(self, placed: Any, part: Any) -> None:
        await self._api.post(
            f"/orders/{placed['id']}/refunds",
            {
                "seller_order_id": part["id"],
                "items": _items(part),
                # A market refuses to give back freight where none was paid.
                "shipping": part["totals"]["shipping_total"]["amount"] > 0,
                "reason": "Called off after it was sent",
            },
            account=self._stage.operator,
            headers=_key("refund", part["id"]),
        )

    async def _review(self, order: PlannedOrder, placed: Any) -> bool:
        """The order's review goes to each of its lines. False where there is none to post."""
        if order.review is None:
            return False
        for part in placed["seller_orders"]:
            for item in part["items"]:
                await self._api.post(
                    f"/products/{item['product_id']}/reviews",
                    {
                        "rating": order.review.score,
                        # A title is one line, whatever the data holds.
                        "title": " ".join(order.review.title.split()),
                        "body": order.review.text,
                        "order_item_id": item["id"],
                    },
                    headers={"X-Order-Token": placed["access_token"]},
                )
        return True

    def _seller_of(self, part: Any) -> Account:
        return self._accounts[part["seller"]["id"]]


def _items(part: Any) -> list[dict[str, Any]]:
    return [{"order_item_id": item["id"], "quantity": item["quantity"]} for item in part["items"]]


def _key(step: str, what: str) -> dict[str, str]:
    return {"Idempotency-Key": f"replay-{step}-{what}"}
