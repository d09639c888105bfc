"""Pulling a provider's movements: asked page by page, each page imported by itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Database
from gosellr.core.errors import Conflict, InvalidInput, ServiceUnavailable
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import one_by_one
from gosellr.integrations.payments.journal_port import JournalUnread
from gosellr.integrations.payments.port import GatewayMovement, PaymentGateway, TellsMovements
from gosellr.integrations.payments.report_port import ListsByTime
from gosellr.models.reconciliation_values import ImportedStatement, NewMovement
from gosellr.services import (
    movement_list_service,
    reconciliation_questions,
    reconciliation_service,
)
from gosellr.services.reconciliation_service import MOVEMENTS_MAX
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.viewer import Viewer

# So late a provider may tell of what happened, and so long our own books may take.
_TOLD_LATE = timedelta(hours=24)
_SETTLES_WITHIN = timedelta(minutes=15)
_PAGE = 1_000


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
        ServiceUnavailable: the provider doesn't answer.
    """
    asked: object = gateways.get(gateway)
    if not isinstance(asked, TellsMovements):
        raise TellsNoMovements
    statements: list[ImportedStatement] = []
    after = ""
    while page := await _page(asked, after=after):
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


async def import_told(
    db: Database,
    *,
    gateways: Mapping[str, PaymentGateway],
    gateway: str,
    movements: Sequence[NewMovement],
    viewer: Viewer,
    now: datetime,
) -> ImportedStatement:
    """Import what a person brings of a gateway of this market, or of one that was one: it has books
    here, and may have something left to tell.

    Raises:
        InvalidInput: the market has no such gateway; a name that was mistyped would have books of
            its own.
        As `import_movements` raises.
    """
    if gateway not in gateways:
        standing = await ask(db, reconciliation_questions.standing, now=now)
        if gateway not in {one.gateway for one in standing}:
            raise InvalidInput.at("gateway", "gateway_unknown", "This market has no such gateway")
    return await transact(
        db,
        reconciliation_service.import_movements,
        gateway=gateway,
        source="document",
        movements=movements,
        imported_by=viewer.user_id,
        now=now,
    )


async def _page(asked: TellsMovements, *, after: str) -> Sequence[GatewayMovement]:
    try:
        return await asked.movements(after=after, limit=MOVEMENTS_MAX)
    except JournalUnread as error:
        raise ServiceUnavailable(str(error)) from error


async def read_on(db: Database, *, gateways: Mapping[str, PaymentGateway], now: datetime) -> int:
    """Import what is new at every provider whose list goes by time; gives for how many that went
    well.

    Each goes on from where it was left, the first time from our first payment there, and a little
    before that, since some movements are told late. What happened just now is left for the next
    time: our own books may not know it yet.
    """

    async def read(gateway: str) -> bool:
        asked: object = gateways[gateway]
        if not isinstance(asked, ListsByTime):
            return False
        until = await ask(db, movement_list_service.read_until, gateway=gateway)
        if until is None:
            return False
        after = asked.place_at(until - _TOLD_LATE)
        while page := await asked.movements(after=after, limit=_PAGE):
            settled = [one for one in page if one.occurred_at <= now - _SETTLES_WITHIN]
            if settled:
                after = settled[-1].cursor
                await transact(
                    db,
                    movement_list_service.import_page,
                    gateway=gateway,
                    movements=[_new(one) for one in settled],
                    until=settled[-1].occurred_at,
                    now=now,
                )
            if len(settled) < len(page):
                break
        # What waited may be known by now, also where nothing new was told.
        await transact(db, reconciliation_service.match_again, gateway=gateway, now=now)
        return True

    listing = [name for name, one in gateways.items() if isinstance(one, ListsByTime)]
    return await one_by_one(listing, read, story="reading on in a provider's list")


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
