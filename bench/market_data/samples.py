"""Orders to be copied: the market's own checkout places and pays them, then they are undone.

What it wrote is read back as COPY's text, with a hole for whatever differs from order to order.
So a past order has every column that a real one has, and figures that nobody made up.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import orjson

from bench.market_data.catalogue import ADDRESS
from gosellr.core.db import SCHEMA, Connection
from gosellr.core.identity import new_id
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_store import reference_of
from gosellr.queries import ledger
from gosellr.services import checkout_service, payment_service
from gosellr.services.basket_service import CheckoutRequest, Tender
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.opened_order import OpenedOrder
from gosellr.services.payment_answers import GatewayAnswer
from gosellr.services.pricing_service import PricingContext
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.ledger import transaction_bytes, transaction_hash
from gosellr.utils.permissions import Role
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import PaymentStatus
from gosellr.utils.viewer import Viewer

TOKEN: Final = "tok_ok"  # noqa: S105 - the sandbox's own, not a secret
ANSWERED_AFTER: Final = timedelta(seconds=1.5)
# Fractions that nothing else has, so that every moment is found again.
_PLACED: Final = datetime(2025, 6, 30, 21, 43, 17, 123457, tzinfo=UTC)
_PAID: Final = _PLACED + ANSWERED_AFTER
_POLICY: Final = MarketPolicy()
_EMAIL: Final = "sample.buyer@buyers.example"

# Which rows of a table belong to the order $1, in an order that is the same every time.
_ROWS: Final[Mapping[str, str]] = {
    "orders": "id = $1",
    "seller_order": "order_id = $1 ORDER BY index",
    "order_line": "order_id = $1 ORDER BY position",
    "payment": "order_id = $1",
    "stock_reservation": "order_id = $1 ORDER BY variant_id",
    "order_event": "order_id = $1 ORDER BY sequence",
    "ledger_transaction": "order_id = $1",
    "ledger_entry": "transaction_id = (SELECT id FROM ledger_transaction WHERE order_id = $1)"
    " ORDER BY position",
    "outbox_event": "aggregate_id = $1 ORDER BY sequence",
}
# Tables whose ids are made anew for every copy, and what the copies call them.
NAMED: Final[Mapping[str, str]] = {
    "seller_order": "part",
    "order_line": "line",
    "payment": "payment",
    "stock_reservation": "hold",
    "ledger_transaction": "booking",
    "outbox_event": "fact",
}
# Numbered by the database, or by the transaction that writes.
_OWN_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = ($1::text)::regclass AND attnum > 0 AND NOT attisdropped
  AND attidentity = '' AND attname <> 'written_by'
ORDER BY attnum
"""
_HELD = """
SELECT variant_id, location_id, bucket, quantity FROM stock_reservation
WHERE order_id = $1 ORDER BY variant_id
"""


class NotASample(Exception):
    """The checkout wrote something that copies can't be made of."""


@dataclass(frozen=True, slots=True)
class Held:
    """Units that an order holds."""

    variant_id: UUID
    location_id: UUID
    bucket: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An order with holes, for the `%` of a mapping.

    `tables` holds its rows. `entries` and `head` make the text that the journal's hash is made
    of. `counts` says how many ids of each name it needs.
    """

    tables: Mapping[str, str]
    entries: str
    head: str
    total_minor: int
    held: tuple[Held, ...]
    counts: Mapping[str, int]

    def canonical(self, values: Mapping[str, Any]) -> bytes:
        """What a copy is hashed from: its entries sort by their own text."""
        entries = ",".join(sorted((self.entries % values).split("\n")))
        return f'{{"entries":[{entries}],"transaction":{self.head % values}}}'.encode("ascii")


async def columns_of(connection: Connection) -> dict[str, list[str]]:
    """The columns that copies are written with."""
    return {
        table: [row["attname"] for row in await connection.fetch(_OWN_COLUMNS, table)]
        for table in _ROWS
    }


async def take_sample(
    connection: Connection,
    *,
    buyer_id: UUID,
    items: tuple[tuple[UUID, int], ...],
    columns: Mapping[str, list[str]],
) -> Sample:
    """Buy these variants, read what was written, and undo it.

    Raises what the checkout raises, and `NotASample`.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        order_id, total_minor = await _buy(connection, buyer_id=buyer_id, items=items)
        return await _read(
            connection,
            order_id=order_id,
            buyer_id=buyer_id,
            total_minor=total_minor,
            columns=columns,
        )
    finally:
        await transaction.rollback()


