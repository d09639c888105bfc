"""Labels: the parcel is written first, then bought for at its carrier, then its number is kept."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.errors import Conflict, InvalidInput
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.integrations.shipping.port import (
    CarrierOutcome,
    Destination,
    LabelRequest,
    QuoteRequest,
    ShippingProvider,
    quote_within,
)
from gosellr.models.order_values import MissingLabel, Order, SellerOrder, Shipment
from gosellr.services import label_service, order_service, shipment_service
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.shipment_service import Parcel
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

Carriers = Mapping[str, ShippingProvider]

_ASKED_AGAIN_AFTER = timedelta(seconds=20)


class LabelRefused(Conflict):
    """The carrier doesn't carry this; nothing was shipped."""

    code = "label_refused"
    title = "The carrier sells no label for this parcel"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPowers:
    """What buying a label needs of its process."""

    db: Database
    carriers: Carriers
    clock: Clock
    policy: MarketPolicy


async def ship_with_label(
    powers: LabelPowers,
    *,
    viewer: Viewer,
    order_id: UUID,
    parcel: Parcel,
    service: str | None,
    key: RequestKey | None = None,
) -> UUID | EarlierRequest:
    """Ship a parcel with a label of its carrier's `service`, or of the cheapest.

    A carrier that falls silent is asked again later; the parcel has its number then.

    Raises:
        InvalidInput: this market knows no such carrier.
        LabelRefused, and what `shipment_service.ship` raises.
    """
    carrier = powers.carriers.get(parcel.carrier)
    if carrier is None:
        raise InvalidInput.at("carrier", "unknown_carrier", "We buy no labels of this carrier")
    order = await ask(powers.db, order_service.find_order, viewer=viewer, order_id=order_id)
    part = shipment_service.part_of(order, parcel.seller_order_id)
    weight_grams = shipment_service.weight_of(part, parcel.items)
    chosen = await _service(
        carrier, order=order, part=part, weight_grams=weight_grams, service=service
    )
    shipped = await transact(
        powers.db,
        shipment_service.ship,
        viewer=viewer,
        order_id=order_id,
        parcel=replace(parcel, label_service=chosen),
        key=key,
        policy=powers.policy,
        now=powers.clock.now(),
    )
    if isinstance(shipped, UUID):
        await _buy(powers, order_id=order_id, shipment_id=shipped, service=chosen)
    return shipped


async def _service(
    carrier: ShippingProvider,
    *,
    order: Order,
    part: SellerOrder,
    weight_grams: int,
    service: str | None,
) -> str:
    """The service that is meant, if the carrier offers it for this parcel."""
    answer = await quote_within(
        carrier,
        QuoteRequest(
            reference=order.reference or "",
            seller_id=str(part.seller_id),
            destination=_destination(order),
            currency=order.currency,
            weight_grams=weight_grams,
        ),
    )
    offered = [quote.service for quote in answer.quotes]
    if not offered or (service is not None and service not in offered):
        raise LabelRefused(extras={"reason": answer.reason, "offered": offered})
    return service or offered[0]


def _destination(order: Order) -> Destination:
    address = order.shipping_address
    return Destination(
        country=address["country"],
        postal_code=address.get("postal_code", ""),
        region=address.get("region"),
        city=address.get("city"),
    )


async def _buy(powers: LabelPowers, *, order_id: UUID, shipment_id: UUID, service: str) -> None:
    order = await ask(powers.db, order_service.load_order, order_id=order_id)
    part, parcel = shipment_service.parcel_of(order, shipment_id)
    answer = await powers.carriers[parcel.carrier].buy_label(
        LabelRequest(
            shipment_id=str(shipment_id),
            service=service,
            reference=order.reference or "",
            seller_id=str(part.seller_id),
            destination=_destination(order),
            currency=order.currency,
            weight_grams=_weight(part, parcel),
        )
    )
    if answer.outcome is CarrierOutcome.UNKNOWN:
        return
    await transact(
        powers.db,
        label_service.keep_label,
        shipment_id=shipment_id,
        tracking_number=answer.tracking_number,
        tracking_url=answer.tracking_url,
    )


def _weight(part: SellerOrder, parcel: Shipment) -> int:
    items = tuple((UUID(item["order_item_id"]), item["quantity"]) for item in parcel.items)
    return shipment_service.weight_of(part, items)


async def resume_labels(powers: LabelPowers, *, limit: int = 50) -> int:
    """Ask again for labels that no answer came to; gives how many."""
    now = powers.clock.now()
    before = now - _ASKED_AGAIN_AFTER

    async def buy(one: MissingLabel) -> bool:
        await _buy(powers, order_id=one.order_id, shipment_id=one.shipment_id, service=one.service)
        return True

    sweep = Sweep(
        name="labels",
        db=powers.db,
        now=now,
        due=lambda: ask(
            powers.db, label_service.missing_labels, before=before, now=now, limit=limit
        ),
        item=lambda one: str(one.shipment_id),
    )
    return await sweep.run(buy, story="buying a label")
