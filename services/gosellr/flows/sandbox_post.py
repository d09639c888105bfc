"""The sandbox gateway's postman: its reports come in as any gateway's would."""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

from gosellr.flows.one_by_one import one_by_one
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_webhooks import WebhookDelivery

_log = logging.getLogger("gosellr.flows")


async def deliver_due(
    gateway: SandboxGateway,
    take_in: Callable[[WebhookDelivery], Awaitable[None]],
    *,
    take_known: Callable[[Sequence[WebhookDelivery]], Awaitable[Collection[int]]] | None = None,
) -> int:
    """Bring what is due to `take_in`; gives how many were taken.

    One that isn't taken comes back after a pause that doubles, as a gateway's would, and holds up
    none behind it. `take_known` is brought all of them first, and gives the places of those that it
    has taken.
    """
    deliveries = await gateway.pending_webhooks()
    known: Collection[int] = ()
    if take_known is not None and deliveries:
        try:
            known = await take_known(deliveries)
            taken = [deliveries[place].sequence for place in sorted(known)]
            await gateway.mark_all_delivered(sequences=taken)
        except Exception:  # noqa: BLE001 - whatever it was, what wasn't taken is brought singly
            _log.exception("the sandbox's reports weren't taken together")
    due = {one.sequence: one for place, one in enumerate(deliveries) if place not in known}

    async def bring(sequence: int) -> bool:
        try:
            await take_in(due[sequence])
        except Exception:
            await gateway.mark_failed(sequence=sequence)
            raise
        await gateway.mark_delivered(sequence=sequence)
        return True

    brought = await one_by_one(list(due), bring, story="a report of the sandbox")
    return len(known) + brought
