"""A small market that lives at random: whatever happens to its orders, its books have to hold.

Each life is made of its seed alone. Its diary says what was done, and how it was answered.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from random import Random
from typing import Final

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_disputes import NothingToDispute
from gosellr.integrations.payments.sandbox_script import TOKENS, SandboxScript
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import documents, upkeep
from gosellr.jobs.outbox import REACTIONS, Gathering
from gosellr.models.events import FactType, RecordedFact
from gosellr.models.order_values import Order
from gosellr.providers import build_payout_providers
from gosellr.resources import Resources
from gosellr.services import cash_terms_service
from gosellr.utils.lazy_dataclasses import dataclass, replace
from tests.factories import balances as desk
from tests.factories import gift_sales
from tests.factories.accounts import User
from tests.factories.captures import at_shipment
from tests.factories.payouts import set_account, set_schedule
from tests.factories.sales import (
    Shop,
    make_buyer,
    make_commission,
    make_shop,
)
from tests.factories.terms import make_coupon, make_delivery, make_tax
from tests.factories.transfers import offline

# Half of all cards simply pay; one keeps whoever waits for it waiting, which tells nothing new.
_ODD_TOKENS: Final = sorted(TOKENS.keys() - {"tok_ok", "tok_slow", "tok_unknown"})
WORK: Final[Sequence[Callable[[Resources], Awaitable[object]]]] = (
    upkeep.resume_payments,
    upkeep.resume_captures,
    upkeep.watch_authorizations,
    upkeep.deliver_sandbox_reports,
    upkeep.apply_parked_reports,
    upkeep.expire_holds,
    upkeep.resume_refunds,
    upkeep.resume_returns,
    upkeep.release_sales,
    upkeep.release_reserves,
    upkeep.deliver_gift_cards,
    upkeep.release_gift_cards,
    upkeep.pay_scheduled,
    upkeep.resume_payouts,
    upkeep.read_movements,
    documents.close_months,
    upkeep.work_off_disputes,
    upkeep.send_dispute_evidence,
    upkeep.find_chargebacks,
    upkeep.roll_up_ledger,
)
_FACTS = """
SELECT sequence, id, type, aggregate_type, aggregate_id, data, occurred_at
FROM outbox_event WHERE sequence > $1 ORDER BY sequence
"""


# Of none, two and three decimals: which one a life has goes by its number.
CURRENCIES: Final = ("EUR", "JPY", "USD", "KWD")


@dataclass(slots=True)
class Bought:
    """An order, and the shops that sell it; none sells a gift card."""

    order: Order
    shops: Sequence[Shop]


@dataclass(slots=True)
class Life:
    """What is there in a life, and what happened in it."""

    market: Resources
    connection: Connection
    clock: ManualClock
    chance: Random
    currency: str
    buyer: User
    shops: Sequence[Shop]
    coupons: Sequence[str]
    bought: list[Bought] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    chargebacks: list[str] = field(default_factory=list)
    may_come_back: list[str] = field(default_factory=list)
    told: int = 0
    diary: list[str] = field(default_factory=list)

    @property
    def gateway(self) -> SandboxGateway:
        """The gateway, which is told what banks and buyers do."""
        gateway = self.market.gateways["sandbox"]
        assert isinstance(gateway, SandboxGateway)
        return gateway

    def token(self) -> str:
        return self.chance.choice(("tok_ok", self.chance.choice(_ODD_TOKENS)))

    def part(self) -> tuple[Order, Shop]:
        """Some shop's part of some order. Raises `NothingThere`."""
        found = [one for one in self.bought if one.shops]
        if not found:
            raise NothingThere
        one = self.chance.choice(found)
        return one.order, self.chance.choice(one.shops)

    def someone(self, shop: Shop) -> "User | Shop":
        return self.chance.choice((self.buyer, shop))

    async def attempt(self, name: str, doing: Awaitable[object]) -> None:
        """Do something, and note how it went."""
        try:
            await doing
        except (DomainError, NothingToDispute, NothingThere) as refused:
            self.diary.append(f"{name}: {type(refused).__name__}")
        else:
            self.diary.append(name)

    async def work(self) -> None:
        """What the clock starts, and what follows from what happened."""
        for job in WORK:
            await job(self.market)
        await self.react()

    async def react(self) -> None:
        """Tell facts to their reactions, but for the cards of the catalogue."""
        for row in await self.connection.fetch(_FACTS, self.told):
            fact = RecordedFact(**row)
            for reaction in REACTIONS.get(FactType(fact.type), ()):
                if "card" in reaction.name:
                    continue
                if isinstance(reaction, Gathering):
                    await reaction.run(self.market, [fact])
                else:
                    await reaction.run(self.market, fact)
            self.told = fact.sequence


