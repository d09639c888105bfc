"""The countries of ISO 3166-1, by the two letters that addresses use."""

from functools import cache

from babel import Locale

# What Unicode's list holds besides them.
_NO_COUNTRIES = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
)


@cache
def country_codes() -> frozenset[str]:
    """Every country's code, read when first asked for: it comes with all else of a language."""
    codes = map(str, Locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha()) - _NO_COUNTRIES


@cache
def country_names(locale: str) -> tuple[tuple[str, str], ...]:
    """Every country's code and name in the language of `locale`, by name."""
    names = Locale.parse(locale).territories
    return tuple(
        sorted(((code, names.get(code, code)) for code in country_codes()), key=lambda c: c[1])
    )
