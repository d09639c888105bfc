"""Where a bank transfer goes, as one address: a payto URI, RFC 8905.

It is kept with the attempt to pay, so that a buyer pays to the account they were told, whatever
the market's account has become since.
"""

from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import Money, parse_decimal, to_decimal_string

_SCHEME: Final = "payto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer that a buyer is asked for."""

    iban: str
    bic: str
    holder: str
    amount: Money
    reference: str

    def as_uri(self) -> str:
        """The payto URI."""
        currency = self.amount.currency
        path = "/".join(quote(part, safe="") for part in (self.bic, self.iban) if part)
        query = urlencode(
            {
                "receiver-name": self.holder,
                "amount": f"{currency}:{to_decimal_string(self.amount.amount, currency)}",
                "message": self.reference,
            },
            quote_via=quote,
        )
        return f"{_SCHEME}://iban/{path}?{query}"


def read_payto(uri: str | None) -> Transfer | None:
    """The transfer that such an address asks for; None for any other address."""
    parts = urlsplit(uri or "")
    if parts.scheme != _SCHEME:
        return None
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    *bic, iban = parts.path.strip("/").split("/")
    currency, _, decimals = said["amount"].partition(":")
    return Transfer(
        iban=iban,
        bic=bic[0] if bic else "",
        holder=said["receiver-name"],
        amount=Money(parse_decimal(decimals, currency), currency),
        reference=said["message"],
    )


def lowered_to(uri: str | None, amount: Money) -> str | None:
    """The same address asking for another amount; None for any other address."""
    transfer = read_payto(uri)
    return None if transfer is None else replace(transfer, amount=amount).as_uri()
