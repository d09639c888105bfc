"""What the marketplace earns on a line: ordered rules, the first that matches wins.

The base is the line's goods without tax, before any discount that the marketplace bears. The
commission and the VAT on it together never take more than the base, so that a sale can't leave a
seller with a debt. Everything that decided is frozen on the line and never looked up again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import BPS, bps_half_up, checked_minor, exponent
from gosellr.utils.tax import checked_tax_rate, without_tax


class InvalidCommissionRule(ValueError):
    """The parts of a commission rule contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionRule:
    """One rule. Unset conditions match everything; amounts are minor units of `currency`.

    `category_id` matches its descendants too, because lines bring their category with its
    ancestors. Bands and dates are half-open (from inclusive, to exclusive), so that neighbours
    never overlap. A rule with amounts matches lines of its own currency only.
    Raises `InvalidCommissionRule`.
    """

    id: UUID
    position: int
    rate_bps: int = 0
    fixed_minor: int = 0
    minimum_minor: int | None = None
    cap_minor: int | None = None
    vat_bps: int = 0
    on_shipping: bool = False
    currency: str | None = None
    seller_id: UUID | None = None
    category_id: UUID | None = None
    product_id: UUID | None = None
    value_from_minor: int | None = None
    value_to_minor: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def __post_init__(self) -> None:
        amounts = (self.minimum_minor, self.cap_minor, self.value_from_minor, self.value_to_minor)
        for amount in (self.fixed_minor, *amounts):
            checked_minor(amount or 0, name="amount of a commission rule")
        checked_tax_rate(self.vat_bps)
        if not 0 <= self.rate_bps <= BPS:
            raise InvalidCommissionRule("a commission rate is 0 to 10000 bps")
        if self.currency is not None:
            exponent(self.currency)
        elif self.fixed_minor or any(amount is not None for amount in amounts):
            raise InvalidCommissionRule("an amount needs its currency")
        if _ordered_wrongly(self.minimum_minor, self.cap_minor):
            raise InvalidCommissionRule("the minimum is above the cap")

    def matches(self, line: "CommissionLine", at: datetime) -> bool:
        """Whether the rule governs a line sold at a moment (UTC-aware)."""
        return (
            self.currency in {None, line.currency}
            and self.seller_id in {None, line.seller_id}
            and self.product_id in {None, line.product_id}
            and (self.category_id is None or self.category_id in line.category_ids)
            and (self.value_from_minor is None or self.value_from_minor <= line.valued_minor)
            and (self.value_to_minor is None or line.valued_minor < self.value_to_minor)
            and (self.valid_from is None or self.valid_from <= at)
            and (self.valid_to is None or at < self.valid_to)
        )


