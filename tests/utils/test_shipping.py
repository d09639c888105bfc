from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.shipping import (
    Destination,
    InvalidShippingTable,
    Parcel,
    RateBasis,
    RateBracket,
    ShippingOption,
    ShippingRate,
    ShippingZone,
    cheapest,
    matching_zones,
    options_for,
    postal_code_matches,
    rate_price_minor,
)

SELLER, OTHER = UUID(int=1), UUID(int=2)
PARCEL = Parcel(seller_id=SELLER, currency="EUR", subtotal_minor=5000, weight_grams=1500, items=3)
BERLIN = Destination(country="DE", region="BE", postal_code="10115")


def zone(number: int, *countries: str, seller: UUID | None = SELLER, **narrower) -> ShippingZone:
    return ShippingZone(
        id=UUID(int=number),
        name=f"zone {number}",
        countries=countries,
        seller_id=seller,
        **narrower,
    )


def rate(number: int, in_zone: int, price: int = 490, **other) -> ShippingRate:
    values = {"by": RateBasis.FLAT, "delivery_days": (1, 3), "currency": "EUR", "name": "Standard"}
    values = {"id": UUID(int=number), "zone_id": UUID(int=in_zone), **values, **other}
    if values["by"] is RateBasis.FLAT:
        values["price_minor"] = price
    return ShippingRate(**values)


@pytest.mark.parametrize(
    ("pattern", "code", "matches"),
    [
        ("10115", "10115", True),
        ("10115", "10116", False),
        ("101*", "10115", True),
        ("101*", "1011", True),
        ("101*", "11011", False),
        ("SW1*", "sw1a 1aa", True),
        ("*1AA", "SW1A 1AA", True),
        ("10*01", "101", False),
        ("10000-19999", "10000", True),
        ("10000-19999", "19999", True),
        ("10000-19999", "20000", False),
        ("10000-19999", "1500", False),
        ("10000-99999", "1５000", False),
        ("90000-96199", "94105-1234", True),
        ("100-199", "SW1", False),
        ("00-950", "00-950", True),
        ("00-950", "00951", False),
        ("114 55", "11455", True),
        ("10115", "", False),
    ],
)
def test_postal_patterns(pattern: str, code: str, matches: bool) -> None:
    assert postal_code_matches(pattern, code) is matches


@given(low=st.integers(0, 99999), high=st.integers(0, 99999), code=st.integers(0, 99999))
def test_postal_range_is_a_range_of_numbers(low: int, high: int, code: int) -> None:
    low, high = sorted((low, high))
    assert postal_code_matches(f"{low:05}-{high:05}", f"{code:05}") == (low <= code <= high)


def test_the_most_specific_zone_wins() -> None:
    everywhere, country = zone(1, "*"), zone(2, "AT", "DE")
    region = zone(3, "DE", regions=("DE-BE",))
    postal = zone(4, "DE", postal_patterns=("10000-10999",))
    zones = [everywhere, country, region, postal]
    for count in range(4, 0, -1):
        found = matching_zones(zones[:count], seller_id=SELLER, destination=BERLIN)
        assert found == [zones[count - 1]]
    tokyo = Destination(country="JP", postal_code="10115")
    assert matching_zones(zones, seller_id=SELLER, destination=tokyo) == [everywhere]
    assert matching_zones(zones[1:], seller_id=SELLER, destination=tokyo) == []


def test_own_zones_come_before_closer_ones_of_the_marketplace() -> None:
    market = zone(1, "DE", seller=None, postal_patterns=("10115",))
    own, foreign = zone(2, "*"), zone(3, "DE", seller=OTHER, regions=("BE",))
    zones = [market, own, foreign]
    assert matching_zones(zones, seller_id=SELLER, destination=BERLIN) == [own]
    assert matching_zones([market, foreign], seller_id=SELLER, destination=BERLIN) == [market]
    assert matching_zones([foreign], seller_id=SELLER, destination=BERLIN) == []


def test_zones_of_equal_specificity_stand_side_by_side() -> None:
    zones = [zone(1, "DE"), zone(2, "DE", "FR")]
    assert matching_zones(zones, seller_id=SELLER, destination=BERLIN) == zones


def test_country_and_region_are_written_in_any_way() -> None:
    area = zone(1, "us", regions=("CA",))
    for region in ("CA", "us-ca", " ca "):
        there = Destination(country=" Us", region=region)
        assert matching_zones([area], seller_id=SELLER, destination=there) == [area]
    nowhere = Destination(country="US", region=None)
    assert matching_zones([area], seller_id=SELLER, destination=nowhere) == []


BRACKETS = (RateBracket(1000, 300), RateBracket(2000, 500), RateBracket(None, 900))


