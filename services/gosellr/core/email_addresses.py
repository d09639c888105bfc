"""E-mail addresses: whether one can be written to, and how it is written."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

# What most addresses look like. What the library would write differently isn't plain: it knows
# mailboxes by names that mean the same in capitals, and domains of other alphabets.
_PLAIN = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@([A-Za-z0-9.-]+)")
_PLAIN_LENGTH_MAX = 254
_DOMAINS_MAX = 1_024


def normal_email(value: str) -> str:
    """An address in its normal form.

    What comes before the sign of a plain address depends on nothing, so that its domain is judged
    by the library once, and not again for each of those who have theirs there.

    Raises:
        ValueError: when it is none; it says what is wrong.
    """
    plain = _PLAIN.fullmatch(value) if len(value) <= _PLAIN_LENGTH_MAX else None
    domain = None if plain is None else plain[1]
    normal = None if domain is None else _normal_domain(domain)
    if domain is None or normal is None:
        return _judged(value)
    return value[: -len(domain)] + normal


@lru_cache(maxsize=_DOMAINS_MAX)
def _normal_domain(domain: str) -> str | None:
    """How the domain is written; None where there is more to say of it."""
    try:
        normal = _judged("a@" + domain)[2:]
    except ValueError:
        return None
    return normal if normal == domain.lower() else None


def _judged(value: str) -> str:
    try:
        # Whether mail arrives there is for the mail to find out, not for a look-up here.
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