class NothingThere(Exception):
    """There is nothing yet to which this could happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FatedScript(SandboxScript):
    """Faults that befall the first report, the second and so on, whatever random names they bear:
    else a life would be another one in each run."""

    met: dict[str, int] = field(default_factory=dict)

    def rank(self, event_id: str) -> int:
        """As of a report that is named by its place."""
        place = self.met.setdefault(event_id, len(self.met))
        # Named, because a dataclass with slots is made anew, and forgets which class it was.
        return SandboxScript.rank(self, f"{place}")


async def begin(
    resources: Resources, connection: Connection, clock: ManualClock, *, seed: int
) -> Life:
    """A market with three shops whose terms, gateway and rules are those of the seed."""
    chance, currency = Random(seed), CURRENCIES[seed % len(CURRENCIES)]
    market = offline(resources, currency=currency)
    home = market.settings.home / f"life-{seed}"
    home.mkdir()
    gateway = SandboxGateway(
        home,
        production=False,
        clock=clock,
        fee_bps=chance.choice((0, 140, 290)),
        fee_fixed_minor=chance.choice((0, 30)),
        script=FatedScript(
            seed=seed,
            extra_copies=chance.choice((0, 0, 1)),
            drop_one_in=chance.choice((0, 0, 3)),
            reorder=chance.random() < 0.5,
        ),
    )
    # Drawn by itself: what a seed does stays what it was.
    policy = Random(f"policy {seed}")
    settings = market.settings.model_copy(
        update={
            "home": home,
            "commission_on_refunds": policy.choice(("full", "none", "full_less_fixed")),
            "refund_fee_borne_by": policy.choice(("marketplace", "seller")),
        }
    )
    market = replace(
        market,
        settings=settings,
        gateways={**market.gateways, "sandbox": gateway},
        payout_providers=build_payout_providers(settings, clock),
    )
    if chance.random() < 0.4:
        market = at_shipment(market)
    await _tax(connection, chance, seed=seed)
    await make_commission(
        connection,
        rate_bps=chance.choice((0, 1000, 1500)),
        fixed_minor=chance.choice((0, 35)),
        currency=currency,
        on_shipping=chance.random() < 0.5,
    )
    await make_delivery(connection, price_minor=490, currency=currency)
    shops = [
        await make_shop(connection, price_minor=chance.randint(100, 9999), currency=currency)
        for _ in range(3)
    ]
    for shop in shops:
        await _settle_in(market, shop, chance, currency)
    if chance.random() < 0.4:
        await desk.make_rule(market, rate_bps=chance.choice((500, 2500)), days=7)
    await gift_sales.offer_cards(market, currency=currency)
    coupons = (
        await make_coupon(connection),
        await make_coupon(connection, funded_by="seller", seller_id=shops[0].seller.id),
    )
    buyer = await make_buyer(connection)
    return Life(market, connection, clock, chance, currency, buyer, shops, coupons)


async def _tax(connection: Connection, chance: Random, *, seed: int) -> None:
    """Tax of goods and of delivery, of which the marketplace remits both, one or none."""
    rate_bps, included = chance.choice((700, 1900)), chance.random() < 0.8
    # Made of the seed itself: what else happens in a life is as it was without it. A quarter of
    # the seeds has each currency, so that each meets every remitter.
    remits = seed // 4 % 4
    for tax_class, bit in (("standard", 1), ("shipping", 2)):
        await make_tax(
            connection,
            rate_bps=rate_bps,
            tax_class=tax_class,
            included=included,
            remitted_by="marketplace" if remits & bit else "seller",
        )


async def _settle_in(market: Resources, shop: Shop, chance: Random, currency: str) -> None:
    if chance.random() < 0.5:
        await transact(
            market.db,
            cash_terms_service.change_terms,
            viewer=shop.viewer,
            seller_id=shop.seller.id,
            limits_minor={currency: 100_000},
            now=market.clock.now(),
        )
    if chance.random() < 0.8:
        await set_account(market, shop, chance.choice(list(Behaviour)))
    schedule: dict[str, dict[str, int]] = {
        "daily": {},
        "weekly": {"weekday": 2},
        "monthly": {"day_of_month": 15},
    }
    kind = chance.choice((None, *schedule))
    if kind is not None:
        await set_schedule(market, shop, kind, **schedule[kind])
