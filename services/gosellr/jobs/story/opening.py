"""Chapter 1: three sellers open, and what the market charges and grants is laid down."""

import secrets
from dataclasses import asdict
from uuid import UUID

from gosellr.core.transact import transact
from gosellr.flows import payout_accounts, stored_value
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.jobs.story.pen import money
from gosellr.jobs.story.stage import CURRENCY, Shop, Stage
from gosellr.models.proposal_values import Proposal
from gosellr.models.term_values import ListedCoupon
from gosellr.services import (
    account_service,
    category_service,
    commission_service,
    letterhead_service,
    product_service,
    promotion_service,
    seller_service,
    shipping_service,
    tax_service,
)
from gosellr.services.commission_service import Word
from gosellr.services.promotion_service import CouponDraft
from gosellr.services.shipping_service import RateDraft
from gosellr.utils.catalogue import Price, ProductDraft, VariantDraft
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letterhead import Letterhead
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.promotions import CouponFunding, CouponKind
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

COUNTRY = "AT"
COUPON = "SPRING20"
_ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Rechengasse 12",
    "city": "Wien",
    "postal_code": "1070",
    "country": COUNTRY,
}
_EMAIL_DOMAIN = "story.gosellr.test"
_STOCK = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seller:
    letter: str
    name: str
    legal_name: str
    owner: str
    goods: str
    price_minor: int
    iban: str
    letterhead: Letterhead


# The account numbers are the printed examples of their countries; nobody has them, and nobody is at
# these addresses.
_SELLERS = (
    _Seller(
        letter="A",
        name="Aster Lamps",
        legal_name="Aster Lamps GmbH",
        owner="Anna Aster",
        goods="Desk lamp",
        price_minor=5990,
        iban="AT611904300234573201",
        letterhead=Letterhead(
            line1="Asterngasse 900",
            postal_code="1220",
            city="Wien",
            tax_id="ATU00000021",
            registration_number="FN 000021 a",
        ),
    ),
    _Seller(
        letter="B",
        name="Birch Blankets",
        legal_name="Birch Blankets OG",
        owner="Ben Birch",
        goods="Wool blanket",
        price_minor=7990,
        iban="DE89370400440532013000",
        letterhead=Letterhead(
            line1="Birkenweg 900",
            postal_code="8010",
            city="Graz",
            tax_id="ATU00000022",
            registration_number="FN 000022 b",
        ),
    ),
    _Seller(
        letter="C",
        name="Clay & Co",
        legal_name="Clay and Company KG",
        owner="Cleo Clay",
        goods="Teapot",
        price_minor=3450,
        iban="FR1420041010050500013M02606",
        letterhead=Letterhead(
            line1="Lehmgasse 900",
            postal_code="5020",
            city="Salzburg",
            tax_id="ATU00000023",
            registration_number="FN 000023 c",
        ),
    ),
)


async def open_market(stage: Stage) -> None:
    """People, terms, goods, a coupon and a gift card."""
    stage.pen.chapter(1, "Three sellers, and the terms they sell under")
    await _people(stage)
    await _terms(stage)
    for seller in _SELLERS:
        await _open_shop(stage, seller)
    await grant(stage, gift_minor=15_000)


async def grant(stage: Stage, *, gift_minor: int) -> None:
    """A coupon that the marketplace bears, and a gift card for Ada."""
    coupon = await _coupon(stage)
    stage.pen.say(
        f"The coupon {coupon.terms.code} takes {percent(coupon.terms.value_bps)} off the goods. "
        "The marketplace bears it: what a seller earns doesn't change by it."
    )
    await _gift_card(stage, amount_minor=gift_minor)


async def _people(stage: Stage) -> None:
    olu = await _account(stage, "Olu Operator", roles=(Role.BUYER, Role.OPERATOR))
    stage.operator = olu
    stage.buyer = await _account(stage, "Ada Lovelace", roles=(Role.BUYER,))
    stage.address = _ADDRESS


async def _account(
    stage: Stage, name: str, *, roles: tuple[Role, ...], password_hash: str = ""
) -> Viewer:
    email = f"{name.split(maxsplit=1)[0].lower()}@{_EMAIL_DOMAIN}"
    account = await transact(
        stage.resources.db,
        account_service.register_account,
        email=email,
        name=name,
        password_hash=password_hash,
        roles=roles,
        now=stage.clock.now(),
    )
    stage.know(account.id, name)
    return Viewer(user_id=account.id, roles=account.roles, name=name, email=email)


