"""What a change of the commission rules would have meant for sales that were made: a question.

The rules are changed in memory by what changes them for good, and every sale of the period is
sold and refunded once more by `utils`. Nothing is written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.identity import new_id
from gosellr.queries import commission_replays, commission_rules, sellers
from gosellr.queries.commission_replays import PlacedOrder
from gosellr.queries.sellers import NamedSeller
from gosellr.services.commission_service import RULES_MAX, changed_rule, new_rule
from gosellr.utils.commission import CommissionRule
from gosellr.utils.commission_replay import (
    NOTHING,
    Earned,
    RefundPolicy,
    Replayed,
    SoldParcel,
    replay,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.refunds import CommissionReversal

SELLERS_SHOWN: Final = 1_000
"""So many sellers are answered, those with the largest differences."""
ORDERS_MAX: Final = 100_000
"""So many orders are replayed for one request."""
_BATCH: Final = 500
_FIRST_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChanges:
    """What is tried out: rules by the fields of `CommissionRule`, besides their id.

    A position in `added` or `changed` moves the others, as it does for good. Changes come first,
    then what is added, in its sequence, then `removed` goes.
    """

    added: tuple[Mapping[str, Any], ...] = ()
    changed: tuple[tuple[UUID, Mapping[str, Any]], ...] = ()
    removed: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRequest:
    """The sales from `since` until before `until`, and what is to be different.

    Without a `reversal` refunds keep to the market's policy, and where a line's commission stays
    as it was, to what was booked. `orders_max` bounds the answer's time; None is no bound.
    """

    since: datetime
    until: datetime
    changes: RuleChanges = RuleChanges()
    reversal: CommissionReversal | None = None
    orders_max: int | None = ORDERS_MAX


@dataclass(slots=True, kw_only=True)
class SimulatedSums:
    """What a seller, or all of them, paid in one currency, and would have paid."""

    currency: str
    booked: Earned = NOTHING
    simulated: Earned = NOTHING
    lines: int = 0
    lines_touched: int = 0
    deliveries_touched: int = 0

    def add(self, one: "Replayed | SimulatedSums") -> None:
        """Take in a parcel, or the sums of another."""
        self.booked += one.booked
        self.simulated += one.simulated
        self.lines += one.lines
        self.lines_touched += one.lines_touched
        self.deliveries_touched += one.deliveries_touched

    @property
    def difference(self) -> Earned:
        """What the market would have earned more; negative where it is less."""
        return self.simulated - self.booked


@dataclass(frozen=True, slots=True)
class SimulatedSeller:
    """One seller's sums in one currency."""

    seller: NamedSeller
    sums: SimulatedSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The answer: sellers by the size of what changes for them, and sums over all, shown or not."""

    since: datetime
    until: datetime
    orders: int
    sellers: tuple[SimulatedSeller, ...]
    sellers_left_out: int
    totals: tuple[SimulatedSums, ...]


async def simulate(
    connection: Connection, *, request: SimulationRequest, reversal: CommissionReversal
) -> Simulation:
    """Replay the paid orders of a period; `reversal` is the market's own policy.

    Needs no snapshot, since what is read of an order doesn't change but by refunds, and those are
    read once. Only a batch of orders is in memory at a time.

    Raises:
        InvalidInput: the period ends before it begins or holds too many orders, or a change is
            none: a rule that contradicts itself, names what doesn't exist, or isn't there.
    """
    await _check_period(connection, request)
    replays = _Replays(
        rules=await _rules_after(connection, request.changes),
        policy=RefundPolicy(
            reversal=request.reversal or reversal, of_all=request.reversal is not None
        ),
    )
    orders, last = 0, (request.since, _FIRST_ID)
    while batch := await _next_orders(connection, request, after=last):
        for parcel in await commission_replays.parcels_of(connection, orders=batch):
            replays.add(parcel)
        orders, last = orders + len(batch), (batch[-1].placed_at, batch[-1].id)
    return await _answer(connection, request, orders=orders, sums=replays.sums)


async def _check_period(connection: Connection, request: SimulationRequest) -> None:
    if request.until <= request.since:
        raise InvalidInput.at("to", "ends_too_early", "It has to end after it begins")
    if request.orders_max is None:
        return
    found = await commission_replays.count_orders(
        connection, since=request.since, until=request.until, limit=request.orders_max + 1
    )
    if found > request.orders_max:
        raise InvalidInput.at(
            "to", "too_many_orders", f"A period may hold {request.orders_max} orders; shorten it"
        )


async def _next_orders(
    connection: Connection, request: SimulationRequest, *, after: tuple[datetime, UUID]
) -> list[PlacedOrder]:
    return await commission_replays.orders_after(
        connection, since=request.since, until=request.until, after=after, limit=_BATCH
    )


async def _rules_after(connection: Connection, changes: RuleChanges) -> list[CommissionRule]:
    """The rules in force, changed as asked for, in their new order."""
    listed = await commission_rules.list_rules(
        connection, everything=True, seller_ids=(), after=None, limit=RULES_MAX
    )
    rules = [one.rule for one in listed]
    for rule_id, terms in changes.changed:
        place = _place_of(rules, rule_id, field="rules.change")
        rule = await changed_rule(connection, rule=rules.pop(place), changes=terms)
        rules.insert(_index(terms.get("position"), default=place, among=len(rules)), rule)
    for terms in changes.added:
        rule = await new_rule(connection, rule_id=new_id(), terms={"position": 1} | dict(terms))
        rules.insert(_index(terms.get("position"), default=len(rules), among=len(rules)), rule)
    for rule_id in changes.removed:
        rules.pop(_place_of(rules, rule_id, field="rules.remove"))
    return [replace(rule, position=place) for place, rule in enumerate(rules, start=1)]


def _place_of(rules: Sequence[CommissionRule], rule_id: UUID, *, field: str) -> int:
    for place, rule in enumerate(rules):
        if rule.id == rule_id:
            return place
    raise InvalidInput.at(field, "unknown", f"There is no rule {rule_id}")


def _index(position: int | None, *, default: int, among: int) -> int:
    return default if position is None else max(0, min(position - 1, among))


class _Replays:
    """Adds parcels up by seller and currency; of the rules each seller sees its own and all's."""

    def __init__(self, *, rules: Sequence[CommissionRule], policy: RefundPolicy) -> None:
        self.sums: dict[tuple[UUID, str], SimulatedSums] = {}
        self._rules = rules
        self._policy = policy
        self._fitting: dict[tuple[UUID, str], list[CommissionRule]] = {}

    def add(self, parcel: SoldParcel) -> None:
        """Replay a parcel."""
        key = (parcel.seller_id, parcel.currency)
        if key not in self.sums:
            self.sums[key] = SimulatedSums(currency=parcel.currency)
            self._fitting[key] = [
                rule
                for rule in self._rules
                if rule.seller_id in {None, parcel.seller_id}
                and rule.currency in {None, parcel.currency}
            ]
        self.sums[key].add(replay(parcel, rules=self._fitting[key], policy=self._policy))


async def _answer(
    connection: Connection,
    request: SimulationRequest,
    *,
    orders: int,
    sums: Mapping[tuple[UUID, str], SimulatedSums],
) -> Simulation:
    totals: dict[str, SimulatedSums] = {}
    for one in sums.values():
        totals.setdefault(one.currency, SimulatedSums(currency=one.currency)).add(one)
    ranked = sorted(sums.items(), key=_rank)
    shown = ranked[:SELLERS_SHOWN]
    named = await sellers.named(
        connection, seller_ids=list({seller_id for (seller_id, _), _ in shown})
    )
    return Simulation(
        since=request.since,
        until=request.until,
        orders=orders,
        sellers=tuple(SimulatedSeller(named[seller_id], own) for (seller_id, _), own in shown),
        sellers_left_out=len(ranked) - len(shown),
        totals=tuple(totals[currency] for currency in sorted(totals)),
    )


def _rank(one: tuple[tuple[UUID, str], SimulatedSums]) -> tuple[int, str, str]:
    (seller_id, currency), sums = one
    return -abs(sums.difference.commission_minor), currency, str(seller_id)
