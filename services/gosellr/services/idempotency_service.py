"""The same request twice has one effect and one answer.

The key is claimed in the transaction of the effect itself, so that neither exists without
the other. PostgreSQL's unique key is the arbiter between simultaneous requests.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, DomainError, InvalidInput
from gosellr.queries import idempotency as queries
from gosellr.utils.lazy_dataclasses import dataclass

KEY_LENGTH_MAX = 255
T = TypeVar("T")


class IdempotencyKeyRequired(DomainError):
    """The operation moves money or stock and must be repeatable safely."""

    code = "idempotency_key_required"
    status = 400
    title = "Send an Idempotency-Key header"


class IdempotencyKeyReused(DomainError):
    """The key already stands for another request."""

    code = "idempotency_key_reused"
    status = 422
    title = "This Idempotency-Key belongs to another request"


class IdempotencyInProgress(Conflict):
    """The first request under the key is still running."""

    code = "idempotency_in_progress"
    title = "The same request is still running"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """A request as its key sees it. `scope` holds the caller and the route."""

    scope: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRequest:
    """What became of the first request: its answer, or only what it made so far."""

    resource_id: str | None
    status: int | None
    body: bytes | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a request is answered, to be kept for whoever sends it again."""

    request: RequestKey
    status: int
    body: bytes


def request_key(*, caller: str, route: str, key: str | None, body: bytes) -> RequestKey:
    """Name a request.

    Raises:
        IdempotencyKeyRequired: without a key.
        InvalidInput: for a key that is too long or not printable.
    """
    if not key:
        raise IdempotencyKeyRequired
    if len(key) > KEY_LENGTH_MAX or not key.isprintable():
        raise InvalidInput.at(
            "Idempotency-Key", "key_form", f"A key has at most {KEY_LENGTH_MAX} printable letters"
        )
    return RequestKey(
        scope=f"{caller} {route}", key=key, request_hash=hashlib.sha256(body).digest()
    )


async def once(
    connection: Connection,
    command: Callable[[Connection], Awaitable[T]],
    *,
    request: RequestKey,
    made: Callable[[T], str],
    now: datetime,
    kept_for: timedelta,
) -> T | EarlierRequest:
    """Run a command under a key, both in this transaction; what was asked before isn't run again.

    `made` names what came of it, as whoever asks again is told by `resource_id`.

    Raises:
        IdempotencyKeyReused: when the earlier request was another one.
        What the command raises: and then the key is free again.
    """
    earlier = await claim(connection, request=request, resource_id=None, now=now, kept_for=kept_for)
    if earlier is not None:
        return earlier
    result = await command(connection)
    await point_at(connection, request=request, resource_id=made(result))
    return result


async def claim(
    connection: Connection,
    *,
    request: RequestKey,
    resource_id: str | None,
    now: datetime,
    kept_for: timedelta,
) -> EarlierRequest | None:
    """Claim the key for the effect of this transaction; an earlier request is returned instead.

    Raises:
        IdempotencyKeyReused: when the earlier request was another one.
    """
    if await queries.claim(
        connection,
        scope=request.scope,
        key=request.key,
        request_hash=request.request_hash,
        resource_id=resource_id,
        now=now,
        expires_at=now + kept_for,
    ):
        return None
    return await find(connection, request=request)


async def point_at(connection: Connection, *, request: RequestKey, resource_id: str) -> None:
    """The claimed request made nothing new: what it is about existed."""
    await queries.point_at(
        connection, scope=request.scope, key=request.key, resource_id=resource_id
    )


async def find(connection: Connection, *, request: RequestKey) -> EarlierRequest | None:
    """The earlier request under the key, if there is one.

    Raises:
        IdempotencyKeyReused: when the earlier request was another one.
    """
    stored = await queries.find(connection, scope=request.scope, key=request.key)
    if stored is None:
        return None
    if stored.request_hash != request.request_hash:
        raise IdempotencyKeyReused
    return EarlierRequest(
        resource_id=stored.resource_id,
        status=stored.response_status,
        body=stored.response_body,
        created_at=stored.created_at,
    )


async def finish(
    connection: Connection, *, request: RequestKey, status: int, body: bytes, now: datetime
) -> None:
    """Keep the answer for whoever asks again."""
    await queries.finish(
        connection, scope=request.scope, key=request.key, status=status, body=body, now=now
    )


async def forget_expired(connection: Connection, *, now: datetime) -> int:
    """Delete keys past their time; gives how many."""
    return await queries.delete_expired(connection, now=now)
