"""Loading past orders: samples of the real checkout, written a million times with ids of their own.

All of them are paid and wait to be shipped, so their goods are held and their money is pending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.market_data import closing
from bench.market_data.catalogue import FIRST_LISTED, LISTED_FOR, VARIANTS, Catalogue
from bench.market_data.draws import Draws, Noun, id_text, mixed, weighted
from bench.market_data.gateway_journal import GatewayJournal
from bench.market_data.loading import copy_rows, in_chunks, loader
from bench.market_data.samples import (
    ANSWERED_AFTER,
    NAMED,
    Sample,
    columns_of,
    take_sample,
)
from gosellr.core.db import Connection
from gosellr.integrations.payments.sandbox_store import reference_of
from gosellr.queries import outbox
from gosellr.utils.ledger import transaction_hash
from gosellr.utils.policy import MarketPolicy

FIRST_PLACED: Final = FIRST_LISTED + LISTED_FOR
PLACED_FOR: Final = timedelta(days=180)
CHUNK: Final = 500
_SAMPLES: Final = 500
_CHOICES: Final = 1 << 12
_SHIP_WITHIN: Final = MarketPolicy().ship_within
_NOUNS: Final[Mapping[str, Noun]] = {
    "part": Noun.PART,
    "line": Noun.LINE,
    "payment": Noun.PAYMENT,
    "hold": Noun.HOLD,
    "booking": Noun.BOOKING,
    "fact": Noun.FACT,
}
_PLACES_APART: Final = 8

_BUYERS = """
INSERT INTO user_account (id, issuer, subject, email, name, roles, created_at, updated_at)
SELECT id, 'gosellr', id::text, email, 'Ada Lovelace', '{buyer}', $3, $3
FROM unnest($1::uuid[], $2::text[]) AS buyer (id, email)
"""
# The last number given to a past order: real ones go on behind it.
_TAKE_NUMBERS = """
SELECT setval('order_number', nextval('order_number') + $1::bigint - 1)
"""


@dataclass(frozen=True)
class PastOrders:
    """Which orders were loaded, told from two numbers."""

    orders: int
    seed: int = 1
    draws: Draws = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "draws", Draws(self.seed))

    @property
    def buyers(self) -> int:
        """How many people bought."""
        return max(1, self.orders // 10)

    def order_id(self, place: int) -> UUID:
        """The order at a place, oldest first."""
        return UUID(int=self.draws.id_number(Noun.ORDER, place, unix_ms=_ms(self.placed_at(place))))

    def placed_at(self, place: int) -> datetime:
        """When the order at a place was placed."""
        offset_ms = place * (PLACED_FOR // timedelta(milliseconds=1)) // self.orders
        return FIRST_PLACED + timedelta(milliseconds=offset_ms)

    def buyer_of(self, place: int) -> int:
        """Who placed the order at a place."""
        return (self.draws.bits(Noun.PURCHASE, place) >> 12) % self.buyers

    def buyer_id(self, buyer: int) -> UUID:
        """The account of a buyer."""
        return UUID(int=self.draws.id_number(Noun.BUYER, buyer, unix_ms=_ms(FIRST_LISTED)))

    def buyer_email(self, buyer: int) -> str:
        """The address of a buyer."""
        return f"buyer-{buyer}-of-{self.seed}@buyers.example"


async def load_orders(
    owner_dsn: str, *, catalogue: Catalogue, orders: int, seed: int = 1, home: Path
) -> PastOrders:
    """Give a loaded market a past; `home` is its folder, where the sandbox gateway's journal is.

    Seals and roll-ups are made, and all facts are told: a worker that starts finds nothing to do.

    Raises:
        RuntimeError: when facts wait to be told, because they would be told to nobody.
        asyncpg.UniqueViolationError: when orders of this seed were loaded before.
    """
    past = PastOrders(orders, seed)
    async with loader(owner_dsn) as connection:
        if await outbox.has_news(connection):
            raise RuntimeError("start a worker first: facts wait to be told")
        await _add_buyers(connection, past)
        columns = await columns_of(connection)
        await connection.execute("SET plan_cache_mode = auto")
        samples = [
            await take_sample(connection, buyer_id=past.buyer_id(0), items=items, columns=columns)
            for items in _baskets(catalogue, past, count=_samples_for(orders))
        ]
        last_number = await connection.fetchval(_TAKE_NUMBERS, orders)
    writer = _Writer(
        past=past, samples=samples, first_number=last_number - orders + 1, columns=columns
    )
    with GatewayJournal(home) as journal:

        async def write(connection: Connection, places: range) -> None:
            copies = [writer.copy(place) for place in places]
            async with connection.transaction():
                for table, names in columns.items():
                    lines = [copy.sample.tables[table] % copy.values for copy in copies]
                    await copy_rows(connection, table, names, lines)
            await journal.add(
                [
                    (
                        copy.values["payment1"],
                        copy.values["order"],
                        copy.sample.total_minor,
                        copy.placed_at,
                    )
                    for copy in copies
                ]
            )

        await in_chunks(owner_dsn, count=orders, size=CHUNK, work=write, unchecked=True)
    async with loader(owner_dsn) as connection:
        await closing.close_books(
            connection, held=writer.held(), now=FIRST_PLACED + PLACED_FOR + ANSWERED_AFTER
        )
    return past


def _samples_for(orders: int) -> int:
    """Half as many baskets as there are orders, a hundred, or a hundredth: none is alone."""
    return max(1, min(orders // 2, max(100, orders // 100), _SAMPLES))


async def _add_buyers(connection: Connection, past: PastOrders) -> None:
    buyers = range(past.buyers)
    await connection.execute(
        _BUYERS,
        [past.buyer_id(buyer) for buyer in buyers],
        [past.buyer_email(buyer) for buyer in buyers],
        FIRST_LISTED,
    )


def _baskets(
    catalogue: Catalogue, past: PastOrders, *, count: int
) -> list[tuple[tuple[UUID, int], ...]]:
    """What is bought together: one to three of two variants that two sellers have."""
    baskets = []
    for place in range(count):
        drawn = past.draws.bits(Noun.BASKET, place)
        bought = [_variant_place(catalogue, drawn)]
        first = catalogue.variant(bought[0])
        while len(bought) < 2:
            drawn = mixed(drawn)
            candidate = _variant_place(catalogue, drawn)
            if catalogue.variant(candidate).seller_id != first.seller_id:
                bought.append(candidate)
        baskets.append(
            tuple(
                (catalogue.variant(each).id, 1 + (drawn >> 40 + 2 * turn) % 3)
                for turn, each in enumerate(bought)
            )
        )
    return baskets


def _variant_place(catalogue: Catalogue, drawn: int) -> int:
    return (drawn & 0xFFFF_FFFF) * catalogue.products * VARIANTS >> 32


@dataclass(frozen=True, slots=True)
class _Copy:
    """What fills the holes of a sample."""

    sample: Sample
    values: Mapping[str, Any]
    placed_at: datetime


class _Writer:
    """Makes the copies, each a function of its place."""

    def __init__(
        self,
        *,
        past: PastOrders,
        samples: Sequence[Sample],
        first_number: int,
        columns: Mapping[str, Sequence[str]],
    ) -> None:
        self._past = past
        self._samples = samples
        self._first_number = first_number
        self._columns = columns
        self._choices = weighted(len(samples), size=_CHOICES, flatness=len(samples) / 5)

    def copy(self, place: int) -> _Copy:
        """The order at a place."""
        past, sample = self._past, self._sample(place)
        placed_at = past.placed_at(place)
        unix_ms = _ms(placed_at)
        buyer = past.buyer_of(place)
        paid_at = placed_at + ANSWERED_AFTER
        paid = paid_at.isoformat(timespec="microseconds")
        values: dict[str, Any] = {
            "order": id_text(past.draws.id_number(Noun.ORDER, place, unix_ms=unix_ms)),
            "buyer": str(past.buyer_id(buyer)),
            "email": past.buyer_email(buyer),
            "number": self._first_number + place,
            "placed": placed_at.isoformat(),
            "paid": paid,
            "paid_exactly": paid,
            "ship_by": (paid_at + _SHIP_WITHIN).isoformat(),
        }
        for name, count in sample.counts.items():
            first, noun = place * _PLACES_APART, _NOUNS[name]
            for own in range(count):
                number = past.draws.id_number(noun, first + own, unix_ms=unix_ms)
                values[f"{name}{own + 1}"] = id_text(number)
        values["reference"] = reference_of(values["payment1"])
        values["hash"] = transaction_hash(sample.canonical(values)).hex()
        return _Copy(sample, values, placed_at)

    def held(self) -> dict[tuple[UUID, UUID, int], int]:
        """The units that all copies hold, by variant, place and bucket."""
        units: dict[tuple[UUID, UUID, int], int] = {}
        for place in range(self._past.orders):
            for hold in self._sample(place).held:
                key = (hold.variant_id, hold.location_id, hold.bucket)
                units[key] = units.get(key, 0) + hold.quantity
        return units

    def _sample(self, place: int) -> Sample:
        drawn = self._past.draws.bits(Noun.PURCHASE, place)
        return self._samples[self._choices[drawn % _CHOICES]]


def _ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


assert set(_NOUNS) == set(NAMED.values())
