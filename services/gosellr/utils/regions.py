"""Regions of countries, which people write in more than one way."""


def region_code(region: str, *, country: str) -> str:
    """The region's code without its country's: `US-CA` and `ca` are the same region of the US."""
    return region.strip().upper().removeprefix(f"{country.strip().upper()}-")
