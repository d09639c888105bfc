"""What a sale document says of tax: net, tax and gross of each line, and their sums by rate."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any


def taxed_amounts(*, goods_minor: int, tax_minor: int, tax_included: bool) -> dict[str, int]:
    """A line's amounts; the goods hold their tax, or the tax comes on top of them."""
    net_minor = goods_minor - tax_minor if tax_included else goods_minor
    return {"net_minor": net_minor, "tax_minor": tax_minor, "gross_minor": net_minor + tax_minor}


def taxes_by_rate(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, int]]:
    """The lines' amounts by rate, the highest first; what stands under no rate has rate 0."""
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        rate = sums[line["tax_rate_bps"]]
        rate[0] += line["net_minor"]
        rate[1] += line["tax_minor"]
    return [
        {
            "tax_rate_bps": rate_bps,
            "net_minor": net_minor,
            "tax_minor": tax_minor,
            "gross_minor": net_minor + tax_minor,
        }
        for rate_bps, (net_minor, tax_minor) in sorted(sums.items(), reverse=True)
    ]


def taxes_by_jurisdiction(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tax that the marketplace remits, by who gets it; sellers remit the rest themselves."""
    sums: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        if "tax_remitted_to" in line:
            sums[line["tax_remitted_to"]] += line["tax_minor"]
    return [
        {"jurisdiction": name, "tax_minor": tax_minor}
        for name, tax_minor in sorted(sums.items())
        if tax_minor
    ]


def totals_of(lines: Iterable[Mapping[str, Any]], *, promotion_minor: int) -> dict[str, int]:
    """What lines come to, and what is left to pay where the marketplace bore a part."""
    listed = list(lines)
    net_minor = sum(line["net_minor"] for line in listed)
    tax_minor = sum(line["tax_minor"] for line in listed)
    return {
        "net_minor": net_minor,
        "tax_minor": tax_minor,
        "gross_minor": net_minor + tax_minor,
        "promotion_minor": promotion_minor,
        "payable_minor": net_minor + tax_minor - promotion_minor,
    }
