"""The sandbox gateway's postman: its reports come in as any gateway's would."""

from collections.abc import Awaitable, Callable

from gosellr.flows.one_by_one import one_by_one
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_webhooks import WebhookDelivery


async def deliver_due(
    gateway: SandboxGateway, take_in: Callable[[WebhookDelivery], Awaitable[None]]
) -> int:
    """Bring what is due to `take_in`; gives how many were taken.

    One that isn't taken comes back after a pause that doubles, as a gateway's would, and holds up
    none behind it.
    """
    due = {one.sequence: one for one in await gateway.pending_webhooks()}

    async def bring(sequence: int) -> bool:
        try:
            await take_in(due[sequence])
        except Exception:
            await gateway.mark_failed(sequence=sequence)
            raise
        await gateway.mark_delivered(sequence=sequence)
        return True

    return await one_by_one(list(due), bring, story="a report of the sandbox")
