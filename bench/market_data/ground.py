"""What has to be there before goods: sellers, the tree of categories, and the market's terms."""

from datetime import timedelta
from typing import Any, Final

from bench.market_data.catalogue import CURRENCY, OPENED, Catalogue
from bench.market_data.draws import Noun
from bench.market_data.vocabulary import COLOURS, MATERIALS
from gosellr.core.db import Connection
from gosellr.queries import categories
from gosellr.queries.categories import CategoryState

# (country, rate in bps): where the market's zone delivers, and the tax in its prices.
COUNTRIES: Final = (("DE", 1900), ("AT", 2000), ("FR", 2000), ("NL", 2100))
# (name, price, days): flat, by the marketplace's own zone.
RATES: Final = (("Standard", 490, (2, 4)), ("Express", 1290, (1, 2)))

_ACCOUNTS = """
INSERT INTO user_account (id, issuer, subject, email, name, roles, created_at, updated_at)
SELECT id, 'gosellr', id::text, email, name, '{buyer,seller}', $4, $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS owner (id, email, name)
"""
_SELLERS = """
INSERT INTO seller (id, name, slug, status, legal_name, email, country, description,
                    rating_sum, rating_count, created_at, updated_at, approved_at)
SELECT id, name, slug, 'active', name || ' GmbH', email, 'DE', 'Goods of all kinds.',
       450 + length(name), 100, $5, $5, $5
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS shop (id, name, slug, email)
"""
_MEMBERS = """
INSERT INTO seller_member (seller_id, user_id, role, created_at)
SELECT seller_id, user_id, 'owner', $3
FROM unnest($1::uuid[], $2::uuid[]) AS member (seller_id, user_id)
"""
_LOCATIONS = """
INSERT INTO stock_location (id, seller_id, name, is_default, created_at)
SELECT id, seller_id, 'Main', true, $3
FROM unnest($1::uuid[], $2::uuid[]) AS place (id, seller_id)
"""
_ATTRIBUTE = """
INSERT INTO category_attribute (id, category_id, key, label, type, options, position)
VALUES ($1, $2, $3, $4, 'enum', $5, $6)
"""
_TAX = """
INSERT INTO tax_rate (id, country, class, rate_bps, included, valid_from)
VALUES ($1, $2, $3, $4, true, $5)
"""
_ZONE = """
INSERT INTO shipping_zone (id, seller_id, name, countries, created_at)
VALUES ($1, NULL, 'Middle of Europe', $2, $3)
"""
_RATE = """
INSERT INTO shipping_rate (id, zone_id, name, currency, price_minor, by, delivery_days_min,
                           delivery_days_max, position, created_at)
VALUES ($1, $2, $3, $4, $5, 'flat', $6, $7, $8, $9)
"""
_RULE = """
INSERT INTO commission_rule (id, position, name, seller_id, category_id, currency,
                             value_from_minor, rate_bps, fixed_minor, cap_minor, vat_bps,
                             on_shipping, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 2000, $11, $12, $12)
"""


async def prepare(connection: Connection, catalogue: Catalogue) -> None:
    """Write sellers, categories and terms, all of them or none."""
    async with connection.transaction():
        await _sellers(connection, catalogue)
        await _categories(connection, catalogue)
        await _delivery_and_tax(connection, catalogue)
        await _commission(connection, catalogue)


async def _sellers(connection: Connection, catalogue: Catalogue) -> None:
    """Each as its registration leaves it: its owner, its membership, its place for goods."""
    shops = catalogue.seller_list
    emails = [f"owner-{place}@sellers.example" for place in range(len(shops))]
    ids, owners = [shop.id for shop in shops], [shop.owner_id for shop in shops]
    names = [shop.name for shop in shops]
    await connection.execute(_ACCOUNTS, owners, emails, names, OPENED)
    await connection.execute(_SELLERS, ids, names, [shop.slug for shop in shops], emails, OPENED)
    await connection.execute(_MEMBERS, ids, owners, OPENED)
    await connection.execute(_LOCATIONS, [shop.location_id for shop in shops], ids, OPENED)


async def _categories(connection: Connection, catalogue: Catalogue) -> None:
    place = 0
    for position, category in enumerate(catalogue.category_list):
        state = CategoryState(
            id=category.id,
            parent_id=category.parent_id,
            name=category.name,
            slug=category.slug,
            path=category.path,
            ancestor_ids=list(category.ancestor_ids),
            description="",
            picture=None,
            position=position,
            version=1,
        )
        await categories.insert_category(connection, state, now=OPENED)
        if category.level > 1:
            continue
        for key, words in (("colour", COLOURS), ("material", MATERIALS)):
            rule_id = catalogue.named_id(Noun.TERMS, 100 + place)
            await connection.execute(
                _ATTRIBUTE, rule_id, category.id, key, key.title(), list(words), place % 2
            )
            place += 1


async def _delivery_and_tax(connection: Connection, catalogue: Catalogue) -> None:
    zone_id = catalogue.named_id(Noun.TERMS, 0)
    await connection.execute(_ZONE, zone_id, [country for country, _ in COUNTRIES], OPENED)
    for position, (name, price_minor, days) in enumerate(RATES):
        rate_id = catalogue.named_id(Noun.TERMS, 1 + position)
        await connection.execute(
            _RATE, rate_id, zone_id, name, CURRENCY, price_minor, *days, position, OPENED
        )
    since = OPENED - timedelta(days=365)
    for position, (country, rate_bps) in enumerate(COUNTRIES):
        rate_id = catalogue.named_id(Noun.TERMS, 10 + position)
        await connection.execute(_TAX, rate_id, country, "standard", rate_bps, since)


async def _commission(connection: Connection, catalogue: Catalogue) -> None:
    """The first rule that matches wins; the last one always does."""
    shops, tree = catalogue.seller_list, catalogue.category_list
    rules: list[dict[str, Any]] = [
        {"name": "Partner", "seller_id": shops[0].id, "rate_bps": 500},
        {"name": "New seller", "seller_id": shops[-1].id, "rate_bps": 800, "on_shipping": True},
        {"name": "Own range", "category_id": tree[0].id, "rate_bps": 1200},
        {
            "name": "Dear goods",
            "currency": CURRENCY,
            "value_from_minor": 30_000,
            "rate_bps": 700,
            "fixed_minor": 100,
            "cap_minor": 9_000,
        },
        {"name": "Default", "rate_bps": 1000},
    ]
    for position, rule in enumerate(rules):
        await connection.execute(
            _RULE,
            catalogue.named_id(Noun.RULE, position),
            position * 10,
            rule["name"],
            rule.get("seller_id"),
            rule.get("category_id"),
            rule.get("currency"),
            rule.get("value_from_minor"),
            rule["rate_bps"],
            rule.get("fixed_minor", 0),
            rule.get("cap_minor"),
            rule.get("on_shipping", False),
            OPENED,
        )
