"""Stock on hand: counted, moved and told, always with its journal. Holds are kept elsewhere."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import decode_cursor, encode_cursor
from gosellr.models.catalogue_names import offers_changed
from gosellr.models.events import Fact, FactType
from gosellr.queries import locks, outbox, product_cards, sellers, stock_buckets
from gosellr.queries import stock as queries
from gosellr.queries.stock import Cause
from gosellr.services import idempotency_service
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.seller_scope import require_in_seller, seller_acted_for
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

# Sixteen rows are as many rivals as a machine serves at a time; a bucket that holds less than
# eight units would be empty before it was worth its row.
BUCKETS_MAX = 16
UNITS_PER_BUCKET = 8
# Who sells less than a unit of each bucket in this time has no rivals to keep apart.
IDLE_FOR = timedelta(minutes=2)


class StockPromised(Conflict):
    """Stock can't fall below what is promised to orders; `extras` name the variants."""

    code = "stock_promised"
    title = "These units are promised to orders"


class TooManyLocations(Conflict):
    """A seller has a hundred places at most."""

    code = "too_many_locations"
    title = "No more places can be added"


async def adjust_stock(
    connection: Connection,
    *,
    viewer: Viewer,
    variant_id: UUID,
    delta: int,
    reason: str,
    location_id: UUID | None = None,
    key: RequestKey | None = None,
    kept_for: timedelta = timedelta(days=1),
    now: datetime,
) -> bytes | EarlierRequest:
    """Move what is on hand up or down by a number of units, at the first place or a named one.

    Returns the stock of the variant afterwards, as JSON; under a key that was used before, the
    earlier request with its answer.

    Raises:
        NotFound, NotAllowed: when the variant isn't the viewer's to count.
        InvalidInput: when the place isn't its seller's.
        StockPromised: when so many aren't free.
        IdempotencyKeyReused: when the key stands for another request.
    """
    if key is not None:
        earlier = await idempotency_service.claim(
            connection, request=key, resource_id=str(variant_id), now=now, kept_for=kept_for
        )
        if earlier is not None:
            return earlier
    place = await queries.find_place(
        connection,
        variant_id=variant_id,
        location_id=location_id,
        everything=viewer.is_operator,
        seller_ids=viewer.seller_ids,
    )
    if place is None:
        raise NotFound
    require_in_seller(viewer, seller_id=place.seller_id, permission=Permission.STOCK_ADJUST)
    if place.location_id is None:
        raise InvalidInput.at("location_id", "location_unknown", "There is no such place")
    if location_id is not None:
        await queries.ensure_level(connection, variant_id=variant_id, location_id=location_id)
    await locks.listings(connection, product_ids=[place.product_id])
    cause = Cause(
        kind="adjusted", reason=reason, type="person", id=viewer.user_id, actor_id=viewer.user_id
    )
    moved = await queries.add_units(
        connection, lines=[(variant_id, place.location_id, delta)], cause=cause, now=now
    )
    await _settle(connection, moved, product_id=place.product_id, now=now)
    document = await stock_document(connection, viewer=viewer, variant_id=variant_id)
    if key is not None:
        await idempotency_service.finish(
            connection, request=key, status=200, body=document, now=now
        )
    return document


