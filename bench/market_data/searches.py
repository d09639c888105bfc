"""What people look for in the market."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from bench.market_data.vocabulary import ADJECTIVES, COLOURS, DESCRIBING, MATERIALS, TAIL

if TYPE_CHECKING:
    from bench.market_data.catalogue import Catalogue

COUNT: Final = 500


def searches(catalogue: "Catalogue") -> tuple[str, ...]:
    """Deterministic, each once, mixed: broad words, pairs, triples, and words that few listings
    have. A brand or a noun is taken from a listing, so that it is looked for as often as sold."""
    drawn = Random(f"searches {catalogue.seed} {catalogue.products}")

    def some_product() -> tuple[str, str, str, str]:
        product = catalogue.product(drawn.randrange(catalogue.products))
        noun = catalogue.leaves[product.leaf].noun or ""
        return product.brand.lower(), product.material, product.colour, noun.split()[-1]

    def by_name() -> str:
        brand, material, colour, noun = some_product()
        return drawn.choice((brand, material, colour, noun, noun))

    def pair() -> str:
        brand, material, colour, noun = some_product()
        first = drawn.choice((brand, material, material, colour, drawn.choice(ADJECTIVES[:20])))
        return f"{first} {noun}"

    def triple() -> str:
        brand, material, colour, noun = some_product()
        return f"{drawn.choice((brand, colour, drawn.choice(ADJECTIVES)))} {material} {noun}"

    def described() -> str:
        return drawn.choice(DESCRIBING[: len(DESCRIBING) - len(TAIL)])

    def described_pair() -> str:
        return f"{drawn.choice(DESCRIBING[:300])} {drawn.choice((*MATERIALS, *COLOURS))}"

    def rare() -> str:
        return drawn.choice(TAIL)

    kinds: tuple[tuple[Callable[[], str], int], ...] = (
        (by_name, 5),
        (pair, 8),
        (triple, 4),
        (described, 3),
        (described_pair, 2),
        (rare, 2),
    )
    turns = [kind for kind, share in kinds for _ in range(share)]
    found: dict[str, None] = {}
    while len(found) < COUNT:
        found[drawn.choice(turns)()] = None
    return tuple(found)
