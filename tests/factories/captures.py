"""Markets that take money as goods leave, and what their gateway says of it."""

from dataclasses import replace

from gosellr.core.db import Connection
from gosellr.integrations.payments.port import PaymentState
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_store import Charge
from gosellr.models.order_values import Order, Payment
from gosellr.resources import Resources
from tests.factories.sales import Shop, make_commission, make_shop
from tests.factories.terms import make_delivery, make_tax


async def two_shops(connection: Connection) -> tuple[Shop, Shop]:
    """50.00 and 30.00 a piece with 19 % tax inside, 10 % commission and its VAT, 4.90 delivery."""
    await make_tax(connection, rate_bps=1900)
    await make_commission(connection)
    await make_delivery(connection, price_minor=490)
    first = await make_shop(connection, price_minor=5000)
    return first, await make_shop(connection, price_minor=3000)


def at_shipment(resources: Resources) -> Resources:
    """The same market under the other setting."""
    settings = resources.settings.model_copy(update={"capture": "at_shipment"})
    return replace(resources, settings=settings)


def sandbox_of(resources: Resources) -> SandboxGateway:
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    return gateway


def charge_of(order: Order) -> Payment:
    """The attempt that stands for an order's money at the gateway."""
    [payment] = [one for one in order.payments if one.method == "sandbox"]
    return payment


async def at_gateway(resources: Resources, order: Order) -> Charge:
    """The order's charge as the sandbox's journal has it."""
    reference = charge_of(order).gateway_reference
    [charge] = [
        one for one in await sandbox_of(resources).journal() if one.gateway_reference == reference
    ]
    return charge


async def standing(resources: Resources, order: Order) -> tuple[PaymentState, int]:
    """Where its charge stands, and what was taken of it."""
    charge = await at_gateway(resources, order)
    return charge.state, charge.captured_minor
