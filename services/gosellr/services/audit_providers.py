"""What the journals of gateways and payout providers say, held against our own rows."""

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import audit_gateways
from gosellr.queries.audit import Offence

_AT_ONCE = 50_000
_FIRST_ID = UUID(int=0)
_LAST_ID = UUID(int=2**128 - 1)


# A tuple, because a journal has a million of them: they are made, sorted and told apart in C.
class GatewayCharge(NamedTuple):
    """A charge as its gateway's journal has it; `attempt_id` is our payment's id, as it is
    written."""

    attempt_id: str
    currency: str
    captured_minor: int
    refunded_minor: int
    fee_minor: int
    # What banks hold or have kept of it.
    # None where the gateway doesn't say.
    disputed_minor: int | None = None


async def compare_charges(
    connection: Connection,
    *,
    gateway: str,
    charges: Iterable[GatewayCharge],
    at_once: int = _AT_ONCE,
) -> list[Offence]:
    """Both ways: no charge without its payment, no captured payment without its charge.

    They are compared in the order of their ids: a batch is all there is between two of them, on
    both sides.
    """
    ordered = sorted(charges, key=attrgetter("attempt_id"))
    found: list[Offence] = []
    start, after, until = 0, _FIRST_ID, _FIRST_ID
    while until != _LAST_ID:
        end = start + at_once
        # Two charges of one attempt belong to one batch.
        while end < len(ordered) and ordered[end].attempt_id == ordered[end - 1].attempt_id:
            end += 1
        batch = ordered[start:end]
        until = UUID(batch[-1].attempt_id) if end < len(ordered) else _LAST_ID
        found += await audit_gateways.find_charge_offences(
            connection, gateway=gateway, charges=batch, after=after, until=until
        )
        start, after = end, until
    return found
