"""What the journals of gateways and payout providers say, held against our own rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import audit_gateways
from gosellr.queries.audit import Offence

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class GatewayCharge:
    """A charge as its gateway's journal has it; `attempt_id` is our payment's id."""

    attempt_id: str
    currency: str
    captured_minor: int
    refunded_minor: int
    fee_minor: int
    # What banks hold or have kept of it.
    # None where the gateway doesn't say.
    disputed_minor: int | None = None


async def compare_charges(
    connection: Connection, *, gateway: str, charges: Iterable[GatewayCharge]
) -> list[Offence]:
    """Both ways: no charge without its payment, no captured payment without its charge."""
    found: list[Offence] = []
    # As text: a million of them are made into objects by nobody.
    at_gateway: set[str] = set()
    remaining = iter(charges)
    while batch := list(islice(remaining, _BATCH)):
        rows = [
            (
                charge.attempt_id,
                charge.currency,
                charge.captured_minor,
                charge.refunded_minor,
                charge.fee_minor,
                charge.disputed_minor,
            )
            for charge in batch
        ]
        at_gateway.update(row[0] for row in rows)
        found += await audit_gateways.find_charge_offences(
            connection, gateway=gateway, charges=rows
        )
    after = UUID(int=0)
    while ours := await audit_gateways.find_captured(
        connection, gateway=gateway, after=after, limit=_BATCH
    ):
        found += [
            Offence(f"payment {payment_id}", f"is captured, and {gateway} knows nothing of it")
            for payment_id in ours
            if payment_id not in at_gateway
        ]
        after = UUID(ours[-1])
    return found
