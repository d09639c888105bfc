import pytest

from gosellr.utils.regions import jurisdiction_of


@pytest.mark.parametrize(
    ("country", "region", "name"),
    [
        ("DE", None, "DE"),
        ("de", "", "DE"),
        ("US", "CA", "US-CA"),
        ("US", "us-ca", "US-CA"),
        ("US", " ca ", "US-CA"),
    ],
)
def test_a_jurisdiction_has_one_name_however_its_region_is_written(
    country: str, region: str | None, name: str
) -> None:
    assert jurisdiction_of(country, region) == name
