"""Where the story is played: a market, its people, a clock, and a pen that writes it down."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.clock import ManualClock
from gosellr.core.transact import ask, transact
from gosellr.jobs import upkeep
from gosellr.jobs.outbox import REACTIONS, Gathering
from gosellr.jobs.story.journal import Journal, postings
from gosellr.jobs.story.pen import Pen, money
from gosellr.models.events import FactType, RecordedFact
from gosellr.models.order_values import Order, SellerOrder
from gosellr.resources import Resources
from gosellr.services import event_service, order_service, statement_service
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.statement_service import SellerBalance
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

CURRENCY: Final = "EUR"

_FACTS_AT_ONCE = 500
_RELAY_PATIENCE = 200
_RELAY_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A seller with one thing to sell, which is told as `goods`: "desk lamp"."""

    id: UUID
    name: str
    goods: str
    owner: Viewer
    variant_id: UUID


class Stage:
    """A market for one story. `shops` and `orders` are known by their names in it.

    Where it `has_worker`, that one reacts to what happens, and nobody does it here.
    """

    def __init__(
        self, resources: Resources, *, clock: ManualClock, pen: Pen, has_worker: bool = False
    ) -> None:
        self.resources = resources
        self.clock = clock
        self.pen = pen
        self.journal = Journal(resources.db)
        self._has_worker = has_worker
        self.shops: dict[str, Shop] = {}
        self.orders: dict[str, UUID] = {}
        self.buyer = Viewer()
        self.address: Mapping[str, str] = {}
        self.operator = Viewer()
        self.gift_code = ""
        self._names: dict[str, str] = {}
        self._told_facts = 0
        self._keys = 0

    def key(self) -> RequestKey:
        """A request that nobody made before."""
        self._keys += 1
        return RequestKey(scope="story", key=f"request {self._keys}", request_hash=b"story")

    def know(self, identifier: UUID, name: str) -> None:
        """From now on an account of this id is told by name."""
        self._names[str(identifier)] = name

    def name_of(self, account: str) -> str:
        """An account as people read it."""
        kind, _, owner = account.partition(":")
        return f"{kind} · {self._names.get(owner, owner)}" if owner else kind

    def wait(self, *, days: int = 0, until: int) -> None:
        """Time passes, so many days and until a full hour."""
        now = self.clock.now()
        at = (now + timedelta(days=days)).replace(hour=until, minute=0, second=0)
        if at <= now:
            raise ValueError(f"{at} is over")
        self.clock.set(at)

    def wait_for(self, at: datetime) -> None:
        """Time passes until a moment, unless it is over already."""
        self.clock.set(max(at, self.clock.now()))

    async def follow(self, text: str) -> None:
        """Say what happened, let what follows from it happen too, and show what was booked."""
        await upkeep.deliver_sandbox_reports(self.resources)
        if not self._has_worker:
            await self._react()
        self.pen.say(f"{self.clock.now():%a %d %b, %H:%M}. {text}")
        for posting in postings(await self.journal.news(), name_of=self.name_of):
            self.pen.post(posting)

    async def order(self, name: str) -> Order:
        """An order as it is now."""
        return await ask(self.resources.db, order_service.load_order, order_id=self.orders[name])

    async def part(self, name: str, shop: Shop) -> SellerOrder:
        """A shop's part of an order as it is now."""
        [part] = [one for one in (await self.order(name)).parts if one.seller_id == shop.id]
        return part

    async def number(self, name: str) -> str:
        """What an order is called."""
        return order_number((await self.order(name)).number)

    async def balance(self, shop: Shop) -> SellerBalance:
        """What a seller has now, as its own page tells it."""
        found = await ask(
            self.resources.db,
            statement_service.seller_balances,
            policy=self.resources.policy,
            now=self.resources.clock.now(),
            viewer=shop.owner,
            seller_id=shop.id,
        )
        return next(
            (one for one in found if one.currency == CURRENCY), SellerBalance(currency=CURRENCY)
        )

    async def show_balances(self, title: str, shops: Sequence[Shop]) -> None:
        """A table of what sellers have now."""
        rows = []
        for shop in shops:
            held = await self.balance(shop)
            rows.append((shop.name, *map(_figure, figures_of(held))))
        self.pen.table(title, ("", *FIGURES), rows)

    async def _react(self) -> None:
        """Tell every new fact to whoever reacts to it, as the job worker does."""
        db, now = self.resources.db, self.clock.now()
        for _ in range(_RELAY_PATIENCE):
            told = await transact(db, event_service.relay_facts, reactions={}, now=now)
            if not told and not await ask(db, event_service.has_news):
                break
            if not told:
                # PostgreSQL's own housekeeping holds the window back for a moment.
                await asyncio.sleep(_RELAY_PAUSE_SECONDS)
        while facts := await ask(
            db, event_service.read_feed, after=self._told_facts, types=[], limit=_FACTS_AT_ONCE
        ):
            for fact in facts:
                await self._react_to(fact)
            self._told_facts = facts[-1].sequence

    async def _react_to(self, fact: RecordedFact) -> None:
        for reaction in REACTIONS.get(FactType(fact.type), ()):
            if isinstance(reaction, Gathering):
                await reaction.run(self.resources, [fact])
            else:
                await reaction.run(self.resources, fact)


FIGURES: Final = ("pending", "available", "reserve", "owes", "in transit", "paid out")
"""What a seller's balance consists of."""


def figures_of(held: SellerBalance) -> tuple[int, ...]:
    """A balance in the order of `FIGURES`, in minor units."""
    return (
        held.pending_minor,
        held.available_minor,
        held.reserved_minor,
        held.receivable_minor,
        held.in_transit_minor,
        held.paid_out_minor,
    )


def _figure(minor: int) -> str:
    return money(minor, CURRENCY).removesuffix(f" {CURRENCY}")
