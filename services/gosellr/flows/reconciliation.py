"""Pulling a provider's movements: asked page by page, each page imported by itself."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Database
from gosellr.core.errors import Conflict
from gosellr.core.transact import transact
from gosellr.integrations.payments.port import GatewayMovement, PaymentGateway, TellsMovements
from gosellr.models.reconciliation_values import ImportedStatement, NewMovement
from gosellr.services import reconciliation_service
from gosellr.services.reconciliation_service import MOVEMENTS_MAX
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.viewer import Viewer


class TellsNoMovements(Conflict):
    """This provider isn't configured, or lists nothing that we can read."""

    code = "tells_no_movements"
    title = "This provider's movements can't be fetched; import a document"


async def pull(
    db: Database,
    *,
    gateways: Mapping[str, PaymentGateway],
    gateway: str,
    viewer: Viewer,
    now: datetime,
) -> list[ImportedStatement]:
    """Import all that a provider tells, from its beginning: what is known changes nothing.

    What was imported before a cut stays, and the next pull goes over it again.

    Raises:
        TellsNoMovements, and what `import_movements` raises.
    """
    asked: object = gateways.get(gateway)
    if not isinstance(asked, TellsMovements):
        raise TellsNoMovements
    statements: list[ImportedStatement] = []
    after = ""
    while page := await asked.movements(after=after, limit=MOVEMENTS_MAX):
        statements.append(
            await transact(
                db,
                reconciliation_service.import_movements,
                gateway=gateway,
                source="gateway",
                movements=[_new(one) for one in page],
                imported_by=viewer.user_id,
                now=now,
            )
        )
        after = page[-1].cursor
    return statements


def _new(told: GatewayMovement) -> NewMovement:
    return NewMovement(
        reference=told.reference,
        kind=MovementKind(told.kind),
        currency=told.currency,
        amount_minor=told.amount_minor,
        fee_minor=told.fee_minor,
        related=told.gateway_reference,
        key=_key(told.movement_id),
        occurred_at=told.occurred_at,
    )


def _key(movement_id: str | None) -> UUID | None:
    try:
        return None if movement_id is None else UUID(movement_id)
    except ValueError:
        # Not one of ours: a charge that somebody else made on the account.
        return None