async def _buy(
    connection: Connection, *, buyer_id: UUID, items: tuple[tuple[UUID, int], ...]
) -> tuple[UUID, int]:
    order_id = new_id()
    opened = await checkout_service.open_order(
        connection,
        order_id=order_id,
        viewer=Viewer(user_id=buyer_id, roles=frozenset({Role.BUYER}), email=_EMAIL),
        request=CheckoutRequest(
            tenders=(Tender(method=SandboxGateway.name, token=TOKEN),),
            items=items,
            email=_EMAIL,
            shipping_address=ADDRESS,
        ),
        key=RequestKey(scope="sample", key=str(order_id), request_hash=b""),
        token_hash=None,
        context=PricingContext(policy=_POLICY, now=_PLACED, terms_shelf=TermsShelf()),
    )
    if not isinstance(opened, OpenedOrder) or len(opened.payment_ids) != 1:
        raise NotASample("one order with one payment is wanted")
    (payment_id,) = opened.payment_ids
    standing = await payment_service.standing(connection, order_id=order_id)
    plan = payment_service.plan_of(standing, now=_PLACED, fresh=opened.payment_ids)
    total_minor = sum(payment.amount_minor for _, payment in plan.asks)
    await payment_service.record(
        connection,
        order_id=order_id,
        answers=[
            GatewayAnswer(
                payment_id=payment_id,
                status=PaymentStatus.CAPTURED,
                sent=True,
                captured_minor=total_minor,
                gateway_reference=reference_of(str(payment_id)),
            )
        ],
        policy=_POLICY,
        now=_PAID,
    )
    return order_id, total_minor


async def _read(
    connection: Connection,
    *,
    order_id: UUID,
    buyer_id: UUID,
    total_minor: int,
    columns: Mapping[str, list[str]],
) -> Sample:
    ids = {
        name: [
            str(row["id"])
            for row in await connection.fetch(
                f"SELECT id FROM {table} WHERE {_ROWS[table]}",  # noqa: S608 - constants
                order_id,
            )
        ]
        for table, name in NAMED.items()
    }
    booked = await ledger.find_of_order(connection, order_id=order_id, limit=2)
    if len(booked) != 1 or len(ids["payment"]) != 1:
        raise NotASample("one payment, booked once, is wanted")
    holes = _Holes(order_id=order_id, buyer_id=buyer_id, ids=ids, digest=booked[0].hash)
    tables = {}
    for table in _ROWS:
        text = await _copied(connection, table, columns[table], order_id=order_id)
        tables[table] = holes.cut(text)
    entries, head = _canonical_parts(booked[0])
    sample = Sample(
        tables=tables,
        entries=holes.cut(entries),
        head=holes.cut(head),
        total_minor=total_minor,
        held=tuple(Held(*row) for row in await connection.fetch(_HELD, order_id)),
        counts={name: len(found) for name, found in ids.items()},
    )
    if transaction_hash(sample.canonical(holes.values)) != booked[0].hash:
        raise NotASample("the journal's hash is made of something else by now")
    return sample


async def _copied(connection: Connection, table: str, columns: list[str], *, order_id: UUID) -> str:
    chosen = ", ".join(
        f"'{_Holes.NUMBER}'" if (table, column) == ("orders", "number") else f'"{column}"'
        for column in columns
    )
    output = BytesIO()
    await connection.copy_from_query(
        f"SELECT {chosen} FROM {SCHEMA}.{table} WHERE {_ROWS[table]}",  # noqa: S608 - constants
        order_id,
        output=output,
    )
    return output.getvalue().decode()


def _canonical_parts(booked: ledger.BookedTransaction) -> tuple[str, str]:
    """The entries, a line each, and the head of what a transaction's hash is made from."""
    names = ("kind", "cause_type", "cause_id", "idempotency_key", "effective_at", "booked_at",
             "actor", "entries", "order_id", "corrects_id", "facts")  # fmt: skip
    written: dict[str, Any] = {name: getattr(booked, name) for name in names}
    document = orjson.loads(transaction_bytes(transaction_id=booked.id, **written))

    def compact(part: Any) -> str:
        return orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode()

    return "\n".join(compact(entry) for entry in document["entries"]), compact(
        document["transaction"]
    )


class _Holes:
    """Cuts out of a text what is an order's own. `values` would fill it up again."""

    NUMBER: Final = "@number@"

    def __init__(
        self, *, order_id: UUID, buyer_id: UUID, ids: Mapping[str, list[str]], digest: bytes
    ) -> None:
        self.values: dict[str, str] = {
            "order": str(order_id),
            "buyer": str(buyer_id),
            "email": _EMAIL,
            "number": self.NUMBER,
            "reference": reference_of(ids["payment"][0]),
            "hash": digest.hex(),
            "paid_exactly": _PAID.isoformat(timespec="microseconds"),
            "placed": _as_copied(_PLACED),
            "paid": _as_copied(_PAID),
            "ship_by": _as_copied(_PAID + _POLICY.ship_within),
        }
        for name, found in ids.items():
            for place, each in enumerate(found, 1):
                self.values[f"{name}{place}"] = each
        self._own = {value: name for name, value in self.values.items()}
        longest_first = sorted(self._own, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def cut(self, text: str) -> str:
        """The text with holes. Raises `NotASample` where something of the order is left."""
        cut = self._pattern.sub(lambda found: f"%({self._own[found[0]]})s", text.replace("%", "%%"))
        if f"{_PLACED:%Y-%m-%d}" in cut or "21:43" in cut:
            raise NotASample("there is a moment that copies wouldn't change")
        return cut


def _as_copied(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="microseconds").replace("+00:00", "+00")
