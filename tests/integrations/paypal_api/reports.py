"""The account's movements in memory, told as PayPal tells them: by time, a page at a time."""

from datetime import datetime, timedelta

from tests.integrations.paypal_api.account import Document, PayPalSays

PER_PAGE = 3
_LONGEST = timedelta(days=31)


def told(rows: list[Document], asked: dict[str, str]) -> Document:
    """A page of the movements between two moments."""
    begin, end = (datetime.fromisoformat(asked[f"{one}_date"]) for one in ("start", "end"))
    if end - begin > _LONGEST:
        raise PayPalSays(400, "INVALID_REQUEST")
    chosen = [
        one
        for one in rows
        if begin <= datetime.fromisoformat(one["transaction_initiation_date"]) <= end
    ]
    page = int(asked["page"])
    shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
    details = [{"transaction_info": one} for one in shown]
    return {
        "page": page, "total_items": len(chosen), "total_pages": -(-len(chosen) // PER_PAGE),
        **({"transaction_details": details} if details else {}),
    }  # fmt: skip
