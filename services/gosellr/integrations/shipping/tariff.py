"""The sandbox carrier's printed tariff and the number it writes on a label."""

from gosellr.integrations.shipping.port import CarrierQuote
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffService:
    """`base_minor` covers the first step of weight; each further one started adds `step_minor`.

    The same numbers are minor units of whichever currency is asked for.
    """

    service: str
    name: str
    base_minor: int
    step_grams: int
    step_minor: int
    longest_grams: int
    delivery_days: tuple[int, int]

    def quote(self, *, weight_grams: int, currency: str) -> CarrierQuote | None:
        """The price of a parcel, or None where it is too heavy for this service."""
        if weight_grams > self.longest_grams:
            return None
        further_steps = max(0, -(-weight_grams // self.step_grams) - 1)
        return CarrierQuote(
            service=self.service,
            name=self.name,
            price_minor=self.base_minor + further_steps * self.step_minor,
            currency=currency,
            delivery_days=self.delivery_days,
        )


SANDBOX_TARIFF = (
    TariffService(
        service="standard",
        name="Standard parcel",
        base_minor=450,
        step_grams=1_000,
        step_minor=120,
        longest_grams=31_500,
        delivery_days=(2, 4),
    ),
    TariffService(
        service="express",
        name="Express parcel",
        base_minor=990,
        step_grams=1_000,
        step_minor=260,
        longest_grams=31_500,
        delivery_days=(1, 1),
    ),
)

_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_MOST_LABELS = 10**8


def tracking_number(serial: int) -> str:
    """The S10 identifier of the Universal Postal Union: two letters, eight digits, a check digit
    by the weights of that standard, two letters. The country code `XX` belongs to nobody."""
    if not 0 < serial < _MOST_LABELS:
        raise ValueError("the sandbox carrier has run out of labels")
    digits = f"{serial:08d}"
    weighed = sum(int(digit) * weight for digit, weight in zip(digits, _S10_WEIGHTS, strict=True))
    remainder = 11 - weighed % 11
    check = {10: 0, 11: 5}.get(remainder, remainder)
    return f"GS{digits}{check}XX"
