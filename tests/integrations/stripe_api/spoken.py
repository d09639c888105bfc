"""What a request may bear in the version of Stripe's interface that we speak.

Stripe makes its own library from the document of each version, and the library says which one that
is: so the names, words and kinds of a request are held against it where the document that is kept
here is an older one. How long a text may be it doesn't say; that the kept document does.
"""

import sys
from functools import cache
from types import NoneType, SimpleNamespace, UnionType
from typing import (
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from stripe import RequestOptions, params
from stripe.params import checkout

FORMS: Final[dict[str, Any]] = {
    "post /v1/checkout/sessions": checkout.SessionCreateParams,
    "get /v1/checkout/sessions": checkout.SessionListParams,
    "get /v1/checkout/sessions/{session}": checkout.SessionRetrieveParams,
    "post /v1/checkout/sessions/{session}/expire": checkout.SessionExpireParams,
    "post /v1/payment_intents": params.PaymentIntentCreateParams,
    "get /v1/payment_intents": params.PaymentIntentListParams,
    "get /v1/payment_intents/search": params.PaymentIntentSearchParams,
    "get /v1/payment_intents/{intent}": params.PaymentIntentRetrieveParams,
    "post /v1/payment_intents/{intent}/capture": params.PaymentIntentCaptureParams,
    "post /v1/payment_intents/{intent}/cancel": params.PaymentIntentCancelParams,
    "get /v1/balance_transactions": params.BalanceTransactionListParams,
    "get /v1/refunds": params.RefundListParams,
    "post /v1/refunds": params.RefundCreateParams,
    "get /v1/disputes": params.DisputeListParams,
    "get /v1/disputes/{dispute}": params.DisputeRetrieveParams,
    "post /v1/disputes/{dispute}": params.DisputeUpdateParams,
    "post /v1/files": params.FileCreateParams,
    "get /v1/accounts": params.AccountListParams,
    "post /v1/accounts": params.AccountCreateParams,
    "get /v1/accounts/{account}": params.AccountRetrieveParams,
    "post /v1/account_links": params.AccountLinkCreateParams,
    "get /v1/transfers": params.TransferListParams,
    "post /v1/transfers": params.TransferCreateParams,
    "get /v1/transfers/{transfer}": params.TransferRetrieveParams,
    "post /v1/transfers/{id}/reversals": params.TransferReversalCreateParams,
}


def faults(name: str, form: dict[str, Any]) -> list[str]:
    """What of a request the version that we speak doesn't know, or misses."""
    return _faults(form, FORMS[name], place=name)


@cache
def _hints(form: Any) -> dict[str, Any]:
    """Without the options of the call itself, which are no fields of its form."""
    own = {
        name: one
        for name, one in form.__annotations__.items()
        if name not in RequestOptions.__annotations__
    }
    return get_type_hints(
        SimpleNamespace(__annotations__=own),
        vars(sys.modules[form.__module__]),
        include_extras=True,
    )


def _faults(value: Any, hint: Any, *, place: str) -> list[str]:
    origin = get_origin(hint)
    if origin in {NotRequired, Required}:
        return _faults(value, get_args(hint)[0], place=place)
    if origin in {Union, UnionType}:
        return min((_faults(value, one, place=place) for one in _branches(hint)), key=len)
    # The library's own kind of these isn't the one that Python knows by name.
    if hasattr(hint, "__required_keys__"):
        return _faults_of_object(value, hint, place=place)
    said: list[str] = []
    if origin is list:
        if not isinstance(value, list):
            return [f"{place} isn't a list"]
        said += (one for each in value for one in _faults(each, get_args(hint)[0], place=place))
    elif origin is Literal and value not in get_args(hint):
        said.append(f"{place} is never {value!r}")
    elif hint in {str, int, bool} and type(value) is not hint:
        said.append(f"{place} isn't {hint.__name__}")
    # Anything goes into a dictionary, and as a file's content.
    return said


def _branches(hint: Any) -> list[Any]:
    """Where words are listed, the library lets pass any text, for words of later versions: we say
    none of those."""
    found = [one for one in get_args(hint) if one is not NoneType]
    words = {word for one in found if get_origin(one) is Literal for word in get_args(one)}
    return [one for one in found if one is not str] if words - {""} else found


def _faults_of_object(value: Any, hint: Any, *, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} isn't an object"]
    known = _hints(hint)
    missing = {name for name, one in known.items() if get_origin(one) is not NotRequired}
    said = [f"{place}.{name} is missing" for name in sorted(missing - value.keys())]
    for name, one in value.items():
        if name in known:
            said += _faults(one, known[name], place=f"{place}.{name}")
        else:
            said.append(f"{place}.{name} isn't known")
    return said
