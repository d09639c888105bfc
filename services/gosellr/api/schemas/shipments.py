"""Parcels and steps of an order as they are asked for."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from gosellr.api.schemas.common import Flag, Quantity, Reason, RequestModel, Version, line
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.shipment_service import Parcel
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.states import ShipmentStatus

ITEMS_MAX = 200

TrackingNumber = Annotated[str, line(100)]
# Browsers follow it: no other scheme than the web's own.
TrackingUrl = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s<>\"'\x00-\x1f\x7f]+$")]


class ShipmentItemIn(RequestModel):
    """Units of a line."""

    order_item_id: UUID
    quantity: Quantity


class ShipmentCreate(RequestModel):
    """A parcel; without items, all that is left of the seller order."""

    seller_order_id: UUID
    items: Annotated[tuple[ShipmentItemIn, ...], Field(max_length=ITEMS_MAX)] = ()
    carrier: Annotated[str, line(60)]
    tracking_number: TrackingNumber | None = None
    tracking_url: TrackingUrl | None = None
    buy_label: Annotated[
        Flag, Field(description="Buy the label from the carrier, which gives the number")
    ] = False
    service: Annotated[str, line(60)] | None = None

    @model_validator(mode="after")
    def _one_source_of_the_number(self) -> Self:
        if self.buy_label and (self.tracking_number or self.tracking_url):
            raise ValueError("a label that is bought brings its own tracking number")
        if self.service and not self.buy_label:
            raise ValueError("a service belongs to a label that is bought")
        return self

    def parcel(self) -> Parcel:
        """The same as the service reads it."""
        return Parcel(
            seller_order_id=self.seller_order_id,
            carrier=self.carrier,
            items=tuple((item.order_item_id, item.quantity) for item in self.items),
            tracking_number=self.tracking_number,
            tracking_url=self.tracking_url,
        )


class ShipmentUpdate(RequestModel):
    """Where a parcel is, or by what it is followed."""

    status: Literal["in_transit", "delivered", "returned", "lost"] | None = None
    tracking_number: TrackingNumber | None = None
    tracking_url: TrackingUrl | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.status or self.tracking_number or self.tracking_url):
            raise ValueError("send a status or a tracking number")
        return self

    def reported(self) -> ShipmentStatus | None:
        """The status, if one is reported."""
        return None if self.status is None else ShipmentStatus(self.status)


class StatusUpdate(RequestModel):
    """A status that is asked for; without a seller order, for all parts that are the caller's."""

    status: Literal[
        "pending_payment",
        "paid",
        "processing",
        "partially_shipped",
        "shipped",
        "delivered",
        "completed",
        "cancelled",
    ]
    seller_order_id: UUID | None = None
    note: Reason | None = None
    version: Version | None = None

    def request(self) -> StatusRequest:
        """The same as the service reads it."""
        return StatusRequest(
            status=OrderStatus(self.status),
            seller_order_id=self.seller_order_id,
            note=self.note,
            version=self.version,
        )


class CaptureSettle(RequestModel):
    """Whether the money for a seller order was taken, as an operator found out."""

    seller_order_id: UUID
    outcome: Annotated[
        Literal["taken", "failed"],
        Field(description="`taken`: as it was asked for; `failed`: nothing of it"),
    ]
    reason: Annotated[Reason, Field(description="How that is known")]


class OrderCancel(RequestModel):
    """Why an order, or one seller's part of it, is cancelled."""

    seller_order_id: UUID | None = None
    reason: Reason
