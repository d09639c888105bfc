"""Tax rates: one for a region, however the region is written."""

from typing import Any

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import transact
from gosellr.models.term_values import ListedTaxRate
from gosellr.resources import Resources
from gosellr.services import tax_service
from gosellr.services.tax_service import TaxRateOverlaps


async def _add(resources: Resources, region: str | None, **more: Any) -> ListedTaxRate:
    fields = {
        "country": "US", "tax_class": "standard", "rate_bps": 725, "included": False,
        "valid_from": resources.clock.now(), "valid_to": None, "region": region, **more,
    }  # fmt: skip
    return await transact(resources.db, tax_service.create_rate, fields=fields)


@pytest.mark.parametrize("first", ["CA", "US-CA", " ca"])
async def test_a_region_has_one_rate_however_it_is_written(
    resources: Resources, connection: Connection, first: str
) -> None:
    rate = await _add(resources, first)
    assert rate.region == "CA"
    assert await connection.fetchval("SELECT region FROM tax_rate") == "CA"
    for other in ("CA", "US-CA", "ca", "us-ca"):
        with pytest.raises(TaxRateOverlaps) as refused:
            await _add(resources, other, rate_bps=0)
        assert refused.value.extras == {"rate_id": rate.id}
    await _add(resources, "NV")
    await _add(resources, None)


async def test_a_rate_kept_as_it_was_written_before_is_known_by_its_region(
    resources: Resources, connection: Connection
) -> None:
    rate = await _add(resources, "CA")
    await connection.execute("UPDATE tax_rate SET region = 'us-ca'")
    with pytest.raises(TaxRateOverlaps) as refused:
        await _add(resources, "CA")
    assert refused.value.extras == {"rate_id": rate.id}
    books = await _add(resources, "CA", tax_class="books")
    with pytest.raises(TaxRateOverlaps):
        await _add(resources, "US-CA", tax_class="books")
    changed = await transact(
        resources.db, tax_service.change_rate, rate_id=books.id, changes={"rate_bps": 100}
    )
    assert (changed.region, changed.rate_bps) == ("CA", 100)


async def test_a_country_is_no_region(resources: Resources) -> None:
    with pytest.raises(InvalidInput):
        await _add(resources, "US-")
