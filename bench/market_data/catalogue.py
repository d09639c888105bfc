"""What stands in the market, told from its parameters alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Generic, TypeVar, overload
from uuid import UUID

from bench.market_data import searches
from bench.market_data.draws import Draws, Noun, weighted
from bench.market_data.vocabulary import (
    ADJECTIVES,
    BRANDS,
    COLOURS,
    DESCRIBING,
    MATERIALS,
    SIZES,
    TREE,
)
from gosellr.utils.slugs import slugify

T = TypeVar("T")

OPENED: Final = datetime(2024, 6, 1, tzinfo=UTC)
"""When the market's terms, sellers and categories were made."""
FIRST_LISTED: Final = datetime(2024, 7, 1, tzinfo=UTC)
LISTED_FOR: Final = timedelta(days=365)
CURRENCY: Final = "EUR"
STOCK: Final = 1_000_000
VARIANTS: Final = len(SIZES)

ADDRESS: Final[Mapping[str, str]] = {
    "name": "Ada Lovelace",
    "line1": "12 Analytical Row",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}
"""Where the market's zone delivers."""

_LEAVES = weighted(1 << 12, size=1 << 12, flatness=600, exponent=0.9)
_BRANDS = weighted(len(BRANDS), size=1 << 12, flatness=8, exponent=0.9)
_ADJECTIVES = weighted(len(ADJECTIVES), size=1 << 10, flatness=4)
_MATERIALS = weighted(len(MATERIALS), size=1 << 10, flatness=3)
_COLOURS = weighted(len(COLOURS), size=1 << 8, flatness=2)
# From 2.99 to about 600, more of the cheap ones, all ending in 9.
_PRICES = tuple(299 + (place * place * place // 18_000 // 10) * 10 for place in range(1 << 10))
_OPENED_MS = int(OPENED.timestamp() * 1000)
_FIRST_MS = int(FIRST_LISTED.timestamp() * 1000)
_LISTED_MS = int(LISTED_FOR.total_seconds() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSeller:
    """A seller, its owner, who may sign in nowhere, and the place its goods lie at."""

    id: UUID
    owner_id: UUID
    location_id: UUID
    name: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCategory:
    """A category; products lie in those of the third level."""

    id: UUID
    parent_id: UUID | None
    ancestor_ids: tuple[UUID, ...]
    name: str
    slug: str
    path: str
    noun: str | None

    @property
    def level(self) -> int:
        """1 for a root."""
        return len(self.ancestor_ids)


@dataclass(frozen=True, slots=True)
class CatalogueVariant:
    """What can be bought."""

    id: UUID
    product_id: UUID
    seller_id: UUID
    price_minor: int


@dataclass(frozen=True, slots=True)
class CatalogueProduct:
    """A listing with all that was drawn for it, its ids as numbers."""

    place: int
    id_number: int
    variant_numbers: tuple[int, ...]
    created_ms: int
    seller: int
    leaf: int
    brand: str
    material: str
    colour: str
    title: str
    prices_minor: tuple[int, ...]

    @property
    def slug(self) -> str:
        """As a listing gets it whose title was taken: with the end of its id."""
        return f"{slugify(self.title, fallback='product')}-{self.id_number & 0xFFFF_FFFF:08x}"


class Told(Sequence[T], Generic[T]):
    """A sequence whose members are made when they are asked for."""

    def __init__(self, length: int, tell: Callable[[int], T]) -> None:
        self._length = length
        self._tell = tell

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self._tell(each) for each in range(*place.indices(self._length))]
        if not -self._length <= place < self._length:
            raise IndexError(place)
        return self._tell(place % self._length)

    def __iter__(self) -> Iterator[T]:
        return map(self._tell, range(self._length))


@dataclass(frozen=True)
class Catalogue:
    """The whole market as a function of four numbers."""

    products: int
    sellers: int = 100
    categories: int = 200
    seed: int = 1
    draws: Draws = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.products < 1 or self.sellers < 2 or self.categories < 6:
            raise ValueError("a market has products, two sellers and six categories at least")
        object.__setattr__(self, "draws", Draws(self.seed))

    @property
    def address(self) -> Mapping[str, str]:
        """A buyer's address that the market delivers to."""
        return ADDRESS

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that descriptions are made of, commonest first."""
        return DESCRIBING

    @cached_property
    def searches(self) -> tuple[str, ...]:
        """500 things that people look for: one to three words, few hits and many, no slips."""
        return searches.searches(self)

    @cached_property
    def seller_list(self) -> tuple[CatalogueSeller, ...]:
        """All sellers, active since the market opened."""
        return tuple(self._seller(place) for place in range(self.sellers))

    @cached_property
    def category_list(self) -> tuple[CatalogueCategory, ...]:
        """All categories, parents before their children."""
        return tuple(self._grow())

    @cached_property
    def leaves(self) -> tuple[CatalogueCategory, ...]:
        """The categories that products lie in."""
        return tuple(category for category in self.category_list if category.level == 3)

    @property
    def product_ids(self) -> Sequence[UUID]:
        """Every product, oldest first."""
        return Told(self.products, self.product_id)

    @property
    def variants(self) -> Sequence[CatalogueVariant]:
        """Every variant, those of one product side by side."""
        return Told(self.products * VARIANTS, self.variant)

    def product_id(self, place: int) -> UUID:
        """The product at a place."""
        return UUID(int=self._product_number(place, self._created_ms(place)))

    def variant(self, place: int) -> CatalogueVariant:
        """The variant at a place: `VARIANTS` times that of its product, and its own."""
        product, own = divmod(place, VARIANTS)
        created_ms = self._created_ms(product)
        looks = self.draws.bits(Noun.LOOKS, product)
        return CatalogueVariant(
            id=UUID(int=self.draws.id_number(Noun.VARIANT, place, unix_ms=created_ms)),
            product_id=UUID(int=self._product_number(product, created_ms)),
            seller_id=self.seller_list[self._seller_of(looks)].id,
            price_minor=self._prices(self.draws.bits(Noun.FIGURES, product))[own],
        )

    def product(self, place: int) -> CatalogueProduct:
        """The listing at a place, with what was drawn for it."""
        created_ms = self._created_ms(place)
        looks = self.draws.bits(Noun.LOOKS, place)
        figures = self.draws.bits(Noun.FIGURES, place)
        leaf = _LEAVES[looks >> 8 & 0xFFF] * len(self.leaves) >> 12
        brand = BRANDS[_BRANDS[looks >> 20 & 0xFFF]]
        material = MATERIALS[_MATERIALS[looks >> 32 & 0x3FF]]
        words = [brand, ADJECTIVES[_ADJECTIVES[looks >> 42 & 0x3FF]]]
        if figures & 3:  # A quarter doesn't say what it is made of.
            words.append(material)
        if not figures >> 2 & 3:
            words.insert(2, ADJECTIVES[figures >> 4 & 31])
        words.append(self.leaves[leaf].noun or "")
        return CatalogueProduct(
            place=place,
            id_number=self._product_number(place, created_ms),
            variant_numbers=tuple(
                self.draws.id_number(Noun.VARIANT, place * VARIANTS + own, unix_ms=created_ms)
                for own in range(VARIANTS)
            ),
            created_ms=created_ms,
            seller=self._seller_of(looks),
            leaf=leaf,
            brand=brand,
            material=material,
            colour=COLOURS[_COLOURS[looks & 0xFF]],
            title=" ".join(dict.fromkeys(words)).title(),
            prices_minor=self._prices(figures),
        )

    def named_id(self, noun: Noun, place: int) -> UUID:
        """The id of a thing that was there when the market opened."""
        return UUID(int=self.draws.id_number(noun, place, unix_ms=_OPENED_MS + place))

    def _product_number(self, place: int, created_ms: int) -> int:
        return self.draws.id_number(Noun.PRODUCT, place, unix_ms=created_ms)

    def _created_ms(self, place: int) -> int:
        return _FIRST_MS + place * _LISTED_MS // self.products

    def _seller_of(self, looks: int) -> int:
        return (looks >> 52) * self.sellers >> 12

    @staticmethod
    def _prices(figures: int) -> tuple[int, ...]:
        small_minor = _PRICES[figures >> 12 & 0x3FF]
        # Half of the products cost a tenth more in the larger size.
        step_minor = small_minor // 100 * 10 if figures >> 22 & 1 else 0
        return tuple(small_minor + size * step_minor for size in range(VARIANTS))

    def _seller(self, place: int) -> CatalogueSeller:
        name = f"{BRANDS[-1 - place % len(BRANDS)]} Trading {place + 1}"
        return CatalogueSeller(
            id=self.named_id(Noun.SELLER, place),
            owner_id=self.named_id(Noun.OWNER, place),
            location_id=self.named_id(Noun.LOCATION, place),
            name=name,
            slug=slugify(name, fallback="shop"),
        )

    def _grow(self) -> Iterator[CatalogueCategory]:
        roots = min(len(TREE), max(1, self.categories // 25))
        names = [(root, list(branches)) for root, branches in TREE.items()][:roots]
        made: list[CatalogueCategory] = []

        def add(name: str, parent: CatalogueCategory | None, noun: str | None) -> CatalogueCategory:
            category_id = self.named_id(Noun.CATEGORY, len(made))
            slug = slugify(name, fallback="category")
            category = CatalogueCategory(
                id=category_id,
                parent_id=parent.id if parent else None,
                ancestor_ids=(*(parent.ancestor_ids if parent else ()), category_id),
                name=name,
                slug=slug,
                path=f"{parent.path}/{slug}" if parent else slug,
                noun=noun,
            )
            made.append(category)
            return category

        tops = [add(root, None, None) for root, _ in names]
        branches = [
            (add(branch, top, None), TREE[root][branch])
            for top, (root, below) in zip(tops, names, strict=True)
            for branch in below
        ]
        for place in range(self.categories - len(made)):
            turn, chosen = divmod(place, len(branches))
            branch, nouns = branches[chosen]
            again, own = divmod(turn, len(nouns))
            name = f"{nouns[own].title()}s" + (f" {again + 1}" if again else "")
            add(name, branch, nouns[own])
        yield from made
