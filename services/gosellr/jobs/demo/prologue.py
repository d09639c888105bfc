"""The story that follows every cent as the demo's own past: it is played before the history begins.

Three of the demo's shops, Ada and Olu are its people, and a clock of its own goes from the first of
a month on. So a demo holds a whole month of accounts, with its papers, that a person can follow.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Final

from gosellr.core.clock import ManualClock
from gosellr.core.transact import ask
from gosellr.jobs import story
from gosellr.jobs.demo.accounts import set_account
from gosellr.jobs.demo.letterheads import LETTERHEADS
from gosellr.jobs.demo.people import ADA, ADA_EMAIL, OLU_EMAIL, OLU_NAME
from gosellr.jobs.demo.plan import DAYS
from gosellr.jobs.demo.shops import SHOPS
from gosellr.jobs.demo.state import Market
from gosellr.jobs.story import opening
from gosellr.jobs.story.month import Differs
from gosellr.jobs.story.notes import Note, Notebook
from gosellr.jobs.story.stage import Shop, Stage
from gosellr.providers import build_gateways, build_payout_providers
from gosellr.resources import Resources
from gosellr.services import account_service, payout_settings_service
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer

_GIFT_MINOR: Final = 10_000
_HOUR: Final = 9
# It ends at ten o'clock on the first day of the next month.
_ENDS: Final = timedelta(hours=12)
_LONG: Final = timedelta(days=31)
# Where the market is and what it is called, of all that it is told.
_KEPT: Final = frozenset(
    {
        "home",
        "database_url",
        "demo",
        "default_currency",
        "legal_name",
        "legal_address",
        "legal_tax_id",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    letter: str
    handle: str
    sku: str
    goods: str
    iban: str


# The account numbers are the printed examples of their countries; nobody has them.
_CAST: Final = (
    _Role(
        letter="A",
        handle="trains",
        sku="TRA-CHESS",
        goods="travel chess set",
        iban="DE89370400440532013000",
    ),
    _Role(letter="B", handle="pfad", sku="PFA-MAT", goods="yoga mat", iban="AT611904300234573201"),
    _Role(
        letter="C",
        handle="loom",
        sku="LOO-UMBRELLA",
        goods="storm umbrella",
        iban="IE29AIBK93115212345678",
    ),
)


def begins_at(market_began_at: datetime) -> datetime:
    """When the story begins: with the last month of 31 days that is over, papers and all, before
    the first order of a history that ends when the market began."""
    over_by = market_began_at - timedelta(days=DAYS + 1) - _ENDS
    following = over_by.replace(day=1, hour=_HOUR, minute=0, second=0, microsecond=0)
    while True:
        first = (following - timedelta(days=1)).replace(day=1)
        if following <= over_by and following - first == _LONG:
            return first
        following = first


async def perform(resources: Resources, market: Market) -> tuple[story.Ending, Sequence[Note]]:
    """Play it; gives how it ended, and what was written down.

    Raises:
        month.Differs: two figures that should be one aren't, as where somebody bought meanwhile; or
            an invariant is broken.
    """
    clock = ManualClock(begins_at(market.began_at))
    # What this market is told about money isn't asked: the story is always the same.
    fields = type(resources.settings).model_fields
    settings = resources.settings.model_copy(
        update={
            name: field.get_default(call_default_factory=True)
            for name, field in fields.items()
            if name not in _KEPT
        }
        | {"rate_limits": False, "sandbox_fee_bps": 140, "sandbox_fee_fixed": 25}
    )
    notebook = Notebook()
    async with AsyncExitStack() as stack:
        gateways = build_gateways(settings, clock)
        providers = build_payout_providers(settings, clock)
        for gateway in gateways.values():
            stack.push_async_callback(gateway.aclose)
        for provider in providers.values():
            stack.push_async_callback(provider.aclose)
        then = replace(
            resources,
            settings=settings,
            clock=clock,
            gateways=gateways,
            payout_providers=providers,
        )
        stage = Stage(then, clock=clock, pen=notebook, has_worker=True)
        await _set(stage, market)
        ending = await story.play(stage)
    if ending.findings:
        raise Differs("; ".join(f"broken is {one.number}, {one.name}" for one in ending.findings))
    return ending, notebook.notes


async def _set(stage: Stage, market: Market) -> None:
    """Chapter 1: who plays, and what the marketplace grants."""
    stage.pen.chapter(1, "Three sellers of this market, and what is granted")
    stage.operator = await _olu(stage)
    stage.buyer = Viewer(
        user_id=market.buyer_ids[0],
        roles=frozenset({Role.BUYER}),
        name=ADA.name,
        email=ADA_EMAIL,
    )
    stage.address = ADA.address
    stage.know(market.buyer_ids[0], ADA.name)
    stage.pen.say(
        f"This is played in the market itself, in {stage.clock.now():%B %Y}, by its own terms: what"
        " it keeps of each sale stands beside the order. Sellers remit the tax on their goods"
        " themselves."
    )
    for role in _CAST:
        await _enter(stage, market, role)
    await opening.grant(stage, gift_minor=_GIFT_MINOR)


async def _olu(stage: Stage) -> Viewer:
    found = await ask(stage.resources.db, account_service.find_credentials, email=OLU_EMAIL)
    if found is None:
        raise LookupError("nobody runs this market")
    stage.know(found.user_id, OLU_NAME)
    return Viewer(
        user_id=found.user_id,
        roles=frozenset({Role.BUYER, Role.OPERATOR}),
        name=OLU_NAME,
        email=OLU_EMAIL,
    )


async def _enter(stage: Stage, market: Market, role: _Role) -> None:
    seller_id, _ = market.sellers[role.handle]
    [shop] = [one for one in SHOPS if one.handle == role.handle]
    await set_account(stage.resources, market, role.handle, role.iban)
    owner = market.owner_of(role.handle)
    destination = await ask(
        stage.resources.db,
        payout_settings_service.find_destination,
        viewer=owner,
        seller_id=seller_id,
    )
    stage.know(seller_id, shop.name)
    stage.shops[role.letter] = Shop(
        id=seller_id,
        name=shop.name,
        goods=role.goods,
        owner=replace(owner, name=shop.owner, email=shop.owner_email),
        variant_id=market.variants[role.sku][0],
    )
    opening.introduce(
        stage,
        role.letter,
        last_four=destination.last_four,
        letterhead=LETTERHEADS[role.handle],
    )
