"""The demo market's history, drawn up before it happens: the same seed draws the same history."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from gosellr.jobs.demo import words
from gosellr.jobs.demo.goods import SCARCE_MAX, Choice, Listing, listings
from gosellr.jobs.demo.people import Person, buyers, people
from gosellr.jobs.demo.shops import SHOPS
from gosellr.jobs.demo.stories import PATIENT, TELLINGS, TOKENS, UNSURE, Story
from gosellr.utils.lazy_dataclasses import dataclass, replace

DAYS = 91
ADA_ORDERS = 10
_GUESTS_DOMAIN = "example.org"
# How busy the hours are, from midnight on.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 13, 12, 11, 11, 12, 13, 15, 18, 20, 18, 12, 6)


class Act(StrEnum):
    """What happens in a step."""

    PLACE = "place"
    PAY_AGAIN = "pay_again"
    APPROVE = "approve"
    ASK_GATEWAYS = "ask_gateways"
    EXPIRE = "expire"
    CANCEL = "cancel"
    CANCEL_PART = "cancel_part"
    PACK = "pack"
    SEND_HALF = "send_half"
    SEND = "send"
    ARRIVE = "arrive"
    CONFIRM = "confirm"
    REFUND_ALL = "refund_all"
    REFUND_SOME = "refund_some"
    REFUND_DELIVERY = "refund_delivery"
    REVIEW = "review"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """An order to be. `account` is the buyer's place in the list, None for a guest."""

    number: int
    at: datetime
    story: Story
    person: Person
    account: int | None
    items: tuple[tuple[str, int], ...]
    shops: tuple[str, ...]
    coupon: str | None

    @property
    def token(self) -> str:
        """The card that it is paid with first."""
        return TOKENS.get(self.story, "tok_ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens at a moment, to an order or to a shop's part of it."""

    at: datetime
    act: Act
    number: int = -1
    shop: str = ""
    sku: str = ""
    rating: int = 0
    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it: who buys, what is sold, and every step in its order."""

    began_at: datetime
    buyers: Sequence[Person]
    listings: Sequence[Listing]
    purchases: Sequence[Purchase]
    steps: Sequence[Step]

    def deliveries(self) -> dict[str, int]:
        """By SKU, how many units each shelf needs at first to end as its list says."""
        sold: Counter[str] = Counter()
        for purchase in self.purchases:
            sold.update(dict(purchase.items))
        return {
            choice.sku: choice.left + sold[choice.sku]
            for listing in self.listings
            for choice in listing.choices
        }

    def listed_at(self, listing: Listing) -> datetime:
        """When it went on sale."""
        return self.began_at - _age_of(listing)


def draw_plan(*, seed: int, began_at: datetime, orders: int) -> Plan:
    """Draw a history that ends at `began_at`, the market's first start."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    offered = listings(chance)
    known = buyers(chance)
    drawer = _Drawer(chance, began_at=began_at, offered=offered, known=known)
    purchases = drawer.purchases(orders)
    steps = [step for purchase in purchases for step in drawer.steps_of(purchase)]
    steps += [
        Step(at=began_at - timedelta(days=day), act=Act.RELEASE) for day in range(DAYS - 8, -1, -1)
    ]
    return Plan(
        began_at=began_at,
        buyers=known,
        listings=offered,
        purchases=purchases,
        steps=sorted(
            (step for step in steps if step.at <= began_at), key=lambda step: (step.at, step.number)
        ),
    )


def _age_of(listing: Listing) -> timedelta:
    shop = next(shop for shop in SHOPS if shop.handle == listing.shop)
    return min(listing.age, shop.age - timedelta(hours=1))


def _choices_for(listing: Listing, story: Story) -> list[Choice]:
    """What may be bought of it; where few are left, only by those who keep it."""
    is_sure = story not in UNSURE
    return [choice for choice in listing.choices if is_sure or choice.left > SCARCE_MAX]


def _adas(stories: Sequence[Story]) -> set[int]:
    """The orders that are Ada's: some of long ago, and some that still move."""
    moving = {
        max(number for number, story in enumerate(stories) if story is wanted)
        for wanted in (Story.HALF_SENT, Story.SENT, Story.PACKING)
        if wanted in stories
    }
    settled = range(len(stories) * 4 // 5, -1, -max(1, len(stories) // ADA_ORDERS))
    return moving | set(settled[: ADA_ORDERS - len(moving)])


class _Drawer:
    """Draws purchases and what follows from them, all from one source of chance."""

    def __init__(
        self,
        chance: random.Random,
        *,
        began_at: datetime,
        offered: Sequence[Listing],
        known: Sequence[Person],
    ) -> None:
        self._chance = chance
        self._began_at = began_at
        self._known = known
        self._guests = people(chance, domain=_GUESTS_DOMAIN)
        selling = {shop.handle for shop in SHOPS if shop.standing == "active"}
        self._offered = [one for one in offered if one.shop in selling]
        self._listing_of = {
            choice.sku: listing for listing in offered for choice in listing.choices
        }
        self._welcomed: set[str] = set()

    def purchases(self, orders: int) -> list[Purchase]:
        """So many orders in their order of time, numbered from zero."""
        moments = sorted(
            ((self._moment(story), story) for story in self._stories(orders)),
            key=lambda drawn: drawn[0],
        )
        by_ada = _adas([story for _, story in moments])
        return [
            self._purchase(number, at, story, is_ada=number in by_ada)
            for number, (at, story) in enumerate(moments)
        ]

    def _stories(self, orders: int) -> list[Story]:
        told = [
            story
            for story, telling in TELLINGS.items()
            for _ in range(max(1, orders * telling.per_ten_thousand // 10_000))
        ]
        return [*told, *[Story.DELIVERED] * (orders - len(told))][:orders]

    def _moment(self, story: Story) -> datetime:
        """Weekends are busier, evenings too, and every month is better than the one before."""
        chance = self._chance
        telling = TELLINGS.get(story)
        if telling is not None and telling.oldest < timedelta(days=DAYS):
            span_seconds = int((telling.oldest - telling.newest).total_seconds())
            drawn = timedelta(seconds=chance.randint(0, span_seconds))
            return self._began_at - telling.newest - drawn
        newest = telling.newest if telling else timedelta(hours=6)
        while True:
            day = chance.randrange(DAYS)
            date = (self._began_at - timedelta(days=DAYS - day)).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            [hour] = chance.choices(range(24), _HOURS)
            at = date + timedelta(hours=hour, seconds=chance.randrange(3600))
            busyness = (40 + 60 * day // DAYS) * (160 if date.weekday() >= 5 else 100)
            if chance.randrange(16_000) < busyness and at <= self._began_at - newest:
                return at

    def _purchase(self, number: int, at: datetime, story: Story, *, is_ada: bool) -> Purchase:
        chance = self._chance
        if is_ada:
            account: int | None = 0
        else:
            account = chance.randrange(1, len(self._known)) if chance.random() < 0.62 else None
        person = next(self._guests) if account is None else self._known[account]
        items = self._basket(at, story)
        chosen = [self._listing_of[sku] for sku in items]
        return Purchase(
            number=number,
            at=at,
            story=story,
            person=person,
            account=account,
            items=tuple(items.items()),
            shops=tuple(dict.fromkeys(listing.shop for listing in chosen)),
            coupon=self._coupon(person, items),
        )

    def _basket(self, at: datetime, story: Story) -> dict[str, int]:
        """Three of ten are from two shops or three."""
        chance = self._chance
        [shops] = chance.choices((1, 2, 3), (70, 25, 5))
        if story in {Story.CANCELLED_BY_SHOP, Story.HALF_SENT}:
            shops = 2
        basket: dict[str, int] = {}
        on_sale = [
            one
            for one in self._offered
            if self._began_at - _age_of(one) < at and _choices_for(one, story)
        ]
        for _ in range(shops):
            taken = {self._listing_of[sku].shop for sku in basket}
            free = [one for one in on_sale if one.shop not in taken]
            [first] = chance.choices(free, [one.appeal for one in free])
            beside = [one for one in free if one.shop == first.shop and one is not first]
            [more] = chance.choices((0, 1, 2), (64, 27, 9))
            for listing in [first, *chance.sample(beside, min(more, len(beside)))]:
                self._take(basket, listing, story)
        if story in {Story.TWO_PARCELS, Story.HALF_SENT, Story.REFUNDED_IN_PARTS}:
            basket[next(iter(basket))] = 3
        return basket

    def _take(self, basket: dict[str, int], listing: Listing, story: Story) -> None:
        chance = self._chance
        choice = chance.choice(_choices_for(listing, story))
        is_small = choice.price_minor < 2500
        [quantity] = chance.choices((1, 2, 3), (70, 22, 8) if is_small else (96, 4, 0))
        basket[choice.sku] = quantity

    def _coupon(self, person: Person, items: dict[str, int]) -> str | None:
        chance = self._chance
        subtotals: Counter[str] = Counter()
        for sku, quantity in items.items():
            listing = self._listing_of[sku]
            [price_minor] = [one.price_minor for one in listing.choices if one.sku == sku]
            subtotals[listing.shop] += price_minor * quantity
        if person.email not in self._welcomed and chance.random() < 0.16:
            self._welcomed.add(person.email)
            return "WELCOME10"
        if subtotals["nordlys"] >= 6000 and chance.random() < 0.3:
            return "NORDLYS5"
        if subtotals.total() >= 8000 and chance.random() < 0.12:
            return "MARKET15"
        return None

    # What follows from an order

    def _later(self, at: datetime, least_hours: int, most_hours: int) -> datetime:
        seconds = self._chance.randint(least_hours * 3600, most_hours * 3600)
        return at + timedelta(seconds=seconds)

    def steps_of(self, purchase: Purchase) -> Iterator[Step]:
        """Everything that happens to an order, from its placing on."""
        at, number = purchase.at, purchase.number
        yield Step(at=at, act=Act.PLACE, number=number)
        expired_at = at + timedelta(minutes=16)
        match purchase.story:
            case Story.NEVER_APPROVED | Story.DECLINED:
                yield Step(at=expired_at, act=Act.EXPIRE, number=number)
                return
            case Story.APPROVED_LATE:
                yield Step(at=at + timedelta(minutes=4), act=Act.APPROVE, number=number)
            case Story.DECLINED_THEN_PAID:
                yield Step(at=at + timedelta(minutes=3), act=Act.PAY_AGAIN, number=number)
            case Story.ANSWER_LOST:
                yield Step(at=at + timedelta(minutes=2), act=Act.ASK_GATEWAYS, number=number)
            case Story.CANCELLED_BY_BUYER:
                yield Step(at=self._later(at, 1, 5), act=Act.CANCEL, number=number)
                return
            case story if story in PATIENT or story is Story.NEW:
                return
        yield from self._parts(purchase)

    def _parts(self, purchase: Purchase) -> Iterator[Step]:
        for place, shop in enumerate(purchase.shops):
            if purchase.story is Story.CANCELLED_BY_SHOP and place == 0:
                yield Step(
                    at=self._later(purchase.at, 6, 20),
                    act=Act.CANCEL_PART,
                    number=purchase.number,
                    shop=shop,
                )
            else:
                yield from self._part(purchase, shop, is_first=place == 0)

    def _part(self, purchase: Purchase, shop: str, *, is_first: bool) -> Iterator[Step]:
        story = purchase.story
        step = Step(at=purchase.at, act=Act.PACK, number=purchase.number, shop=shop)
        packed_at = self._later(purchase.at, 1, 10)
        if story is Story.PACKING or self._chance.random() < 0.6:
            yield replace(step, at=packed_at)
        sent_at = self._later(packed_at, 2, 30)
        if story is Story.PACKING:
            return
        if story in {Story.TWO_PARCELS, Story.HALF_SENT} and is_first:
            yield replace(step, at=sent_at, act=Act.SEND_HALF)
            sent_at = self._later(sent_at, 20, 44)
            if story is Story.HALF_SENT:
                return
        yield replace(step, at=sent_at, act=Act.SEND)
        if story is Story.SENT:
            return
        arrived_at = self._later(sent_at, 20, 90)
        yield replace(step, at=arrived_at, act=Act.ARRIVE)
        yield from self._afterwards(purchase, step, arrived_at, is_first=is_first)

    def _afterwards(
        self, purchase: Purchase, step: Step, arrived_at: datetime, *, is_first: bool
    ) -> Iterator[Step]:
        if purchase.story is Story.CONFIRMED:
            yield replace(step, at=self._later(arrived_at, 1, 48), act=Act.CONFIRM)
        refunded_at = self._later(arrived_at, 12, 90)
        if is_first:
            for place, act in zip(count(), _REFUNDS.get(purchase.story, ()), strict=False):
                yield replace(step, at=refunded_at + timedelta(hours=30 * place), act=act)
        for sku, _ in purchase.items:
            listing = self._listing_of[sku]
            if listing.shop != step.shop or self._chance.random() > 0.46:
                continue
            was_refunded = purchase.story in _REFUNDS and is_first
            rating = words.stars(self._chance, quality=3.2 if was_refunded else listing.quality)
            title, body = words.review_words(self._chance, rating=rating)
            yield replace(
                step,
                at=self._later(arrived_at, 5, 260),
                act=Act.REVIEW,
                sku=sku,
                rating=rating,
                title=title,
                body=body,
            )


_REFUNDS = {
    Story.REFUNDED: (Act.REFUND_ALL,),
    Story.REFUNDED_A_BIT: (Act.REFUND_SOME,),
    Story.REFUNDED_IN_PARTS: (Act.REFUND_SOME, Act.REFUND_DELIVERY, Act.REFUND_ALL),
}
