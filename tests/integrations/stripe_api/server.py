"""Stripe's HTTP interface before an account in memory, for a client that is given its transport.

Every request is checked against the contract; keys are honoured as Stripe does; requests, answers
and connections get lost when a test says so.
"""

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from gosellr.core.clock import Clock
from gosellr.integrations.payments import stripe_webhooks
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.integrations.payouts.stripe import StripePayouts
from tests.integrations.stripe_api.account import Account, Document, StripeSays, refuse
from tests.integrations.stripe_api.connect import Sellers
from tests.integrations.stripe_api.contract import Contract, kept_contract

SECRET = "whsec_of_the_tests"
KEYS_KEPT_FOR = timedelta(hours=24)
SEARCH_LAG = timedelta(minutes=1)
_QUERY = re.compile(r"metadata\['(\w+)'\]:'([^']+)'")

LOST_REQUEST = "lost request"
LOST_ANSWER = "lost answer"
NO_CONNECTION = "no connection"
GIBBERISH = "gibberish"


@dataclass
class FakeStripe:
    """`faults` strikes the next requests, one each: a name from above, a status, what happens
    there just before it comes, or None for none. `down` strikes all of them."""

    account: Account
    contract: Contract = field(default_factory=kept_contract)
    searchable: bool = True
    faults: deque[str | int | Callable[[], object] | None] = field(default_factory=deque)
    down: str | int | None = None
    sent: list[tuple[str, Document]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sellers: Sellers = field(init=False)
    _keys: dict[str, tuple[datetime, str, int, Document]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sellers = Sellers(self.account)

    @property
    def transport(self) -> httpx2.MockTransport:
        """What the client speaks through."""
        return httpx2.MockTransport(self._handle)

    @property
    def operations(self) -> list[str]:
        """What was asked, in order."""
        return [name for name, _ in self.sent]

    def deliveries(
        self, *, secrets: tuple[str, ...] = (SECRET,)
    ) -> list[tuple[str, dict[str, str], bytes]]:
        """The reports so far: the kind, the headers and the body of each, signed now."""
        timestamp = str(int(self.account.clock.now().timestamp()))
        made = []
        for event in self.account.events:
            body = json.dumps(event).encode()
            proofs = [f"v1={stripe_webhooks.signature(one, timestamp, body)}" for one in secrets]
            made.append(
                (event["type"], {"Stripe-Signature": ",".join([f"t={timestamp}", *proofs])}, body)
            )
        return made

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        fault = self.down or (self.faults.popleft() if self.faults else None)
        if callable(fault):
            fault()
        if fault == NO_CONNECTION:
            raise httpx2.ConnectError("refused", request=request)
        name, form = self.contract.check(request)
        self.sent.append((name, form))
        self.headers.append(dict(request.headers))
        if fault == LOST_REQUEST:
            raise httpx2.ReadTimeout("silence", request=request)
        if fault == GIBBERISH:
            return httpx2.Response(200, text="<html>")
        if isinstance(fault, int):
            return httpx2.Response(fault, json={"error": {"type": "api_error", "message": "No."}})
        response = self._answer(request, name, form)
        if fault == LOST_ANSWER:
            raise httpx2.ReadTimeout("silence", request=request)
        return response

    def _answer(self, request: httpx2.Request, name: str, form: Document) -> httpx2.Response:
        if request.method == "GET":
            status, body = self._do(request, name, form)
            return httpx2.Response(status, json=body)
        key = request.headers["Idempotency-Key"]
        fingerprint = f"{request.url.path} {form}"
        now = self.account.clock.now()
        earlier = self._keys.get(key)
        if earlier is not None and now - earlier[0] < KEYS_KEPT_FOR:
            if earlier[1] != fingerprint:
                says = StripeSays(400, "idempotency_error")
                return httpx2.Response(says.status, json=says.body)
            return httpx2.Response(
                earlier[2], json=earlier[3], headers={"Idempotent-Replayed": "true"}
            )
        status, body = self._do(request, name, form)
        self._keys[key] = (now, fingerprint, status, body)
        return httpx2.Response(status, json=body)

    def _do(self, request: httpx2.Request, name: str, form: Document) -> tuple[int, Document]:
        expand = form.pop("expand", [])
        whole = any(one.endswith("latest_charge.balance_transaction") for one in expand)
        words = request.url.path.split("/")
        try:
            body = self._acts(name, form, words)
        except StripeSays as says:
            return says.status, json.loads(json.dumps(says.body))
        if body.get("object") == "payment_intent":
            body = self.account.shown_intent(body, whole=whole)
        elif whole and name == "get /v1/payment_intents":
            rows = [self.account.intents[row["id"]] for row in body["data"]]
            body["data"] = [self.account.shown_intent(row, whole=True) for row in rows]
        elif "data.source" in expand:
            for row in body["data"]:
                row["source"] = self.account.source_of(row["source"]) or row["source"]
        elif body.get("object") == "checkout.session":
            body = self.account.shown_session(body, whole=whole)
        return 200, json.loads(json.dumps(body))

    def _acts(self, name: str, form: Document, words: list[str]) -> Document:
        account = self.account
        last, before = words[-1], words[-2]
        of_sellers = self.sellers.acts(name, form, words)
        if of_sellers is not None:
            return of_sellers()
        does: dict[str, Callable[[], Document]] = {
            "post /v1/checkout/sessions": lambda: account.create_session(form),
            "post /v1/payment_intents": lambda: account.create_intent(form),
            "post /v1/refunds": lambda: account.refund(form),
            "get /v1/checkout/sessions/{session}": lambda: _get(account.sessions, last),
            "post /v1/checkout/sessions/{session}/expire": lambda: account.expire_session(
                _get(account.sessions, before)
            ),
            "get /v1/payment_intents/{intent}": lambda: _get(account.intents, last),
            "post /v1/payment_intents/{intent}/capture": lambda: account.capture(
                _get(account.intents, before), form
            ),
            "post /v1/payment_intents/{intent}/cancel": lambda: account.cancel(
                _get(account.intents, before)
            ),
            "get /v1/payment_intents/search": lambda: self._search(form),
            "post /v1/files": lambda: account.keep_file(form),
            "get /v1/disputes/{dispute}": lambda: _get(account.disputes, last),
            "post /v1/disputes/{dispute}": lambda: account.hand_in(
                _get(account.disputes, last), form
            ),
        }
        return does.get(name, lambda: self._list(name, form))()

    def _search(self, form: Document) -> Document:
        if not self.searchable:
            raise refuse("search_unavailable")
        found = _QUERY.fullmatch(form["query"])
        assert found, form["query"]
        seen_until = (self.account.clock.now() - SEARCH_LAG).timestamp()
        hits = [
            self.account.shown_intent(intent, whole=False)
            for intent in self.account.intents.values()
            if intent["metadata"].get(found[1]) == found[2] and intent["created"] <= seen_until
        ]
        return {"object": "search_result", "data": hits[: form["limit"]], "has_more": False}

    def _list(self, name: str, form: Document) -> Document:
        rows: dict[str, dict[str, Any]] = {
            "get /v1/payment_intents": self.account.intents,
            "get /v1/checkout/sessions": self.account.sessions,
            "get /v1/refunds": self.account.refunds,
            "get /v1/disputes": self.account.disputes,
            "get /v1/accounts": self.sellers.accounts,
            "get /v1/transfers": self.account.transfers,
            "get /v1/balance_transactions": self.account.movements,
        }[name]
        created = form.get("created", {})
        since, until = created.get("gte", 0), created.get("lt", float("inf"))
        chosen = [
            {key: value for key, value in row.items() if key != "asked"}
            for row in reversed(rows.values())
            if since <= row["created"] < until
            and all(
                form.get(key) in (None, row.get(key))
                for key in ("payment_intent", "transfer_group", "source")
            )
        ]
        if after := form.get("starting_after"):
            at = next(index for index, row in enumerate(chosen) if row["id"] == after)
            chosen = chosen[at + 1 :]
        limit = form.get("limit", 10)
        return {"object": "list", "data": chosen[:limit], "has_more": len(chosen) > limit}


def _get(rows: dict[str, Document], name: str) -> Document:
    try:
        return rows[name]
    except KeyError:
        raise StripeSays(404, "invalid_request_error", "resource_missing") from None


def make_gateway(
    server: FakeStripe, clock: Clock, *, payment_methods: tuple[str, ...] = ("card",)
) -> StripeGateway:
    """Another process's gateway before the same account: it remembers nothing."""
    return StripeGateway(
        "sk_test_of_the_tests",
        webhook_secrets=(SECRET,),
        return_url="https://market.test/payments/return/",
        payment_methods=payment_methods,
        clock=clock,
        transport=server.transport,
    )


def make_payouts(server: FakeStripe, clock: Clock) -> StripePayouts:
    """Another process's way to pay sellers, before the same account."""
    return StripePayouts("sk_test_of_the_tests", clock=clock, transport=server.transport)
