"""Shapes of the market as a whole."""

from datetime import datetime

from pydantic import BaseModel, Field

from gosellr.api.schemas.common import MoneyOut


class StatsOut(BaseModel):
    """The market in numbers, each amount by currency."""

    orders: int = Field(description="Orders that were sold, refunded ones included.")
    gmv: list[MoneyOut] = Field(
        description="What sales were worth: paid through gateways, out of stored value, and given"
        " by the marketplace as a promotion; with delivery and tax, before refunds."
    )
    commission: list[MoneyOut] = Field(
        description="What the marketplace earned by commission, less what refunds gave back."
    )
    sellers_active: int
    products_active: int
    refunded: list[MoneyOut] = Field(description="What reached buyers as refunds.")
    as_of: datetime
