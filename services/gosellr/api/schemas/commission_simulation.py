"""Shapes of the question what other commission rules would have earned."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from gosellr.api.schemas.commission import RuleChange, RuleCreate
from gosellr.api.schemas.common import AnswerModel, Moment, MoneyOut, RequestModel, SellerReference
from gosellr.api.schemas.terms import MomentIn
from gosellr.services.commission_simulation import (
    RuleChanges,
    SimulatedSums,
    Simulation,
    SimulationRequest,
)
from gosellr.utils.money import Money
from gosellr.utils.refunds import CommissionReversal

CHANGES_MAX = 100
Reversal = Literal["full", "none", "full_less_fixed"]


class TriedChange(RuleChange):
    """Changes to a rule that exists, as an update takes them."""

    id: UUID

    def values(self) -> dict[str, Any]:
        """The changes without the rule that they are made to."""
        return {name: value for name, value in super().values().items() if name != "id"}


class TriedRules(RequestModel):
    """What is tried out. Changes come first, then what is added, and `remove` last."""

    add: Annotated[tuple[RuleCreate, ...], Field(max_length=CHANGES_MAX)] = ()
    change: Annotated[tuple[TriedChange, ...], Field(max_length=CHANGES_MAX)] = ()
    remove: Annotated[tuple[UUID, ...], Field(max_length=CHANGES_MAX)] = ()

    def rule_changes(self) -> RuleChanges:
        """The same for the service."""
        return RuleChanges(
            added=tuple(
                rule.terms() | ({} if rule.position is None else {"position": rule.position})
                for rule in self.add
            ),
            changed=tuple((one.id, one.values()) for one in self.change),
            removed=self.remove,
        )


class SimulationIn(RequestModel):
    """Which sales, and what is to be different. Nothing that is sent is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False)

    from_: Annotated[
        MomentIn | None,
        Field(alias="from", description="Placed then or later; without it, last month (UTC)"),
    ] = None
    to: Annotated[
        MomentIn | None,
        Field(description="Placed before; without it, now where `from` is given, else last month"),
    ] = None
    rules: TriedRules = TriedRules()
    commission_on_refunds: Annotated[
        Reversal | None,
        Field(
            description="Replay every refund under this policy: all of the commission goes back, "
            "none, or all but its fixed part. Without it, refunds keep to the market's own"
        ),
    ] = None

    def request(self, *, now: datetime, orders_max: int | None) -> SimulationRequest:
        """The same for the service.

        Raises:
            InvalidInput: when the amounts of a rule don't share one currency.
        """
        since, until = last_month(now)
        return SimulationRequest(
            since=self.from_ or since,
            until=self.to or (until if self.from_ is None else now),
            changes=self.rules.rule_changes(),
            reversal=None
            if self.commission_on_refunds is None
            else CommissionReversal(self.commission_on_refunds),
            orders_max=orders_max,
        )


def last_month(now: datetime) -> tuple[datetime, datetime]:
    """The first moment of the month before `now`, and the first after it."""
    until = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, month = divmod(until.year * 12 + until.month - 2, 12)
    return until.replace(year=year, month=month + 1), until


class SimulatedOut(AnswerModel):
    """What was paid to the market, after refunds, and what would have been.

    `difference` is what the market would have earned more. A line or a delivery is touched when
    its commission or the VAT on it comes out differently.
    """

    commission_booked: MoneyOut
    commission_simulated: MoneyOut
    difference: MoneyOut
    vat_booked: MoneyOut
    vat_simulated: MoneyOut
    lines: int
    lines_touched: int
    deliveries_touched: int


class SimulatedSellerOut(SimulatedOut):
    """The same of one seller in one currency."""

    seller: SellerReference


class SimulationOut(AnswerModel):
    """Sellers by the size of what changes for them; `totals` are those of all, per currency."""

    from_: Moment = Field(alias="from")
    to: Moment
    orders: int
    sellers: list[SimulatedSellerOut]
    sellers_left_out: int
    totals: list[SimulatedOut]


def simulation_document(simulation: Simulation) -> dict[str, Any]:
    """A simulation as it is answered."""
    return {
        "from": simulation.since,
        "to": simulation.until,
        "orders": simulation.orders,
        "sellers": [
            {
                "seller": {"id": one.seller.id, "name": one.seller.name, "slug": one.seller.slug},
                **_sums(one.sums),
            }
            for one in simulation.sellers
        ],
        "sellers_left_out": simulation.sellers_left_out,
        "totals": [_sums(sums) for sums in simulation.totals],
    }


def _sums(sums: SimulatedSums) -> dict[str, Any]:
    return {
        "commission_booked": Money(sums.booked.commission_minor, sums.currency),
        "commission_simulated": Money(sums.simulated.commission_minor, sums.currency),
        "difference": Money(sums.difference.commission_minor, sums.currency),
        "vat_booked": Money(sums.booked.vat_minor, sums.currency),
        "vat_simulated": Money(sums.simulated.vat_minor, sums.currency),
        "lines": sums.lines,
        "lines_touched": sums.lines_touched,
        "deliveries_touched": sums.deliveries_touched,
    }
