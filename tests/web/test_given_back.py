"""The inbox shows what went back at a provider without us, and why it waits."""

from collections.abc import AsyncIterator

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import provider_refund_service
from gosellr.services.provider_refund_service import ToldRefund
from tests.factories.accounts import make_operator
from tests.factories.sales import NOW, buy, make_shop
from tests.factories.transfers import doors
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

INBOX = "/operator/reconciliation"


@pytest.fixture
async def visitor(resources: Resources) -> AsyncIterator[Visitor]:
    async with doors(resources) as caller:
        yield Visitor(caller)


async def test_it_is_shown_with_its_reason_and_dealt_with(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    for name in ("R-six", "R-seven"):
        order = await buy(resources, (shop, 1))
        told = ToldRefund(
            payment_id=order.payments[0].id, gateway="sandbox", gateway_reference=name,
            amount_minor=700, currency="EUR", is_reversal=True,
        )  # fmt: skip
        await transact(
            resources.db, provider_refund_service.wait, told=told, reason="It fits nothing", now=NOW
        )
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    text = await open_page(visitor, INBOX)
    assert_sound(text)
    assert "Taken back by sandbox: R-seven" in text
    assert "It fits nothing" in text
    # What is taken from a file is named, PayPal's as well.
    assert "PayPal's settlement report" in text
    assert "Given back at a provider" in await open_page(visitor, "/operator")
    rows = await connection.fetch("SELECT gateway_reference, id FROM provider_refund")
    told_id, other_id = (dict(rows)[name] for name in ("R-seven", "R-six"))
    path = f"{INBOX}/refunds/{told_id}/resolve"
    await open_page(visitor, INBOX)
    await visitor.send(path, changes={"note": " "})
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert "Write how it was dealt with" in visitor.text
    assert f'href="#note-{told_id}"' in visitor.text
    assert f'id="note-{told_id}-error"' in visitor.text
    assert f'id="note-{other_id}-error"' not in visitor.text
    assert '<details class="card" open>' not in visitor.text
    await visitor.send(path, changes={"note": "x" * 501})
    assert visitor.form(path).values["note"] == "x" * 501
    assert visitor.form(f"{INBOX}/refunds/{other_id}/resolve").values["note"] == ""
    await visitor.send(path, changes={"note": "Paid back by hand"})
    assert "nothing was booked by that" in visitor.text
    assert "R-seven" not in visitor.text