@pytest.mark.parametrize(
    ("weight", "price"), [(0, 300), (1000, 300), (1001, 500), (2000, 500), (2001, 900)]
)
def test_brackets_include_their_limit(weight: int, price: int) -> None:
    by_weight = rate(1, 1, by=RateBasis.WEIGHT, brackets=BRACKETS)
    assert rate_price_minor(by_weight, replace(PARCEL, weight_grams=weight)) == price


def test_each_basis_reads_its_own_measure() -> None:
    brackets = (RateBracket(3, 1), RateBracket(1500, 2), RateBracket(5000, 3))
    prices = {
        basis: rate_price_minor(rate(1, 1, by=basis, brackets=brackets), PARCEL)
        for basis in (RateBasis.ITEMS, RateBasis.WEIGHT, RateBasis.SUBTOTAL)
    }
    assert prices == {RateBasis.ITEMS: 1, RateBasis.WEIGHT: 2, RateBasis.SUBTOTAL: 3}


def test_a_parcel_above_the_last_limit_is_not_carried_even_if_free() -> None:
    light = rate(1, 1, by=RateBasis.WEIGHT, brackets=BRACKETS[:2], free_over_minor=100)
    assert rate_price_minor(light, replace(PARCEL, weight_grams=2000)) == 0
    assert rate_price_minor(light, replace(PARCEL, weight_grams=2001)) is None


def test_free_from_the_limit_on() -> None:
    flat = rate(1, 1, free_over_minor=5000)
    assert rate_price_minor(flat, PARCEL) == 0
    assert rate_price_minor(flat, replace(PARCEL, subtotal_minor=4999)) == 490


def test_nothing_is_converted() -> None:
    assert rate_price_minor(rate(1, 1, currency="USD"), PARCEL) is None


def test_options_are_sorted_by_price_and_name() -> None:
    rates = [
        rate(1, 1, 900, name="Express", delivery_days=(1, 1)),
        rate(2, 1, 490, name="Standard"),
        rate(3, 1, 490, name="Bike"),
        rate(4, 2, 1, name="Elsewhere"),
        rate(5, 1, 1, name="Dollars", currency="USD"),
    ]
    zones = [zone(1, "DE"), zone(2, "*")]
    options = options_for(PARCEL, zones, rates, BERLIN)
    assert [(option.name, option.price_minor) for option in options] == [
        ("Bike", 490),
        ("Standard", 490),
        ("Express", 900),
    ]
    assert options[0] == ShippingOption(UUID(int=3), "Bike", 490, (1, 3))


def test_a_closer_zone_without_rates_excludes_its_area() -> None:
    zones = [zone(1, "DE"), zone(2, "DE", postal_patterns=("101*",))]
    assert options_for(PARCEL, zones, [rate(1, 1)], BERLIN) == []
    munich = replace(BERLIN, postal_code="80331")
    assert len(options_for(PARCEL, zones, [rate(1, 1)], munich)) == 1


def test_cheapest_prefers_the_sooner_of_two_equal_prices() -> None:
    slow = ShippingOption(UUID(int=1), "Bike", 490, (1, 5))
    soon = ShippingOption(UUID(int=2), "Standard", 490, (2, 3))
    dear = ShippingOption(UUID(int=3), "Express", 900, (1, 1))
    assert cheapest([slow, soon, dear]) is soon
    assert cheapest([]) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"countries": ()},
        {"countries": ("*",), "regions": ("BE",)},
        {"countries": ("DE", "*"), "postal_patterns": ("1*",)},
        {"countries": ("DE",), "postal_patterns": ("*",)},
        {"countries": ("DE",), "postal_patterns": ("",)},
        {"countries": ("DE",), "postal_patterns": ("1*2*",)},
        {"countries": ("DE",), "postal_patterns": ("20000-10000",)},
    ],
)
def test_contradictory_zones_are_refused(broken: dict) -> None:
    with pytest.raises(InvalidShippingTable):
        ShippingZone(id=UUID(int=1), name="x", **broken)


@pytest.mark.parametrize(
    "broken",
    [
        {"delivery_days": (3, 1)},
        {"delivery_days": (-1, 1)},
        {"brackets": BRACKETS},
        {"by": RateBasis.ITEMS},
        {"by": RateBasis.ITEMS, "brackets": BRACKETS[::-1]},
        {"by": RateBasis.ITEMS, "brackets": (RateBracket(5, 1), RateBracket(5, 2))},
        {"by": RateBasis.ITEMS, "brackets": (RateBracket(-1, 1),)},
        {"by": RateBasis.ITEMS, "brackets": (RateBracket(None, -1),)},
        {"price": -1},
        {"free_over_minor": -1},
    ],
)
def test_contradictory_rates_are_refused(broken: dict) -> None:
    with pytest.raises(InvalidShippingTable):
        rate(1, 1, **broken)
