"""What shops want on their papers."""

from gosellr.core.transact import transact
from gosellr.models.letterhead_values import KeptLetterhead
from gosellr.resources import Resources
from gosellr.services import letterhead_service
from tests.factories.sales import Shop

LETTERHEAD = {
    "line1": "Lindenallee 4",
    "line2": "Hof 2",
    "postal_code": "10115",
    "city": "Berlin",
    "tax_id": "DE123456789",
    "registration_number": "HRB 12345",
    "email": "papers@lampo.example",
}


async def say_letterhead(resources: Resources, shop: Shop, **changes: str) -> KeptLetterhead:
    """What stands on a shop's papers from now on; without any changes, all of the above."""
    return await transact(
        resources.db,
        letterhead_service.change,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        changes=changes or LETTERHEAD,
        expected_version=None,
        now=resources.clock.now(),
    )
