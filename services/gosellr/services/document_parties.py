"""Who stands on a document: sellers, buyers and the marketplace, as they are known now."""

from collections.abc import Mapping
from typing import Any

from gosellr.models.document_values import SellerIdentity
from gosellr.utils.documents import MarketIdentity
from gosellr.utils.letterhead import ADDRESS_LENGTHS, written


def seller_party(seller: SellerIdentity, *, to_others: bool = True) -> dict[str, Any]:
    """A seller by its own name and country, and by what it wants on its papers.

    Where it hasn't said that, there is neither address nor number. The e-mail address by which the
    marketplace reaches it is between the two; papers that go `to_others` leave it out.
    """
    said = seller.letterhead
    known_to_both = "" if to_others else seller.email
    return {
        "name": seller.legal_name,
        "trade_name": seller.name,
        "address_lines": [] if said is None else said.address_lines(),
        "country": seller.country,
        "email": known_to_both if said is None else said.email or known_to_both,
        "tax_id": "" if said is None else said.tax_id,
        "registration_number": "" if said is None else said.registration_number,
    }


def market_party(identity: MarketIdentity) -> dict[str, Any]:
    """The marketplace, as its operator named it."""
    return {
        "name": identity.name,
        "trade_name": "",
        "address_lines": list(identity.address_lines),
        "country": "",
        "email": "",
        "tax_id": identity.tax_id,
        "registration_number": "",
    }


def address_party(address: Mapping[str, Any]) -> dict[str, Any]:
    """A buyer by an address of an order."""
    parts = {name: str(address.get(name) or "") for name in ADDRESS_LENGTHS}
    return {
        "name": str(address.get("name") or ""),
        "trade_name": "",
        "address_lines": written(**parts),
        "country": str(address.get("country") or ""),
        "email": "",
        "tax_id": "",
        "registration_number": "",
    }
