"""Who buys in the demo market, and where they live."""

import random
from collections.abc import Iterator

from gosellr.jobs.demo.shops import EMAIL_DOMAIN
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an address to send to."""

    name: str
    email: str
    address: dict[str, str]


ADA_EMAIL = f"ada@{EMAIL_DOMAIN}"
OLU_EMAIL = f"olu@{EMAIL_DOMAIN}"
OLU_NAME = "Olu Adeyemi"
RUNA_EMAIL = f"runa@{EMAIL_DOMAIN}"
RUNA_NAME = "Runa Holm"
BUYERS_COUNT = 60

ADA = Person(
    "Ada Lindqvist",
    ADA_EMAIL,
    {
        "name": "Ada Lindqvist",
        "line1": "Weserstraße 47",
        "city": "Berlin",
        "postal_code": "12045",
        "country": "DE",
    },
)

_GIVEN = (
    "Emma", "Noah", "Mila", "Luca", "Sofia", "Elias", "Hanna", "Mateo", "Léa", "Jan", "Aoife",
    "Finn", "Marta", "Piotr", "Greta", "Hugo", "Ines", "Oscar", "Zoë", "Emil", "Yasmin", "Theo",
    "Nora", "Karim", "Clara", "Anton", "Freya", "Paolo", "Ida", "Ruben", "Chiara", "Milan",
    "Saoirse", "Bram", "Elif", "Jonas", "Amélie", "Viktor", "Leonor", "Tuomas",
)  # fmt: skip
_FAMILY = (
    "Berger", "Rossi", "Dubois", "Nowak", "Jansen", "Murphy", "García", "Silva", "Nielsen",
    "Andersson", "Virtanen", "Weiss", "Moreau", "Conti", "de Vries", "Kelly", "Fischer", "Lopes",
    "Kowalska", "Peeters", "Hansen", "Öztürk", "Novák", "Schmid", "Bianchi", "Lefèvre", "Bakker",
    "O'Brien", "Hoffmann", "Romero", "Lund", "Horvat", "Meyer", "Costa", "Visser", "Haddad",
)  # fmt: skip

# Town, postal code, country, streets; the first ones are drawn the most often.
_PLACES = (
    ("Berlin", "10999", "DE", ("Oranienstraße", "Reichenberger Straße", "Skalitzer Straße")),
    ("Hamburg", "20357", "DE", ("Schulterblatt", "Bartelsstraße", "Juliusstraße")),
    ("München", "80469", "DE", ("Fraunhoferstraße", "Klenzestraße", "Baaderstraße")),
    ("Köln", "50674", "DE", ("Brüsseler Straße", "Lindenstraße")),
    ("Wien", "1070", "AT", ("Neubaugasse", "Kirchengasse", "Burggasse")),
    ("Paris", "75011", "FR", ("Rue Oberkampf", "Rue de la Roquette", "Rue de Charonne")),
    ("Lyon", "69004", "FR", ("Rue de Cuire", "Grande Rue de la Croix-Rousse")),
    ("Amsterdam", "1053 MK", "NL", ("Kinkerstraat", "Bilderdijkstraat")),
    ("Dublin", "D08 X2A4", "IE", ("Meath Street", "Thomas Street", "Francis Street")),
    ("Graz", "8020", "AT", ("Annenstraße", "Mariahilferstraße")),
    ("Madrid", "28004", "ES", ("Calle del Pez", "Corredera Baja")),
    ("Lisboa", "1200-109", "PT", ("Rua da Rosa", "Rua do Século")),
    ("Antwerpen", "2000", "BE", ("Kloosterstraat", "Nationalestraat")),
    ("København", "2200", "DK", ("Elmegade", "Blågårdsgade")),
    ("Bologna", "40126", "IT", ("Via Zamboni", "Via San Vitale")),
    ("Stockholm", "116 45", "SE", ("Katarina Bangata", "Skånegatan")),
    ("Helsinki", "00530", "FI", ("Vaasankatu", "Fleminginkatu")),
    ("Kraków", "31-055", "PL", ("Ulica Józefa", "Ulica Miodowa")),
)
_PLACE_WEIGHTS = tuple(len(_PLACES) + 4 - rank for rank in range(len(_PLACES)))


def buyers(chance: random.Random) -> list[Person]:
    """Those with an account, Ada first."""
    strangers = people(chance, domain=EMAIL_DOMAIN)
    return [ADA, *(next(strangers) for _ in range(BUYERS_COUNT - 1))]


def people(chance: random.Random, *, domain: str) -> Iterator[Person]:
    """One person after the other, no two with the same e-mail address."""
    number = 0
    while True:
        number += 1
        given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
        [(city, postal_code, country, streets)] = chance.choices(_PLACES, _PLACE_WEIGHTS)
        yield Person(
            f"{given} {family}",
            f"{_plain(given)}.{number}@{domain}",
            {
                "name": f"{given} {family}",
                "line1": f"{chance.choice(streets)} {chance.randint(1, 120)}",
                "city": city,
                "postal_code": postal_code,
                "country": country,
            },
        )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isascii() and letter.isalpha())
