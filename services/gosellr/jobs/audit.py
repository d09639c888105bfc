"""The audit of a whole market, also while it runs: gateways' journals, then one snapshot."""

from collections.abc import Mapping
from datetime import datetime

from gosellr.core.db import Database
from gosellr.core.transact import snapshot
from gosellr.integrations.payments.port import PaymentGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.services.audit_service import Finding, GatewayCharge, audit

_PAGE = 1_000
_GATEWAY_INVARIANT = 7


async def audit_market(
    db: Database, *, gateways: Mapping[str, PaymentGateway], now: datetime
) -> list[Finding]:
    """Everything that is wrong with a market; nothing when all is well.

    A payment that settles between the reading of the gateway's journal and the snapshot looks
    like a difference once, and never twice: what two looks agree on is real.
    """
    found = await _look(db, gateways=gateways, now=now)
    if all(finding.number != _GATEWAY_INVARIANT for finding in found):
        return found
    again = {row.row for one in await _look(db, gateways=gateways, now=now) for row in one.rows}
    lasting = [
        Finding(one.number, one.name, tuple(row for row in one.rows if row.row in again))
        if one.number == _GATEWAY_INVARIANT
        else one
        for one in found
    ]
    return [one for one in lasting if one.rows]


async def _look(
    db: Database, *, gateways: Mapping[str, PaymentGateway], now: datetime
) -> list[Finding]:
    journals = {
        name: await _charges(gateway)
        for name, gateway in gateways.items()
        if isinstance(gateway, SandboxGateway)
    }
    return await snapshot(db, audit, now=now, gateway_journals=journals)


async def _charges(gateway: SandboxGateway) -> list[GatewayCharge]:
    charges: list[GatewayCharge] = []
    after = ""
    while page := await gateway.journal(after_reference=after, limit=_PAGE):
        charges += [
            GatewayCharge(
                attempt_id=charge.attempt_id,
                currency=charge.currency,
                captured_minor=charge.captured_minor,
                refunded_minor=charge.refunded_minor,
                fee_minor=charge.fee_minor,
            )
            for charge in page
        ]
        after = page[-1].gateway_reference
    return charges
