"""The reference that a buyer writes on a bank transfer: a creditor reference, ISO 11649.

"RF", two check digits and up to 21 letters and digits. The check digits are those of ISO/IEC
7064, MOD 97-10, taken as for an IBAN: the head is put behind the rest and each letter stands for
two digits, A for 10 to Z for 35. Another digit for a digit, another letter for a letter and two
exchanged digits are always found by them; a letter for a digit, or the reverse, 96 times of 97.
"""

import hashlib
import re
from typing import Final
from uuid import UUID

_FORM: Final = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
# Without the letters that are taken for digits.
_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SIGN_BITS: Final = 5
_OWN_SIGNS: Final = 12
# One of ours may stand anywhere in what somebody wrote, so every place is looked at.
_OWN: Final = re.compile(rf"(?=(RF[0-9]{{2}}[{_SIGNS}]{{{_OWN_SIGNS}}}))")
_NOISE: Final = re.compile(r"[^A-Z0-9]")


class InvalidReference(ValueError):
    """It has another form, or its check digits don't fit."""


def with_check_digits(body: str) -> str:
    """The creditor reference of up to 21 letters and digits. Raises `InvalidReference`."""
    reference = f"RF00{body}"
    if not _FORM.fullmatch(reference):
        raise InvalidReference("a reference is made of 1 to 21 letters and digits")
    return f"RF{98 - _remainder(reference):02d}{body}"


def parse_reference(text: str) -> str:
    """The reference without blanks, in capitals. Raises `InvalidReference`."""
    plain = re.sub(r"\s", "", text).upper()
    if not _FORM.fullmatch(plain):
        raise InvalidReference("not the form of a creditor reference")
    if _remainder(plain) != 1:
        raise InvalidReference("the check digits don't fit")
    return plain


def reference_of(payment_id: UUID) -> str:
    """The reference of an attempt to pay: always the same, and told by nothing else.

    60 bits of a hash; that no two payments share one is for a unique index to say.
    """
    number = int.from_bytes(hashlib.sha256(payment_id.bytes).digest(), "big")
    signs = [
        _SIGNS[number >> place * _SIGN_BITS & (1 << _SIGN_BITS) - 1] for place in range(_OWN_SIGNS)
    ]
    return with_check_digits("".join(signs))


def references_in(text: str) -> tuple[str, ...]:
    """Every reference of our form with fitting check digits in what somebody wrote on a transfer,
    however they parted it by blanks, dashes or line breaks."""
    plain = _NOISE.sub("", text.upper())
    found = (match.group(1) for match in _OWN.finditer(plain))
    return tuple(dict.fromkeys(one for one in found if _remainder(one) == 1))


def in_groups(reference: str) -> str:
    """As it is printed: in groups of four."""
    return " ".join(reference[place : place + 4] for place in range(0, len(reference), 4))


def _remainder(reference: str) -> int:
    turned = reference[4:] + reference[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97
