"""The sandbox gateway's journal: charges, their movements, and the webhooks still to be sent.

Each function works inside one SQLite transaction that the caller has opened. The constraints of
the tables are the last word: no code above them can capture more than was authorised or refund
more than was captured.
"""

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

import orjson

from gosellr.integrations.payments.port import EventKind, Outcome, PaymentState
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.utils.lazy_dataclasses import dataclass

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS secret (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        value TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS charge (
        attempt_id TEXT NOT NULL PRIMARY KEY,
        gateway_reference TEXT NOT NULL UNIQUE,
        reference TEXT NOT NULL,
        token TEXT NOT NULL,
        currency TEXT NOT NULL CHECK (length(currency) = 3),
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        capture INTEGER NOT NULL CHECK (capture IN (0, 1)),
        state TEXT NOT NULL,
        captured_minor INTEGER NOT NULL,
        refunded_minor INTEGER NOT NULL,
        fee_minor INTEGER NOT NULL CHECK (fee_minor >= 0),
        decline_code TEXT,
        created_at TEXT NOT NULL,
        CHECK (0 <= refunded_minor AND refunded_minor <= captured_minor),
        CHECK (captured_minor <= amount_minor),
        CHECK (captured_minor = 0 OR state IN ('authorized', 'captured'))
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS movement (
        kind TEXT NOT NULL CHECK (kind IN ('capture', 'void', 'refund')),
        movement_id TEXT NOT NULL,
        attempt_id TEXT NOT NULL REFERENCES charge,
        outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'declined')),
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        final INTEGER NOT NULL CHECK (final IN (0, 1)),
        fee_minor INTEGER NOT NULL CHECK (fee_minor >= 0),
        decline_code TEXT,
        occurred_at TEXT NOT NULL,
        PRIMARY KEY (kind, movement_id)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS extension (
        attempt_id TEXT NOT NULL PRIMARY KEY REFERENCES charge,
        authorized_until TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS webhook (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id TEXT NOT NULL UNIQUE,
        body BLOB NOT NULL,
        due_at TEXT NOT NULL,
        copies_left INTEGER NOT NULL CHECK (copies_left > 0),
        failures INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX IF NOT EXISTS webhook_due ON webhook (due_at, sequence)",
    """CREATE TABLE IF NOT EXISTS dispute (
        reference TEXT NOT NULL PRIMARY KEY,
        attempt_id TEXT NOT NULL REFERENCES charge,
        state TEXT NOT NULL CHECK (state IN ('open', 'won', 'lost')),
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        fee_minor INTEGER NOT NULL CHECK (fee_minor >= 0),
        reason TEXT NOT NULL,
        evidence TEXT,
        evidence_due_at TEXT NOT NULL,
        opened_at TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS dispute_of_charge ON dispute (attempt_id, opened_at)",
    """CREATE TABLE IF NOT EXISTS given_back (
        reference TEXT NOT NULL PRIMARY KEY REFERENCES dispute,
        at TEXT NOT NULL
    ) WITHOUT ROWID""",
)


_CHARGE_COLUMNS = (
    "attempt_id, gateway_reference, reference, token, currency, amount_minor, capture, state,"
    " captured_minor, refunded_minor, fee_minor, decline_code, created_at"
)


class MovementKind(StrEnum):
    """What moved the money of a charge."""

    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt as the gateway knows it. `fee_minor` sums the fees of its captures."""

    attempt_id: str
    gateway_reference: str
    reference: str
    token: str
    currency: str
    amount_minor: int
    capture: bool
    state: PaymentState
    captured_minor: int = 0
    refunded_minor: int = 0
    fee_minor: int = 0
    decline_code: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One capture, void or refund with the answer that its idempotency key got."""

    kind: MovementKind
    movement_id: str
    attempt_id: str
    outcome: Outcome
    amount_minor: int
    currency: str
    final: bool = True
    fee_minor: int = 0
    decline_code: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotal:
    """All captured charges of one currency, summed."""

    currency: str
    charges: int
    captured_minor: int
    refunded_minor: int
    fee_minor: int


def instant(moment: datetime) -> str:
    """UTC text of fixed width, which sorts as time does; a naive time is refused."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def reference_of(attempt_id: str) -> str:
    """The gateway's own name for an attempt: the same in every journal."""
    return "sbx_" + hashlib.blake2s(attempt_id.encode(), digest_size=12).hexdigest()


def find_charge(connection: sqlite3.Connection, attempt_id: str) -> Charge | None:
    """The charge of an attempt, or None."""
    row = connection.execute(
        f"SELECT {_CHARGE_COLUMNS} FROM charge WHERE attempt_id = ?",  # noqa: S608 - a constant
        (attempt_id,),
    ).fetchone()
    return None if row is None else _charge_from(row)


def charges_after(connection: sqlite3.Connection, after: str, limit: int) -> list[Charge]:
    """One page of all charges by `gateway_reference`."""
    rows = connection.execute(
        f"SELECT {_CHARGE_COLUMNS} FROM charge"  # noqa: S608 - a constant
        " WHERE gateway_reference > ? ORDER BY gateway_reference LIMIT ?",
        (after, limit),
    )
    return [_charge_from(row) for row in rows]


ChargeAmounts: TypeAlias = tuple[str, str, int, int, int]
"""A charge's attempt, its currency, what was captured and refunded, and the fee, in minor units."""


def amounts_after(connection: sqlite3.Connection, after: str, limit: int) -> list[ChargeAmounts]:
    """A page by attempt, the order they lie in: of each only what books are held against."""
    return connection.execute(
        "SELECT attempt_id, currency, captured_minor, refunded_minor, fee_minor"
        " FROM charge WHERE attempt_id > ? ORDER BY attempt_id LIMIT ?",
        (after, limit),
    ).fetchall()


def currency_totals(connection: sqlite3.Connection) -> list[CurrencyTotal]:
    """What the gateway has taken, given back and kept, per currency."""
    rows = connection.execute(
        "SELECT currency, count(*), sum(captured_minor), sum(refunded_minor), sum(fee_minor)"
        " FROM charge WHERE captured_minor > 0 GROUP BY currency ORDER BY currency"
    )
    return [
        CurrencyTotal(
            currency=row[0],
            charges=row[1],
            captured_minor=row[2],
            refunded_minor=row[3],
            fee_minor=row[4],
        )
        for row in rows
    ]


def _charge_from(row: tuple[Any, ...]) -> Charge:
    return Charge(
        attempt_id=row[0],
        gateway_reference=row[1],
        reference=row[2],
        token=row[3],
        currency=row[4],
        amount_minor=row[5],
        capture=bool(row[6]),
        state=PaymentState(row[7]),
        captured_minor=row[8],
        refunded_minor=row[9],
        fee_minor=row[10],
        decline_code=row[11],
        created_at=datetime.fromisoformat(row[12]),
    )


def insert_charge(connection: sqlite3.Connection, charge: Charge) -> None:
    """Writes a charge that the journal doesn't have yet."""
    connection.execute(
        "INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            charge.attempt_id,
            charge.gateway_reference,
            charge.reference,
            charge.token,
            charge.currency,
            charge.amount_minor,
            charge.capture,
            charge.state,
            charge.captured_minor,
            charge.refunded_minor,
            charge.fee_minor,
            charge.decline_code,
            instant(charge.created_at),
        ),
    )


def update_charge(connection: sqlite3.Connection, charge: Charge) -> None:
    """Writes down what can change of a charge."""
    connection.execute(
        "UPDATE charge SET state = ?, captured_minor = ?, refunded_minor = ?, fee_minor = ?,"
        " decline_code = ? WHERE attempt_id = ?",
        (
            charge.state,
            charge.captured_minor,
            charge.refunded_minor,
            charge.fee_minor,
            charge.decline_code,
            charge.attempt_id,
        ),
    )


def find_movement(
    connection: sqlite3.Connection, kind: MovementKind, movement_id: str
) -> Movement | None:
    """The movement made under an idempotency key, or None."""
    row = connection.execute(
        "SELECT attempt_id, outcome, amount_minor, currency, final, fee_minor, decline_code,"
        " occurred_at FROM movement WHERE kind = ? AND movement_id = ?",
        (kind, movement_id),
    ).fetchone()
    if row is None:
        return None
    return Movement(
        kind=kind,
        movement_id=movement_id,
        attempt_id=row[0],
        outcome=Outcome(row[1]),
        amount_minor=row[2],
        currency=row[3],
        final=bool(row[4]),
        fee_minor=row[5],
        decline_code=row[6],
        occurred_at=datetime.fromisoformat(row[7]),
    )


def find_with_charge(
    connection: sqlite3.Connection, kind: MovementKind, movement_id: str
) -> tuple[Charge, Movement] | None:
    """A movement and its charge. A charge is never deleted, so the two reads can't disagree."""
    movement = find_movement(connection, kind, movement_id)
    charge = None if movement is None else find_charge(connection, movement.attempt_id)
    return None if movement is None or charge is None else (charge, movement)


def extended_until(connection: sqlite3.Connection, attempt_id: str) -> datetime | None:
    """Until when money is set aside that was to be kept for longer; None where it wasn't."""
    row = connection.execute(
        "SELECT authorized_until FROM extension WHERE attempt_id = ?", (attempt_id,)
    ).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])


