"""The ways to pay that are offered, each with its rules as its own gateway tells them."""

from collections.abc import Mapping
from typing import Final

from gosellr.integrations.payments.port import (
    DisputingGateway,
    PaymentGateway,
    Reauthorizes,
    TellsMovements,
)
from gosellr.integrations.payments.report_port import MayBeSilent
from gosellr.integrations.payments.rules_port import (
    GatewayRules,
    HasRules,
    InParts,
    SendsRefunds,
)
from gosellr.utils.captures import KNOWN_TERM, CaptureMoment
from gosellr.web.order_views import BadgeView
from gosellr.web.payment_way_views import PaymentWaysView, PaymentWayView
from gosellr.web.views import AttributeView

_SILENT: Final = BadgeView("No answer just now", "warn", "clock")
_OFFERED: Final = BadgeView("Offered", "ok", "check")
_IN_PARTS: Final = {
    InParts.ALWAYS: "Yes, each seller's part by itself",
    InParts.IF_ALLOWED: "Where the buyer's card allows it; else all of it with the first parcel",
    InParts.NEVER: "No, all of it at once",
}
_SENDERS: Final = {
    SendsRefunds.GATEWAY: "The provider, as soon as it is asked",
    SendsRefunds.MARKET: "A person of the market, by hand",
    SendsRefunds.SELLER: "The shop that collected it",
}
_MOMENTS: Final = {
    CaptureMoment.AT_ORDER: "When it is ordered",
    CaptureMoment.AT_SHIPMENT: "When a parcel is sent",
}


def ways(gateways: Mapping[str, PaymentGateway], *, capture: CaptureMoment) -> PaymentWaysView:
    """All of them by name; `capture` is when this market takes money where it may choose."""
    return PaymentWaysView(
        capture=_MOMENTS[capture],
        ways=tuple(_way(name, gateways[name]) for name in sorted(gateways)),
    )


def _way(name: str, gateway: PaymentGateway) -> PaymentWayView:
    is_silent = isinstance(gateway, MayBeSilent) and gateway.is_silent
    rules = gateway.rules if isinstance(gateway, HasRules) else None
    known = () if rules is None else _rules(rules, renews=isinstance(gateway, Reauthorizes))
    disputes = "Yes: they are fetched, answered and booked here"
    movements = "Yes: its list is held against the books"
    facts = (
        *known,
        (
            "Disputes come in",
            disputes if isinstance(gateway, DisputingGateway) else "No",
        ),
        (
            "Tells its movements",
            movements if isinstance(gateway, TellsMovements) else "No: by reports and by hand",
        ),
    )
    return PaymentWayView(
        name=name.replace("_", " ").capitalize(),
        badge=_SILENT if is_silent else _OFFERED,
        facts=tuple(AttributeView(label, value) for label, value in facts),
        currencies=() if rules is None else tuple(sorted(rules.currencies or ())),
    )


def _rules(rules: GatewayRules, *, renews: bool) -> tuple[tuple[str, str], ...]:
    later = "Yes" if rules.takes_later else "No"
    taken = len(rules.currencies or ())
    told = [
        ("Can be set aside and taken later", later),
        ("Taken in parts", _IN_PARTS[rules.in_parts]),
    ]
    if rules.takes_later:
        told.append(("Set aside for", _term(rules)))
        told.append(("Can be set aside anew", "Yes" if renews else "No"))
    return (
        *told,
        ("Refunds in parts", "Yes" if rules.refunds_parts else "No, all of it or nothing"),
        ("Sends refunds", _SENDERS[rules.sends_refunds]),
        ("Currencies", "Every one" if rules.currencies is None else str(taken)),
    )


def _term(rules: GatewayRules) -> str:
    if rules.holds_for is not None:
        return f"{rules.holds_for.days} days"
    return f"As it says of each payment; {KNOWN_TERM.days} days where it doesn't"
