"""The shops of the demo market and the people behind them."""

from datetime import timedelta
from typing import Literal

from gosellr.utils.lazy_dataclasses import dataclass

# Reserved for tests: nobody gets mail there, and the forms take it for an address.
EMAIL_DOMAIN = "demo.gosellr.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A shop to be. `handle` names it in the lists of goods; `age` is how long it has been here."""

    handle: str
    name: str
    legal_name: str
    country: str
    owner: str
    story: str
    age: timedelta
    standing: Literal["active", "applied", "suspended"] = "active"
    returns_days: int = 30
    email: str = ""

    @property
    def owner_email(self) -> str:
        """Where its owner is reached, and signs in."""
        return self.email or f"{self.handle}@{EMAIL_DOMAIN}"


SHOPS = (
    Shop(
        handle="nordlys",
        name="Nordlys Studio",
        legal_name="Nordlys Studio ApS",
        country="DK",
        owner="Ingrid Solberg",
        email=f"ingrid@{EMAIL_DOMAIN}",
        age=timedelta(days=400),
        returns_days=60,
        story="Furniture and light from a six-person workshop north of Aarhus. We build to be "
        "repaired: every piece comes with a drawing of how to take it apart again.",
    ),
    Shop(
        handle="verde",
        name="Casa Verde",
        legal_name="Casa Verde Unipessoal Lda",
        country="PT",
        owner="Tomás Ferreira",
        email=f"tomas@{EMAIL_DOMAIN}",
        age=timedelta(days=310),
        returns_days=14,
        story="A greenhouse in Sintra with more plants than shelves. We send on Mondays, in "
        "paper, and answer every photo of a sad leaf.",
    ),
    Shop(
        handle="kettle",
        name="Kettle & Co",
        legal_name="Kettle and Company Ltd",
        country="IE",
        owner="Maeve Brennan",
        age=timedelta(days=365),
        story="Potters and smiths around Cork harbour. What we sell, we use ourselves, every "
        "morning, usually before we say a word.",
    ),
    Shop(
        handle="loom",
        name="Loom Lane",
        legal_name="Loom Lane Ltd",
        country="IE",
        owner="Ciara Walsh",
        age=timedelta(days=390),
        story="Wool, linen and cotton, spun and sewn within an hour's drive of Galway. Repairs "
        "are free for as long as we have hands.",
    ),
    Shop(
        handle="hifi",
        name="Hi-Fi Haus",
        legal_name="Hi-Fi Haus GmbH",
        country="DE",
        owner="Jonas Weber",
        age=timedelta(days=350),
        story="Thirty years on the same corner in Berlin-Neukölln. We sell what we would carry "
        "home, and tell you when the cheaper one will do.",
    ),
    Shop(
        handle="trains",
        name="Tiny Trains",
        legal_name="Tiny Trains e.K.",
        country="DE",
        owner="Lotte Krämer",
        age=timedelta(days=400),
        story="Wooden toys from Nuremberg, made to be handed down. If a wheel comes off, write "
        "to us: we still have the mould.",
    ),
    Shop(
        handle="colmena",
        name="La Colmena",
        legal_name="La Colmena S. Coop.",
        country="ES",
        owner="Lucía Ortega",
        age=timedelta(days=260),
        returns_days=14,
        story="A co-operative of nine families, two hundred hives and one oven in the Sierra de "
        "Gata. What isn't ours comes from somebody we can wave to.",
    ),
    Shop(
        handle="papier",
        name="Papier & Plume",
        legal_name="Papier et Plume SARL",
        country="FR",
        owner="Camille Laurent",
        age=timedelta(days=200),
        story="Paper, ink and colour from a narrow shop in Lyon's Croix-Rousse. The parcels come "
        "with a handwritten line, because what else would we do all day.",
    ),
    Shop(
        handle="pfad",
        name="Bergpfad",
        legal_name="Bergpfad GmbH",
        country="AT",
        owner="Valentin Hofer",
        age=timedelta(days=380),
        story="Gear for going up and coming back, tested above Innsbruck by people who complain "
        "about every gram and every blister.",
    ),
    Shop(
        handle="brocante",
        name="Brocante Marcel",
        legal_name="Marcel Dubois EI",
        country="FR",
        owner="Marcel Dubois",
        age=timedelta(days=190),
        returns_days=14,
        story="House clearances, flea markets and the occasional attic. Each thing is one of a "
        "kind, cleaned, mended, and described with its dents.",
    ),
    Shop(
        handle="noor",
        name="Studio Noor",
        legal_name="Studio Noor V.O.F.",
        country="NL",
        owner="Noor El Amrani",
        age=timedelta(days=21),
        story="Four women, three sewing machines and a kettle in Rotterdam. We opened here three "
        "weeks ago; be kind.",
    ),
    Shop(
        handle="glanz",
        name="Glanz & Gloria",
        legal_name="Glanz und Gloria UG",
        country="DE",
        owner="Ricarda Stein",
        age=timedelta(days=150),
        standing="suspended",
        story="Jewellery and watches for evenings that get out of hand.",
    ),
    Shop(
        handle="suzu",
        name="Atelier Suzu",
        legal_name="Atelier Suzu B.V.",
        country="BE",
        owner="Suzu Tanaka",
        age=timedelta(days=2),
        standing="applied",
        story="Lamps folded from Japanese paper, one at a time, in a former pharmacy in Ghent.",
    ),
)

SUSPENSION = "Three buyers received plated rings that were listed as silver"
