"""A shop whose tax the marketplace remits."""

from gosellr.core.db import Connection
from tests.factories.sales import Shop, make_commission, make_shop
from tests.factories.terms import make_delivery, make_tax

# A lamp for 120.00 with 20.00 tax, delivery for 5.50 with 0.50; both are the marketplace's to
# remit. 10.00 commission of the goods without tax, and 2.00 VAT on that.
LAMP, DELIVERY = 12_000, 550


async def taxed(connection: Connection, *, included: bool = True, price_minor: int = LAMP) -> Shop:
    """The shop, its prices with tax or before it."""
    await make_tax(connection, rate_bps=2000, included=included, remitted_by="marketplace")
    await make_tax(
        connection, rate_bps=1000, tax_class="shipping", included=included,
        remitted_by="marketplace",
    )  # fmt: skip
    await make_commission(connection)
    await make_delivery(connection, price_minor=DELIVERY)
    return await make_shop(connection, price_minor=price_minor)
