"""Shapes of reserve rules, and of what they keep back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Bps,
    MoneyIn,
    MoneyOut,
    NoCard,
    PageOut,
    RequestModel,
    Version,
    left_out,
    line,
)
from gosellr.api.schemas.terms import MomentIn, given
from gosellr.core.errors import InvalidInput
from gosellr.models.balance_values import ListedReserveRule, ReserveHold
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.utils.reserves import DAYS_MAX, ReserveScope, RiskMeasure

Document = dict[str, Any]
_CAPS_MAX = 20

_Days = Annotated[int, Field(strict=True, ge=1, le=DAYS_MAX)]
_Age = Annotated[int, Field(strict=True, ge=1, le=3650)]
_Caps = Annotated[
    tuple[MoneyIn, ...],
    Field(max_length=_CAPS_MAX, description="The most that is kept back of a seller in all"),
]
_RuleName = Annotated[str, line(200, min_length=0), NoCard]


class ReserveRuleCreate(RequestModel):
    """Keep a part of each sale back for some days after its release. `scope` says what the rule
    looks at, and which one of the conditions it needs."""

    name: _RuleName = ""
    scope: ReserveScope
    seller_id: UUID | None = None
    category_id: Annotated[UUID | None, Field(description="With all of its descendants")] = None
    younger_than_days: Annotated[_Age | None, Field(description="Since admission")] = None
    measure: Annotated[RiskMeasure | None, Field(description="Of the last 90 days")] = None
    above_bps: Bps | None = None
    rate_bps: Bps
    days: _Days
    caps: _Caps = ()
    valid_from: MomentIn | None = None
    valid_to: MomentIn | None = None

    def terms(self) -> dict[str, Any]:
        """The rule's fields as the domain knows them. Raises `InvalidInput`."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "name"}
        return {**values, "caps": _by_currency(self.caps)}


class ReserveRuleChange(RequestModel):
    """Changes to a rule; fields left out stay, and so does what was kept back before."""

    name: _RuleName = left_out()
    younger_than_days: _Age = left_out()
    measure: RiskMeasure = left_out()
    above_bps: Bps = left_out()
    rate_bps: Bps = left_out()
    days: _Days = left_out()
    caps: _Caps = left_out()
    valid_from: MomentIn | None = left_out()
    valid_to: MomentIn | None = left_out()
    version: Version | None = None

    def values(self) -> dict[str, Any]:
        """The changes as the domain knows them. Raises `InvalidInput`."""
        sent = given(self)
        return {**sent, "caps": _by_currency(sent["caps"])} if "caps" in sent else sent


def _by_currency(caps: tuple[MoneyIn, ...]) -> dict[str, int]:
    found = {one.currency: one.amount for one in caps}
    if len(found) != len(caps):
        raise InvalidInput.at("caps", "currency_twice", "One cap per currency")
    return found


class ReserveRuleOut(AnswerModel):
    """A rule. A seller's own decides before all others; else the highest rate that fits."""

    id: UUID
    name: str
    scope: ReserveScope
    seller_id: UUID | None
    category_id: UUID | None
    younger_than_days: int | None
    measure: RiskMeasure | None
    above_bps: int | None
    rate_bps: int
    days: int
    caps: list[MoneyOut]
    valid_from: datetime | None
    valid_to: datetime | None
    version: int


ReserveRulePageOut = PageOut[ReserveRuleOut]


class DecidedRuleOut(AnswerModel):
    """A rule as it was when it decided about a sale."""

    scope: ReserveScope
    rate_bps: int
    days: int
    cap: MoneyOut | None
    base: MoneyOut


class ReserveHoldOut(AnswerModel):
    """Money kept back of one sale until `release_at`, less what refunds have taken of it."""

    id: UUID
    order_id: UUID
    order_number: str
    seller_order_id: UUID
    held: MoneyOut
    amount: MoneyOut
    taken: MoneyOut
    held_at: datetime
    release_at: datetime
    rule: DecidedRuleOut


ReserveHoldPageOut = PageOut[ReserveHoldOut]


def rule_document(listed: ListedReserveRule) -> Document:
    """A rule as it is answered."""
    rule = listed.rule
    return {
        "id": rule.id,
        "name": listed.name,
        "scope": rule.scope,
        "seller_id": rule.seller_id,
        "category_id": rule.category_id,
        "younger_than_days": rule.younger_than_days,
        "measure": rule.measure,
        "above_bps": rule.above_bps,
        "rate_bps": rule.rate_bps,
        "days": rule.days,
        "caps": [Money(minor, code) for code, minor in sorted(rule.caps.items())],
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        "version": listed.version,
    }


def hold_document(hold: ReserveHold) -> Document:
    """What is kept back of a sale, as it is answered."""
    rule, currency = hold.rule, hold.currency
    cap_minor = rule["cap_minor"]
    return {
        "id": hold.id,
        "order_id": hold.order_id,
        "order_number": order_number(hold.order_number),
        "seller_order_id": hold.seller_order_id,
        "held": Money(hold.held_minor, currency),
        "amount": Money(hold.amount_minor, currency),
        "taken": Money(hold.taken_minor, currency),
        "held_at": hold.held_at,
        "release_at": hold.release_at,
        "rule": {
            "scope": rule["scope"],
            "rate_bps": rule["rate_bps"],
            "days": rule["days"],
            "cap": None if cap_minor is None else Money(cap_minor, currency),
            "base": Money(rule["base_minor"], currency),
        },
    }
