"""What stands on the papers of the demo shops: right in its shape, and as the shops write it."""

from gosellr.jobs.demo.letterheads import LETTERHEADS
from gosellr.jobs.demo.shops import SHOPS
from gosellr.utils.letterhead import is_vat_number, normal, problems_of


def test_every_shop_but_one_that_only_applied_has_said_it() -> None:
    assert {shop.handle for shop in SHOPS} - LETTERHEADS.keys() == {"suzu"}
    assert LETTERHEADS.keys() <= {shop.handle for shop in SHOPS}


def test_all_of_it_can_stand_on_papers_as_it_is_written() -> None:
    for letterhead in LETTERHEADS.values():
        assert list(problems_of(letterhead)) == []
        assert normal(letterhead) == letterhead


def test_numbers_are_of_the_country_in_which_a_shop_is() -> None:
    countries = {shop.handle: shop.country for shop in SHOPS}
    others = {
        handle: one.tax_id for handle, one in LETTERHEADS.items() if not is_vat_number(one.tax_id)
    }
    assert others == {"brocante": "SIREN 000 000 004", "glanz": "000/000/00011"}
    assert all(
        one.tax_id.startswith(countries[handle])
        for handle, one in LETTERHEADS.items()
        if handle not in others
    )
