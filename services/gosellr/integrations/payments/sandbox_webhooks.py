"""What the sandbox gateway sends by webhook, how often, and how its own events are read again."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gosellr.integrations.payments import signatures
from gosellr.integrations.payments.port import (
    EventKind,
    GatewayEvent,
    InvalidAmount,
    MalformedEvent,
    check_money,
)
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.integrations.payments.sandbox_store import instant
from gosellr.utils.lazy_dataclasses import dataclass

LARGEST_BODY_BYTES = 64 * 1024
_FIRST_RETRY_SECONDS = 5
_LONGEST_RETRY_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One HTTP POST to make: these headers, these bytes. `sequence` names it to `mark_*`."""

    sequence: int
    event_id: str
    headers: dict[str, str]
    body: bytes


def own_secret(connection: sqlite3.Connection) -> str:
    """The secret which this journal made for itself at birth."""
    connection.execute(
        "INSERT INTO secret VALUES (1, ?) ON CONFLICT DO NOTHING", (signatures.new_secret(),)
    )
    secret: str = connection.execute("SELECT value FROM secret").fetchone()[0]
    return secret


def due_deliveries(
    connection: sqlite3.Connection,
    *,
    keys: Sequence[bytes],
    script: SandboxScript,
    now: datetime,
    limit: int,
) -> list[WebhookDelivery]:
    """What is due at `now`, oldest first unless the script shuffles, signed with that time."""
    rows = connection.execute(
        "SELECT sequence, event_id, body FROM webhook WHERE due_at <= ?"
        " ORDER BY due_at, sequence LIMIT ?",
        (instant(now), limit),
    ).fetchall()
    if script.reorder:
        rows.sort(key=lambda row: script.rank(row[1]))
    return [
        WebhookDelivery(
            sequence=sequence,
            event_id=event_id,
            headers={
                "content-type": "application/json",
                **signatures.signed_headers(event_id=event_id, body=body, keys=keys, now=now),
            },
            body=body,
        )
        for sequence, event_id, body in rows
    ]


def delivered(connection: sqlite3.Connection, sequences: Sequence[int]) -> None:
    """One copy of each has arrived; after the last one a webhook is forgotten."""
    named = [(sequence,) for sequence in sequences]
    connection.executemany("DELETE FROM webhook WHERE sequence = ? AND copies_left = 1", named)
    connection.executemany(
        "UPDATE webhook SET copies_left = copies_left - 1 WHERE sequence = ?", named
    )


def failed(connection: sqlite3.Connection, sequence: int, now: datetime) -> None:
    """The copy didn't arrive: it is due again after a pause that doubles up to an hour."""
    row = connection.execute(
        "UPDATE webhook SET failures = failures + 1 WHERE sequence = ? RETURNING failures",
        (sequence,),
    ).fetchone()
    if row is None:
        return
    pause_seconds = min(_FIRST_RETRY_SECONDS * 2 ** min(row[0] - 1, 16), _LONGEST_RETRY_SECONDS)
    connection.execute(
        "UPDATE webhook SET due_at = ? WHERE sequence = ?",
        (instant(now + timedelta(seconds=pause_seconds)), sequence),
    )


def read_event(event_id: str, body: bytes) -> GatewayEvent:
    """The event in a body whose sender is proven; raises `MalformedEvent`."""
    try:
        document = json.loads(body, object_pairs_hook=_without_repetition)
        data = document["data"]
        check_money(data["amount_minor"], data["currency"])
        event = GatewayEvent(
            event_id=_text(document["id"]),
            kind=EventKind(document["type"]),
            attempt_id=_text(data["attempt_id"]),
            movement_id=_text(data["movement_id"]),
            gateway_reference=_text(data["gateway_reference"]),
            amount_minor=data["amount_minor"],
            currency=data["currency"],
            fee_minor=_whole(data["fee_minor"]),
            decline_code=None if data["decline_code"] is None else _text(data["decline_code"]),
            occurred_at=datetime.fromisoformat(document["timestamp"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedEvent("the body is not an event of the sandbox gateway") from error
    if event.event_id != event_id or event.occurred_at.tzinfo is None:
        raise MalformedEvent("the body contradicts its headers")
    return event


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one body must not see two amounts: a repeated key is refused."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise InvalidAmount("not a whole number of minor units")
    return value
