"""Cash on delivery as it is told and answered."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from gosellr.api.schemas.common import AnswerModel, MoneyIn, MoneyOut, Reason, RequestModel


class CashReceived(RequestModel):
    """The cash that was handed over for a part: exactly what was due."""

    seller_order_id: UUID
    amount: MoneyIn


class ParcelRefused(RequestModel):
    """A part that its buyer refused at the door."""

    seller_order_id: UUID
    reason: Reason


class CashTermsUpdate(RequestModel):
    """Up to how much of one order a seller takes in cash, by currency; others are taken off."""

    limits: Annotated[list[MoneyIn], Field(max_length=50)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        currencies = [one.currency for one in self.limits]
        if len(set(currencies)) < len(currencies):
            raise ValueError("name each currency once")
        if any(one.amount == 0 for one in self.limits):
            raise ValueError("leave out a currency in which no cash is taken")
        return self

    def by_currency(self) -> dict[str, int]:
        """The same for the service."""
        return {one.currency: one.amount for one in self.limits}


class CashTermsOut(AnswerModel):
    """Up to how much of one order a seller takes in cash; the market's own limit holds besides."""

    limits: list[MoneyOut]
    market: list[MoneyOut]


def cash_terms_document(own: dict[str, int], market: dict[str, int]) -> dict[str, Any]:
    """A seller's terms beside the market's, as answered."""
    return {"limits": _listed(own), "market": _listed(market)}


def _listed(limits: dict[str, int]) -> list[dict[str, Any]]:
    return [{"amount": minor, "currency": currency} for currency, minor in sorted(limits.items())]
