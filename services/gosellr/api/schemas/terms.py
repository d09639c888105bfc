"""What the shapes of delivery, tax, coupons and commission share: amounts of one currency."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from gosellr.api.schemas.common import MoneyIn, PageFilters, RequestModel
from gosellr.core.errors import InvalidInput
from gosellr.utils.moments import is_within_reason
from gosellr.utils.money import Money


def _only_text(value: Any) -> Any:
    # Digits alone, in a query too, would be taken for seconds.
    is_text = isinstance(value, str) and "-" in value[1:]
    if not (is_text or isinstance(value, datetime)):
        raise ValueError("this is no time of RFC 3339")
    return value


def _within_reason(value: datetime) -> datetime:
    if not is_within_reason(value):
        raise ValueError("this is no time that a market has")
    return value.astimezone(UTC)


# A time without a zone would be anybody's guess.
MomentIn = Annotated[
    AwareDatetime,
    BeforeValidator(_only_text),
    AfterValidator(_within_reason),
    Field(description="RFC 3339", examples=["2026-03-02T09:00:00Z"]),
]


class OwnerFilters(PageFilters):
    """Which seller's, and how many."""

    seller_id: UUID | None = None


def given(body: RequestModel) -> dict[str, Any]:
    """The fields that were sent, without the version."""
    return {name: getattr(body, name) for name in body.model_fields_set if name != "version"}


def one_currency(amounts: Iterable[MoneyIn | None], *, field: str) -> str | None:
    """The currency that all given amounts share; None without an amount.

    Raises:
        InvalidInput: when there are several.
    """
    currencies = {amount.currency for amount in amounts if amount is not None}
    if len(currencies) > 1:
        raise InvalidInput.at(field, "currency_mismatch", "All amounts have one currency")
    return currencies.pop() if currencies else None


def minor_of(values: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """The values that were given, amounts as minor units under their names in the domain."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in names:
            found[names[name]] = value.amount if isinstance(value, MoneyIn) else value
        else:
            found[name] = value
    return found


def money(amount_minor: int | None, currency: str | None) -> Money | None:
    """An amount as it is answered; None where there is none."""
    return None if amount_minor is None or currency is None else Money(amount_minor, currency)
