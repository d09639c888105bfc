"""Shops' accounts at providers in words: how they stand, and what is missing."""

from gosellr.models.connected_values import SellerAccount
from gosellr.web.formats import format_when
from gosellr.web.order_views import BadgeView
from gosellr.web.shop_money_views import ConnectedView
from gosellr.web.views import AttributeView

_UNTOLD = "requirements."
# What providers ask for, by the first part of its name there.
_ASKED = {
    "external_account": "Your bank account",
    "tos_acceptance": "Your word on the provider's terms",
    "individual": "Who you are",
    "representative": "Who acts for the business",
    "company": "The business",
    "business_profile": "What the business does",
    "business_type": "What kind of business it is",
    "owners": "Who owns the business",
    "directors": "Who directs the business",
}


def account(
    provider: str,
    found: SellerAccount | None,
    *,
    path: str,
    onboarding_href: str = "",
    problem: str = "",
) -> ConnectedView:
    """An account as its provider told it last; None where there is none yet."""
    name = provider.capitalize()
    if found is None:
        return ConnectedView(
            provider,
            name,
            path,
            BadgeView("Not opened", "", "minus"),
            f"{name} pays you once it knows who you are.",
            problem=problem,
        )
    told = [
        ("Its name there", found.reference),
        ("Country", found.country),
        ("Opened", format_when(found.created_at, "date")),
        ("Asked last", None if found.checked_at is None else format_when(found.checked_at, "full")),
        ("Your bank sent money back", found.bank_failure and _plain(found.bank_failure)),
    ]
    return ConnectedView(
        provider,
        name,
        path,
        _badge(found),
        _note(found, name),
        facts=tuple(AttributeView(label, value) for label, value in told if value),
        missing=_missing(found.missing),
        due_at=found.due_at,
        is_open=found.reference is not None,
        is_ready=found.is_ready,
        onboarding_href=onboarding_href,
        problem=problem,
    )


def _badge(found: SellerAccount) -> BadgeView:
    if found.is_ready:
        return BadgeView("Ready", "ok", "check")
    if _is_stopped(found):
        return BadgeView("Stopped", "bad", "ban")
    return BadgeView("Not ready yet", "warn", "hourglass")


def _is_stopped(found: SellerAccount) -> bool:
    # What only waits to be told is stopped by nobody, though providers count it so.
    return bool(found.disabled_reason) and not (found.disabled_reason or "").startswith(_UNTOLD)


def _note(found: SellerAccount, name: str) -> str:
    if found.is_ready:
        return "What is paid there reaches your bank."
    if _is_stopped(found):
        return f"{name} has stopped it: {_plain(found.disabled_reason or '')}."
    if found.missing:
        return f"{name} wants to know more before it pays you."
    return f"{name} is looking at what you told."


def _missing(asked: tuple[str, ...]) -> tuple[str, ...]:
    """What is missing in words, each once, in the provider's order."""
    words = (_ASKED.get(one.split(".")[0], _plain(one)) for one in asked)
    return tuple(dict.fromkeys(words))


def _plain(word: str) -> str:
    return word.replace(".", ": ").replace("_", " ")
