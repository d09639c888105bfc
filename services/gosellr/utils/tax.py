"""Tax per line, rounded half up, on a price that includes it or to which it is added."""

from typing import Final

from gosellr.utils.money import BPS, bps_half_up, share

MAX_TAX_RATE_BPS: Final = 10 * BPS


class InvalidTaxRate(ValueError):
    """The rate is no whole number of basis points from 0 to `MAX_TAX_RATE_BPS`."""


def checked_tax_rate(rate_bps: int) -> int:
    """The rate itself, if it can be one. Raises `InvalidTaxRate`."""
    if type(rate_bps) is not int or not 0 <= rate_bps <= MAX_TAX_RATE_BPS:
        raise InvalidTaxRate(f"tax rate must be 0 to {MAX_TAX_RATE_BPS} bps, not {rate_bps!r}")
    return rate_bps


def included_tax(amount_minor: int, rate_bps: int) -> int:
    """The tax inside an amount that includes it: `G·r / (10000 + r)`."""
    return share(amount_minor, checked_tax_rate(rate_bps), BPS + rate_bps)


def exclusive_tax(amount_minor: int, rate_bps: int) -> int:
    """The tax that is added to an amount: `G·r / 10000`."""
    return bps_half_up(amount_minor, checked_tax_rate(rate_bps))


def tax_on(amount_minor: int, *, rate_bps: int, included: bool) -> int:
    """The tax of an amount in minor units, inside it or on top of it. Raises `InvalidTaxRate`."""
    if included:
        return included_tax(amount_minor, rate_bps)
    return exclusive_tax(amount_minor, rate_bps)


def without_tax(amount_minor: int, *, tax_minor: int, included: bool) -> int:
    """What remains of an amount once the tax inside it, if any, is taken out."""
    return amount_minor - tax_minor if included else amount_minor


def rate_of(net_minor: int, *, tax_minor: int) -> int:
    """The rate at which an amount was taxed, in basis points: a whole percent if one fits to the
    minor unit, else the nearest. None can be told where nothing was taxed: that is 0."""
    if net_minor < 0:
        net_minor, tax_minor = -net_minor, -tax_minor
    if net_minor == 0 or tax_minor <= 0:
        return 0
    whole_bps = share(100, tax_minor, net_minor) * (BPS // 100)
    if bps_half_up(net_minor, whole_bps) == tax_minor:
        return whole_bps
    return share(BPS, tax_minor, net_minor)