async def set_stock(
    connection: Connection,
    *,
    product_id: UUID,
    location_id: UUID,
    units: Mapping[UUID, int],
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """Let there be so many units of each of a product's variants at a place, whatever there was.

    For callers that hold the product and have made sure the variants and the place are one
    seller's: a product's own form, an import. Raises `StockPromised` when a count is below what
    is promised.
    """
    cause = Cause(kind="adjusted", reason=reason, type="count", id=None, actor_id=actor_id)
    moved = await queries.set_units(
        connection,
        lines=[(variant_id, location_id, units[variant_id]) for variant_id in sorted(units)],
        cause=cause,
        now=now,
    )
    await _settle(connection, moved, product_id=product_id, now=now)


async def _settle(
    connection: Connection, moved: list[queries.Moved], *, product_id: UUID, now: datetime
) -> None:
    short = [line for line in moved if line.moved != line.wanted]
    if short:
        raise StockPromised(
            "Less would be left than is promised to orders",
            extras={
                "variants": [
                    {"variant_id": line.variant_id, "wanted": line.wanted, "possible": line.moved}
                    for line in short
                ]
            },
        )
    changed = [line for line in moved if line.moved]
    shown = await product_cards.refresh_availability(
        connection, [product_id] if changed else [], now
    )
    facts = [
        Fact(
            FactType.STOCK_CHANGED,
            line.variant_id,
            {
                "product_id": str(product_id),
                "location_id": str(line.location_id),
                "delta": line.moved,
            },
        )
        for line in changed
    ]
    facts += offers_changed(product_id, shown)
    await outbox.append(connection, facts, now=now)


async def spread_stock(connection: Connection, *, variant_id: UUID, now: datetime) -> None:
    """Share out a hot variant's free units, so that its buyers don't queue behind one row.

    Done again, it evens out what was sold and delivered since.
    """
    await locks.stock(connection, variant_ids=[variant_id])
    await stock_buckets.spread(
        connection,
        variant_id=variant_id,
        buckets_max=BUCKETS_MAX,
        units_per_bucket=UNITS_PER_BUCKET,
        now=now,
    )


async def idle_stock(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Variants that are hot no more and whose free units still stand in several buckets."""
    return await stock_buckets.find_idle(
        connection, since=now - IDLE_FOR, sales_max=BUCKETS_MAX, now=now, limit=limit
    )


async def gather_stock(connection: Connection, *, variant_id: UUID, now: datetime) -> bool:
    """Bring the free units of a variant back into one bucket; False where they are.

    Buckets that are promised stay until the promise is kept.
    """
    await locks.stock(connection, variant_ids=[variant_id])
    changed = await stock_buckets.spread(
        connection,
        variant_id=variant_id,
        buckets_max=1,
        units_per_bucket=UNITS_PER_BUCKET,
        now=now,
    )
    return changed > 0


async def stock_document(connection: Connection, *, viewer: Viewer, variant_id: UUID) -> bytes:
    """The stock of a variant in all its places, as JSON.

    Raises:
        NotFound: unless it is the viewer's, or the viewer sees everything.
        NotAllowed: when the viewer's role in the seller doesn't reach that far.
    """
    document = await queries.stock_document(
        connection,
        variant_id=variant_id,
        everything=viewer.sees_everything,
        seller_ids=viewer.seller_ids_with(Permission.STOCK_READ),
    )
    if document is None:
        raise await _refusal(connection, viewer=viewer, variant_id=variant_id)
    return document


async def _refusal(
    connection: Connection, *, viewer: Viewer, variant_id: UUID
) -> NotFound | NotAllowed:
    """Why a viewer doesn't see the stock of a variant."""
    place = await queries.find_place(
        connection,
        variant_id=variant_id,
        location_id=None,
        everything=False,
        seller_ids=viewer.seller_ids,
    )
    return NotFound() if place is None else NotAllowed("Your role in this shop doesn't allow it")


async def stock_movements(
    connection: Connection, *, viewer: Viewer, variant_id: UUID, cursor: str | None, limit: int
) -> tuple[bytes, str | None]:
    """A page of a variant's journal, newest first, as a JSON list, and the cursor of the next.

    Raises:
        NotFound, NotAllowed: as `stock_document`.
    """
    before_id = None if cursor is None else decode_cursor(cursor, kinds=(int,))[0]
    if before_id is not None and not 0 <= before_id < 2**63:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    page = await queries.movements(
        connection,
        variant_id=variant_id,
        everything=viewer.sees_everything,
        seller_ids=viewer.seller_ids_with(Permission.STOCK_READ),
        before_id=before_id,
        limit=limit,
    )
    if page is None:
        raise await _refusal(connection, viewer=viewer, variant_id=variant_id)
    return page.items, None if page.next_id is None else encode_cursor(page.next_id)


async def stock_locations(
    connection: Connection, *, viewer: Viewer, seller_id: UUID | None = None
) -> bytes:
    """The places a seller keeps its goods at, as a JSON list."""
    if seller_id is None or not viewer.sees_everything:
        seller_id = seller_acted_for(viewer, seller_id=seller_id, permission=Permission.STOCK_READ)
    return await queries.locations(connection, seller_id=seller_id)


async def create_location(
    connection: Connection,
    *,
    viewer: Viewer,
    name: str,
    is_default: bool = False,
    seller_id: UUID | None = None,
    now: datetime,
) -> bytes:
    """Add a place to keep goods at; the first one is where goods are kept unless said otherwise."""
    owner_id = seller_acted_for(viewer, seller_id=seller_id, permission=Permission.STOCK_ADJUST)
    # A member's seller is there; an operator may name any.
    if viewer.is_operator and await sellers.find_state(connection, seller_id=owner_id) is None:
        raise NotFound
    document = await queries.insert_location(
        connection,
        location_id=new_id(),
        seller_id=owner_id,
        name=name,
        is_default=is_default,
        now=now,
    )
    if document is None:
        raise TooManyLocations
    return document
