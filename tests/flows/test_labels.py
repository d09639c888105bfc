"""Labels: a carrier that falls silent is asked again, and sells one label per parcel."""

from dataclasses import replace
from datetime import timedelta

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import labels
from gosellr.integrations.shipping.sandbox import CarrierScript, SandboxCarrier
from gosellr.resources import Resources
from gosellr.services.shipment_service import Parcel
from tests.factories.sales import buy, make_shop, part_of, read


async def test_a_lost_label_is_asked_for_again(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    shop = await make_shop(connection, weight_grams=500)
    order = await buy(resources, (shop, 2))
    home = resources.settings.home
    silent = SandboxCarrier(home, clock=clock, script=CarrierScript(loses_labels=True))
    powers = replace(resources.labels, carriers={"sandbox": silent})
    await labels.ship_with_label(
        powers,
        viewer=shop.viewer,
        order_id=order.id,
        parcel=Parcel(seller_order_id=part_of(order, shop).id, carrier="sandbox"),
        service=None,
    )
    silent.close()
    [parcel] = part_of(await read(resources, order), shop).shipments
    assert (parcel.status, parcel.tracking_number) == ("label_created", None)
    assert await labels.resume_labels(resources.labels) == 0
    clock.advance(timedelta(minutes=1))
    assert await labels.resume_labels(resources.labels) == 1
    [parcel] = part_of(await read(resources, order), shop).shipments
    assert parcel.tracking_number is not None
    assert parcel.tracking_url == f"/sandbox/track/{parcel.tracking_number}"
    assert await labels.resume_labels(resources.labels) == 0
