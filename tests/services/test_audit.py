"""A market made through its own doors passes the audit."""

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import Cluster
from gosellr.jobs.audit import _charges
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.resources import Resources
from gosellr.services.audit_service import Finding, audit
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.orders import order_body, place


async def look(connection: Connection, resources: Resources) -> list[Finding]:
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    return await audit(
        connection,
        now=resources.clock.now(),
        gateway_journals={"sandbox": await _charges(gateway)},
    )


async def test_a_clean_market(client: httpx2.AsyncClient, connection: Connection, resources: Resources) -> None:
    seller = await make_shelf_seller(connection)
    lamp = await make_product(connection, seller=seller, price_minor=2500, stock=9)
    other = await make_product(connection, seller=await make_shelf_seller(connection), price_minor=1000, stock=5)
    for token in ("tok_ok", "tok_declined", "tok_timeout_then_ok"):
        await place(client, order_body((lamp.variant_id, 1), (other.variant_id, 1), token=token))
    assert await look(connection, resources) == []