async def _terms(stage: Stage) -> None:
    db, now = stage.resources.db, stage.clock.now()
    listed = await transact(
        db,
        commission_service.create_rule,
        word=Word(stage.operator.user_id),
        position=None,
        name="Everything",
        terms={"rate_bps": 1000, "vat_bps": 2000},
        now=now,
    )
    tax = await transact(
        db,
        tax_service.create_rate,
        fields={
            "country": COUNTRY,
            "region": None,
            "tax_class": "standard",
            "rate_bps": 2000,
            "included": True,
            "valid_from": now,
            "valid_to": None,
        },
    )
    zone = await transact(
        db,
        shipping_service.create_zone,
        viewer=stage.operator,
        seller_id=None,
        fields={"name": "Austria", "countries": (COUNTRY,)},
        now=now,
    )
    delivery = await transact(
        db,
        shipping_service.create_rate,
        viewer=stage.operator,
        zone_id=zone.id,
        draft=RateDraft(name="Parcel", currency=CURRENCY, price_minor=490, delivery_days=(2, 4)),
        now=now,
    )
    stage.pen.say(
        f"The marketplace keeps {percent(listed.rule.rate_bps)} of the goods without their tax,"
        f" and {percent(listed.rule.vat_bps)} value-added tax on that. Prices include"
        f" {percent(tax.rate_bps)} tax, which the sellers remit themselves. A parcel costs"
        f" {money(delivery.rate.price_minor, delivery.rate.currency)} and belongs to its seller."
    )


async def _open_shop(stage: Stage, seller: _Seller) -> None:
    db, now = stage.resources.db, stage.clock.now()
    password = secrets.token_urlsafe()
    owner = await _account(
        stage,
        seller.owner,
        roles=(Role.BUYER,),
        password_hash=await stage.resources.passwords.hash(password),
    )
    seller_id = await transact(
        db,
        seller_service.create_seller,
        viewer=owner,
        name=seller.name,
        legal_name=seller.legal_name,
        email=owner.email,
        country=COUNTRY,
        description="",
        approval="auto",
        now=now,
    )
    owner = Viewer(
        user_id=owner.user_id,
        roles=owner.roles | {Role.SELLER},
        memberships={seller_id: MemberRole.OWNER},
        name=owner.name,
        email=owner.email,
    )
    await transact(
        db,
        letterhead_service.change,
        viewer=owner,
        seller_id=seller_id,
        changes=asdict(seller.letterhead),
        expected_version=0,
        now=now,
    )
    destination = await payout_accounts.change_destination(
        stage.resources.payouts,
        stage.resources.passwords,
        viewer=owner,
        seller_id=seller_id,
        typed=TypedAccount(
            method="sandbox", holder=seller.legal_name, password=password, iban=seller.iban
        ),
    )
    variant_id = await _goods(stage, seller, seller_id=seller_id)
    stage.know(seller_id, seller.name)
    stage.shops[seller.letter] = Shop(
        id=seller_id,
        name=seller.name,
        goods=seller.goods.lower(),
        owner=owner,
        variant_id=variant_id,
    )
    introduce(stage, seller.letter, last_four=destination.last_four, letterhead=seller.letterhead)


def introduce(stage: Stage, letter: str, *, last_four: str, letterhead: Letterhead) -> None:
    """Say who a seller is, where it is paid to, and what stands on its papers."""
    shop = stage.shops[letter]
    stage.pen.say(
        f"Seller {letter} is {shop.name}: it sells a {shop.goods}, and is paid to the account that"
        f" ends in {last_four}. Its papers bear {', '.join(letterhead.address_lines())}, and"
        f" {letterhead.tax_id}."
    )


async def _goods(stage: Stage, seller: _Seller, *, seller_id: UUID) -> UUID:
    db, now = stage.resources.db, stage.clock.now()
    category_id = await transact(
        db,
        category_service.create_category,
        name=f"{seller.goods}s",
        parent_id=None,
        attributes=(),
        now=now,
    )
    [made] = await transact(
        db,
        product_service.create_products,
        seller_id=seller_id,
        drafts=[
            ProductDraft(
                title=seller.goods,
                category_id=category_id,
                active=True,
                variants=(
                    VariantDraft(
                        sku=f"{seller.letter}-1",
                        prices=(Price(currency=CURRENCY, amount_minor=seller.price_minor),),
                        stock=_STOCK,
                        options={},
                        weight_grams=900,
                    ),
                ),
            )
        ],
        actor=Actor.SELLER,
        now=now,
    )
    return made.variant_ids[0]


async def _coupon(stage: Stage) -> ListedCoupon:
    return await transact(
        stage.resources.db,
        promotion_service.create_coupon,
        viewer=stage.operator,
        seller_id=None,
        draft=CouponDraft(
            code=COUPON,
            kind=CouponKind.PERCENT,
            value_bps=2000,
            funded_by=CouponFunding.MARKETPLACE,
        ),
        now=stage.clock.now(),
    )


async def _gift_card(stage: Stage, *, amount_minor: int) -> None:
    issued = await stored_value.issue_gift_card(
        stage.resources.stored_value,
        viewer=stage.operator,
        amount_minor=amount_minor,
        currency=CURRENCY,
        expires_at=None,
        note="A prize",
        key=stage.key(),
    )
    if isinstance(issued, Proposal) or issued.code is None:
        raise RuntimeError("a new gift card tells its code")
    stage.gift_code = issued.code
    stage.know(issued.card.id, f"card …{issued.card.last_four}")
    await stage.follow(
        f"Olu, who runs the market, gives Ada a gift card over"
        f" {money(issued.card.amount_minor, issued.card.currency)}."
    )


def percent(bps: int) -> str:
    """A share as it is read: 2550 is "25.50 %"."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02} %" if rest else f"{whole} %"
