"""Who the demo shops are: some have said it, all of it can be reported, and saying it twice is
once."""

from gosellr.core.db import Connection
from gosellr.flows import tax_identities
from gosellr.jobs.demo import identities
from gosellr.resources import Resources
from tests.factories.sales import Shop, make_shop


async def test_demo_shops_say_who_they_are_once(
    resources: Resources, connection: Connection
) -> None:
    shops: dict[str, Shop] = {
        handle: await make_shop(connection) for handle in ("nordlys", "brocante", "loom")
    }
    sellers = {handle: (shop.seller.id, shop.seller.owner.id) for handle, shop in shops.items()}
    for _ in range(2):
        await identities.say(resources, sellers)
    said = {
        handle: await tax_identities.find(
            resources.payouts, viewer=shop.viewer, seller_id=shop.seller.id
        )
        for handle, shop in shops.items()
    }
    assert {
        handle: None if one is None else (one.identity.name, one.kept.version)
        for handle, one in said.items()
    } == {"nordlys": ("Nordlys Studio ApS", 1), "brocante": ("Marcel Dubois", 1), "loom": None}
