"""The countries of ISO 3166-1, by the two letters that addresses use."""

from functools import cache

from babel import Locale

# What Unicode's list holds besides them.
_NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}

COUNTRIES = frozenset(
    code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()
) - frozenset(_NO_COUNTRIES)


@cache
def country_names(locale: str) -> tuple[tuple[str, str], ...]:
    """Every country's code and name in the language of `locale`, by name."""
    names = Locale.parse(locale).territories
    return tuple(sorted(((code, names.get(code, code)) for code in COUNTRIES), key=lambda c: c[1]))
