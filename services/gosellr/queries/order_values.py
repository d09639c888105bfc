"""Moved to `gosellr.models.order_values`."""

from gosellr.models.order_values import (
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    Refund,
    SellerOrder,
    Shipment,
)

__all__ = ["Order", "OrderEvent", "OrderLine", "Payment", "Refund", "SellerOrder", "Shipment"]
