"""Shapes of commission rules."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Bps,
    Flag,
    Moment,
    MoneyIn,
    MoneyOut,
    NoCard,
    PageOut,
    RequestModel,
    Version,
    left_out,
    line,
)
from gosellr.api.schemas.terms import MomentIn, given, minor_of, money, one_currency
from gosellr.models.term_values import ListedRule

Position = Annotated[int, Field(strict=True, ge=1, le=100_000, description="1 is asked first")]
RuleName = Annotated[str, line(200, min_length=0), NoCard]
WhyIn = Annotated[
    str, line(500, min_length=0), NoCard, Field(description="Why; a second person reads it")
]


class MatchIn(RequestModel):
    """What a rule is for; unset conditions match everything. Bands and dates end before `to`."""

    seller_id: UUID | None = None
    category_id: Annotated[UUID | None, Field(description="With all of its descendants")] = None
    product_id: UUID | None = None
    value_from: MoneyIn | None = None
    value_to: MoneyIn | None = None
    valid_from: MomentIn | None = None
    valid_to: MomentIn | None = None


# What of a request no term of the rule is.
_NO_TERMS = frozenset({"position", "name", "reason"})


class RuleCreate(RequestModel):
    """A new rule; without a position it comes last."""

    position: Position | None = None
    name: RuleName = ""
    match: MatchIn = MatchIn()
    rate_bps: Bps
    fixed: MoneyIn | None = None
    minimum: MoneyIn | None = None
    cap: MoneyIn | None = None
    vat_bps: Bps = 0
    on_shipping: Flag = False
    reason: WhyIn = ""

    def terms(self) -> dict[str, Any]:
        """The rule's fields as the domain knows them, besides its place and name.

        Raises:
            InvalidInput: when the amounts don't share one currency.
        """
        sent = given(self)
        return _terms({name: sent[name] for name in sent if name not in _NO_TERMS})


class RuleChange(RequestModel):
    """Changes to a rule; fields left out stay. `match` is replaced as a whole."""

    position: Position = left_out()
    name: RuleName = left_out()
    match: MatchIn = left_out()
    rate_bps: Bps = left_out()
    fixed: MoneyIn | None = left_out()
    minimum: MoneyIn | None = left_out()
    cap: MoneyIn | None = left_out()
    vat_bps: Bps = left_out()
    on_shipping: Flag = left_out()
    version: Version | None = None
    reason: WhyIn = ""

    def values(self) -> dict[str, Any]:
        """The changes as the domain knows them.

        Raises:
            InvalidInput: when the amounts don't share one currency.
        """
        sent = given(self)
        sent.pop("reason", None)
        values = _terms(sent)
        if values["currency"] is None:
            del values["currency"]
        return values


def _terms(sent: dict[str, Any]) -> dict[str, Any]:
    match = sent.pop("match", None)
    if match is not None:
        sent |= {name: getattr(match, name) for name in type(match).model_fields}
    amounts = (sent.get(name) for name in ("fixed", "minimum", "cap", "value_from", "value_to"))
    currency = one_currency(amounts, field="fixed")
    values = minor_of(
        sent,
        fixed="fixed_minor",
        minimum="minimum_minor",
        cap="cap_minor",
        value_from="value_from_minor",
        value_to="value_to_minor",
    )
    if values.get("fixed_minor", 0) is None:
        values["fixed_minor"] = 0
    return values | {"currency": currency}


class MatchOut(AnswerModel):
    """What a rule is for."""

    seller_id: UUID | None
    category_id: UUID | None
    product_id: UUID | None
    value_from: MoneyOut | None
    value_to: MoneyOut | None
    valid_from: Moment | None
    valid_to: Moment | None


class RuleOut(AnswerModel):
    """A commission rule; the first by position that matches a line governs it."""

    id: UUID
    position: int
    name: str
    match: MatchOut
    rate_bps: int
    fixed: MoneyOut | None
    minimum: MoneyOut | None
    cap: MoneyOut | None
    vat_bps: int
    on_shipping: bool
    version: int


RulePage = PageOut[RuleOut]


def rule_document(listed: ListedRule) -> dict[str, Any]:
    """A rule as it is answered."""
    rule = listed.rule
    return {
        "id": rule.id,
        "position": rule.position,
        "name": listed.name,
        "match": {
            "seller_id": rule.seller_id,
            "category_id": rule.category_id,
            "product_id": rule.product_id,
            "value_from": money(rule.value_from_minor, rule.currency),
            "value_to": money(rule.value_to_minor, rule.currency),
            "valid_from": rule.valid_from,
            "valid_to": rule.valid_to,
        },
        "rate_bps": rule.rate_bps,
        "fixed": money(rule.fixed_minor or None, rule.currency),
        "minimum": money(rule.minimum_minor, rule.currency),
        "cap": money(rule.cap_minor, rule.currency),
        "vat_bps": rule.vat_bps,
        "on_shipping": rule.on_shipping,
        "version": listed.version,
    }