def extend(connection: sqlite3.Connection, attempt_id: str, until: datetime) -> None:
    """Keep money aside until then."""
    connection.execute(
        "INSERT INTO extension VALUES (?, ?) ON CONFLICT (attempt_id)"
        " DO UPDATE SET authorized_until = excluded.authorized_until",
        (attempt_id, instant(until)),
    )


def insert_movement(connection: sqlite3.Connection, movement: Movement) -> None:
    """Writes a movement whose key the journal doesn't have yet."""
    connection.execute(
        "INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            movement.kind,
            movement.movement_id,
            movement.attempt_id,
            movement.outcome,
            movement.amount_minor,
            movement.currency,
            movement.final,
            movement.fee_minor,
            movement.decline_code,
            instant(movement.occurred_at),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What an event says beside the names of its charge; see `GatewayEvent`."""

    kind: EventKind
    movement_id: str
    amount_minor: int
    fee_minor: int = 0
    decline_code: str | None = None


def queue_event(
    connection: sqlite3.Connection,
    *,
    charge: Charge,
    facts: EventFacts,
    script: SandboxScript,
    occurred_at: datetime,
) -> None:
    """Appends the webhook of a change, in the transaction of that change, as the script wills."""
    # One event per change, named by the change: a repetition can't make a second one.
    name = f"{facts.kind}\x1f{charge.attempt_id}\x1f{facts.movement_id}"
    event_id = "evt_" + hashlib.blake2s(name.encode(), digest_size=12).hexdigest()
    if script.drops(event_id):
        return
    body = orjson.dumps(
        {
            "id": event_id,
            "type": facts.kind,
            "timestamp": instant(occurred_at),
            "data": {
                "attempt_id": charge.attempt_id,
                "movement_id": facts.movement_id,
                "gateway_reference": charge.gateway_reference,
                "amount_minor": facts.amount_minor,
                "currency": charge.currency,
                "fee_minor": facts.fee_minor,
                "decline_code": facts.decline_code,
            },
        }
    )
    due_at = occurred_at + timedelta(seconds=script.delay_seconds)
    connection.execute(
        "INSERT INTO webhook (event_id, body, due_at, copies_left) VALUES (?, ?, ?, ?)",
        (event_id, body, instant(due_at), 1 + script.extra_copies),
    )