def _ordered_wrongly(lower: int | None, upper: int | None) -> bool:
    return lower is not None and upper is not None and lower > upper


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionLine:
    """The facts of a sold line that rules look at.

    `category_ids` holds the category of the product and all its ancestors.
    """

    currency: str
    seller_id: UUID
    product_id: UUID
    category_ids: frozenset[UUID]
    goods_minor: int
    tax_minor: int
    tax_included: bool
    # What value bands see, where units were called off since: the line's goods as ordered.
    ordered_minor: int | None = None

    @property
    def valued_minor(self) -> int:
        """What value bands see."""
        return self.goods_minor if self.ordered_minor is None else self.ordered_minor

    @property
    def base_minor(self) -> int:
        """The goods without tax."""
        return without_tax(self.goods_minor, tax_minor=self.tax_minor, included=self.tax_included)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionTerms:
    """What was decided for a line or a parcel's shipping, to be frozen on it, in minor units.

    Without a matching rule everything is zero and `rule_id` is None.
    """

    rule_id: UUID | None = None
    base_minor: int = 0
    rate_bps: int = 0
    fixed_minor: int = 0
    minimum_minor: int | None = None
    cap_minor: int | None = None
    vat_bps: int = 0
    commission_minor: int = 0
    vat_minor: int = 0

    def as_dict(self) -> dict[str, Any]:
        """A plain dictionary for JSON; `from_dict` reads it back."""
        stored = dict(zip(_NAMES, _terms_of(self), strict=True))
        return stored | {"rule_id": None if self.rule_id is None else str(self.rule_id)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The terms as they were frozen; keys that a later release added are left alone."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        rule_id = known.get("rule_id")
        return cls(**known | {"rule_id": None if rule_id is None else UUID(rule_id)})


_NAMES = tuple(field.name for field in fields(CommissionTerms))
_terms_of = attrgetter(*_NAMES)


def matching_rule(
    *, line: CommissionLine, rules: Iterable[CommissionRule], at: datetime
) -> CommissionRule | None:
    """The first rule by position that matches; equal positions fall to the smaller id."""
    matches = (rule for rule in rules if rule.matches(line, at))
    return min(matches, key=_place, default=None)


def _place(rule: CommissionRule) -> tuple[int, UUID]:
    return rule.position, rule.id


def commission_for(
    *, line: CommissionLine, rules: Iterable[CommissionRule], at: datetime
) -> CommissionTerms:
    """The commission of one line: rate plus fixed, lifted to the minimum, held under the cap.

    The fixed part, minimum and cap are per line, whatever its quantity.
    """
    rule = matching_rule(line=line, rules=rules, at=at)
    if rule is None:
        return CommissionTerms(base_minor=line.base_minor)
    return _decided(rule, rule_id=rule.id, base_minor=line.base_minor)


def terms_on(terms: CommissionTerms, *, base_minor: int) -> CommissionTerms:
    """Frozen terms on another base: the same rule with the same figures, whatever became of it."""
    if terms.rule_id is None:
        return CommissionTerms(base_minor=base_minor)
    return _decided(terms, rule_id=terms.rule_id, base_minor=base_minor)


def _decided(
    rule: CommissionRule | CommissionTerms, *, rule_id: UUID, base_minor: int
) -> CommissionTerms:
    commission_minor = bps_half_up(base_minor, rule.rate_bps) + rule.fixed_minor
    if rule.minimum_minor is not None:
        commission_minor = max(commission_minor, rule.minimum_minor)
    if rule.cap_minor is not None:
        commission_minor = min(commission_minor, rule.cap_minor)
    commission_minor = _bearable(commission_minor, base_minor, rule.vat_bps)
    return CommissionTerms(
        rule_id=rule_id,
        base_minor=base_minor,
        rate_bps=rule.rate_bps,
        fixed_minor=rule.fixed_minor,
        minimum_minor=rule.minimum_minor,
        cap_minor=rule.cap_minor,
        vat_bps=rule.vat_bps,
        commission_minor=commission_minor,
        vat_minor=bps_half_up(commission_minor, rule.vat_bps),
    )


def commission_for_shipping(
    *,
    shipping_base_minor: int,
    lines: Sequence[CommissionLine],
    rules: Sequence[CommissionRule],
    at: datetime,
) -> CommissionTerms:
    """The commission on a parcel's shipping without tax; it belongs to the seller order.

    Of the rules that won for the parcel's lines, the first by position with `on_shipping`
    decides. Only its rate and VAT apply: fixed, minimum and cap are the lines'.
    """
    won = (matching_rule(line=line, rules=rules, at=at) for line in lines)
    rule = min((rule for rule in won if rule and rule.on_shipping), key=_place, default=None)
    if rule is None:
        return CommissionTerms(base_minor=shipping_base_minor)
    commission_minor = _bearable(
        bps_half_up(shipping_base_minor, rule.rate_bps), shipping_base_minor, rule.vat_bps
    )
    return CommissionTerms(
        rule_id=rule.id,
        base_minor=shipping_base_minor,
        rate_bps=rule.rate_bps,
        vat_bps=rule.vat_bps,
        commission_minor=commission_minor,
        vat_minor=bps_half_up(commission_minor, rule.vat_bps),
    )


def _bearable(commission_minor: int, base_minor: int, vat_bps: int) -> int:
    """The commission, lowered until it fits into the base together with its VAT."""
    return min(commission_minor, base_minor * BPS // (BPS + vat_bps))
