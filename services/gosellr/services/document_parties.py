"""Who stands on a document: sellers, buyers and the marketplace, as they are known now."""

from collections.abc import Mapping
from typing import Any

from gosellr.models.document_values import SellerIdentity
from gosellr.utils.documents import MarketIdentity


def seller_party(seller: SellerIdentity, *, to_others: bool = True) -> dict[str, Any]:
    """A seller as far as it has said who it is: nobody asks for its address or tax number yet.

    Its e-mail address is between it and the marketplace; papers that go `to_others` leave it out.
    """
    return {
        "name": seller.legal_name,
        "trade_name": seller.name,
        "address_lines": [],
        "country": seller.country,
        "email": "" if to_others else seller.email,
        "tax_id": "",
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
    }


def address_party(address: Mapping[str, Any]) -> dict[str, Any]:
    """A buyer by an address of an order."""
    town = " ".join(str(address.get(part) or "") for part in ("postal_code", "city")).strip()
    lines = (address.get("line1"), address.get("line2"), town, address.get("region"))
    return {
        "name": str(address.get("name") or ""),
        "trade_name": "",
        "address_lines": [str(line) for line in lines if line],
        "country": str(address.get("country") or ""),
        "email": "",
        "tax_id": "",
    }
