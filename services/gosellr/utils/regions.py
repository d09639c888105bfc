"""Regions of countries, which people write in more than one way."""


def region_code(region: str, *, country: str) -> str:
    """The region's code without its country's: `US-CA` and `ca` are the same region of the US."""
    return region.strip().upper().removeprefix(f"{country.strip().upper()}-")


def jurisdiction_of(country: str, region: str | None) -> str:
    """Whose tax it is: a country's, `US`, or a region's of it, `US-CA`."""
    code = "" if region is None else region_code(region, country=country)
    return f"{country.strip().upper()}-{code}" if code else country.strip().upper()
