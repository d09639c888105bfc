"""PayPal's HTTP interface before an account in memory, for a client that is given its transport.

Every request, and every answer, is checked against the contract; keys are honoured as PayPal does;
tokens end; requests, answers and connections get lost when a test says so.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from gosellr.core.clock import Clock
from gosellr.integrations.payments.paypal_api import SANDBOX, PayPalApi
from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.paypal_webhooks import ALGORITHM, signed_text
from gosellr.integrations.payouts.paypal import PayPalPayouts
from tests.integrations.paypal_api import excerpt, quarrels, reports
from tests.integrations.paypal_api.account import (
    MERCHANT,
    Account,
    Document,
    PayPalSays,
    missing,
)
from tests.integrations.paypal_api.authority import Signer, new_signer
from tests.integrations.paypal_api.contract import Contract, kept_contract

EXAMPLES: Document = json.loads(excerpt.EXAMPLES.read_text())
"""PayPal's own: how it says no, and how a token is asked for."""
WEBHOOK_ID = "WEBHOOK0000000001"
CERTIFICATE = (
    "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77"
)
TOKEN_LIFE = timedelta(hours=9)
KEYS_KEPT_FOR = {"v1": timedelta(days=30), "v2": timedelta(hours=6)}

LOST_REQUEST = "lost request"
LOST_ANSWER = "lost answer"
NO_CONNECTION = "no connection"
GIBBERISH = "gibberish"
TOKEN_REVOKED = "token revoked"


@dataclass
class FakePayPal:
    """`faults` strikes the next requests, one each: a name from above, a status, or None for none.
    `down` strikes all of them. Tokens and certificates aren't struck, and aren't in `sent`."""

    account: Account
    contract: Contract = field(default_factory=kept_contract)
    signer: Signer = field(default_factory=new_signer)
    faults: deque[str | int | None] = field(default_factory=deque)
    down: str | int | None = None
    retry_after: str | None = None
    tokens_refused: bool = False
    sent: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tokens: list[tuple[str, datetime]] = field(default_factory=list)
    certificates_fetched: list[str] = field(default_factory=list)
    movements: list[Document] = field(default_factory=list)
    _keys: dict[str, tuple[datetime, int, Document]] = field(default_factory=dict)

    @property
    def transport(self) -> httpx2.MockTransport:
        """What the client speaks through."""
        return httpx2.MockTransport(self._handle)

    @property
    def operations(self) -> list[str]:
        """What was asked, in order."""
        return [name for name, _ in self.sent]

    def deliveries(self) -> list[tuple[str, dict[str, str], bytes]]:
        """The reports so far: the kind, the headers and the body of each, signed now."""
        return [self.delivery(event) for event in self.account.events]

    def delivery(
        self, event: Document, *, webhook_id: str = WEBHOOK_ID, certificate: str = CERTIFICATE
    ) -> tuple[str, dict[str, str], bytes]:
        """One report, signed now."""
        body = json.dumps(event).encode()
        sent = self.account.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        transmission_id = f"transmission-{event['id']}"
        text = signed_text(transmission_id, sent, webhook_id, body)
        headers = {
            "PAYPAL-AUTH-ALGO": ALGORITHM,
            "PAYPAL-CERT-URL": certificate,
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-SIG": self.signer.sign(text),
            "PAYPAL-TRANSMISSION-TIME": sent,
        }
        return event["event_type"], headers, body

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        if "/certs/" in request.url.path:
            self.certificates_fetched.append(str(request.url))
            return httpx2.Response(200, content=self.signer.chain)
        is_token = request.url.path == EXAMPLES["token"]["url"]
        fault = self.down or (self.faults.popleft() if self.faults and not is_token else None)
        if fault == NO_CONNECTION:
            raise httpx2.ConnectError("refused", request=request)
        if is_token:
            return self._token(request)
        return self._struck(request, fault)

    def _struck(self, request: httpx2.Request, fault: str | int | None) -> httpx2.Response:
        """The answer, as far as it comes through."""
        if not self._is_let_in(request) or fault == TOKEN_REVOKED:
            return httpx2.Response(401, json={"error": "invalid_token"})
        name, body = self.contract.check(request)
        self.sent.append((name, body))
        self.headers.append(dict(request.headers))
        if fault == LOST_REQUEST:
            raise httpx2.ReadTimeout("silence", request=request)
        if fault == GIBBERISH:
            return httpx2.Response(200, text="<html>")
        if isinstance(fault, int):
            more = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            says = EXAMPLES["refusals"].get(str(fault), {"name": "INTERNAL_SERVER_ERROR"})
            return httpx2.Response(fault, json=says, headers=more)
        response = self._answer(request, name, body)
        if fault == LOST_ANSWER:
            raise httpx2.ReadTimeout("silence", request=request)
        return response

    def _token(self, request: httpx2.Request) -> httpx2.Response:
        # PayPal's documents name the address and the flow; what that flow says is RFC 6749, 4.4.
        assert (request.method, EXAMPLES["token"]["flow"]) == ("POST", "clientCredentials")
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert request.headers["Authorization"].startswith("Basic ")
        assert request.content == b"grant_type=client_credentials"
        if self.tokens_refused:
            return httpx2.Response(401, json={"error": "invalid_client"})
        text = f"token-{len(self.tokens) + 1}"
        self.tokens.append((text, self.account.clock.now() + TOKEN_LIFE))
        life = int(TOKEN_LIFE.total_seconds())
        return httpx2.Response(
            200, json={"access_token": text, "token_type": "Bearer", "expires_in": life}
        )

    def _is_let_in(self, request: httpx2.Request) -> bool:
        text, good_until = self.tokens[-1]
        return (
            request.headers["Authorization"] == f"Bearer {text}"
            and self.account.clock.now() < good_until
        )

    def _answer(self, request: httpx2.Request, name: str, body: Any) -> httpx2.Response:
        key = request.headers.get("PayPal-Request-Id")
        now = self.account.clock.now()
        # A payout's key is its sender's id alone: PayPal doesn't look at this one there.
        honoured = key is not None and not request.url.path.startswith("/v1/payments/payouts")
        if honoured and key in self._keys:
            made_at, status, known = self._keys[key]
            if now - made_at < KEYS_KEPT_FOR[request.url.path.split("/")[1]]:
                return httpx2.Response(status, json=known)
        try:
            status, answer = self._acts(request, name, body)
        except PayPalSays as says:
            return httpx2.Response(says.status, json=json.loads(json.dumps(says.body)))
        answer = json.loads(json.dumps(answer))
        self.contract.check_answer(name, status, answer)
        if honoured and key is not None:
            self._keys[key] = (now, 200 if "orders" in name else status, answer)
        return httpx2.Response(status, json=answer) if status != 204 else httpx2.Response(204)

    def _acts(self, request: httpx2.Request, name: str, body: Any) -> tuple[int, Any]:
        account, words = self.account, request.url.path.split("/")
        last, before = words[-1], words[-2]
        does: dict[str, Callable[[], tuple[int, Any]]] = {
            "post /v2/checkout/orders": lambda: (200, account.create_order(body)),
            "get /v2/checkout/orders/{id}": lambda: (200, _get(account.orders, last)),
            "patch /v2/checkout/orders/{id}": lambda: (
                204, account.patch(_get(account.orders, last), body)
            ),
            "post /v2/checkout/orders/{id}/authorize": lambda: (
                201, account.authorize(_get(account.orders, before))
            ),
            "post /v2/checkout/orders/{id}/capture": lambda: (
                201, account.capture_order(_get(account.orders, before))
            ),
            "post /v2/payments/authorizations/{authorization_id}/capture": lambda: (
                201, account.capture_authorization(before, body)
            ),
            "post /v2/payments/authorizations/{authorization_id}/reauthorize": lambda: (
                201, account.reauthorize(before, body)
            ),
            "post /v2/payments/authorizations/{authorization_id}/void": lambda: (
                200, account.void(before)
            ),
            "post /v2/payments/captures/{capture_id}/refund": lambda: (
                201, account.refund(before, body)
            ),
            "post /v1/payments/payouts": lambda: (201, account.pay_out(body)),
            "get /v1/payments/payouts/{id}": lambda: (200, _get(account.batches, last)),
            "get /v2/payments/captures/{capture_id}": lambda: (200, account.capture(last)),
            "get /v1/reporting/transactions": lambda: (
                200, reports.told(self.movements, dict(request.url.params))
            ),
            "get /v1/customer/disputes": lambda: (
                200, quarrels.listed(account, dict(request.url.params))
            ),
            "get /v1/customer/disputes/{id}": lambda: (200, _get(account.disputes, last)),
            "post /v1/customer/disputes/{id}/provide-evidence": lambda: (
                200, quarrels.answer(account, _get(account.disputes, before), body)
            ),
            "post /v1/customer/disputes/{id}/accept-claim": lambda: (
                200, quarrels.accept(account, _get(account.disputes, before))
            ),
        }  # fmt: skip
        return does[name]()


def _get(rows: dict[str, Document], name: str) -> Document:
    try:
        return rows[name]
    except KeyError:
        raise missing() from None


def make_api(server: FakePayPal, clock: Clock, **more: Any) -> PayPalApi:
    """Another process's way to the same account: it remembers nothing."""
    return PayPalApi(
        "client", "hunter2", base_url=SANDBOX, clock=clock, transport=server.transport, **more
    )


def make_gateway(server: FakePayPal, clock: Clock, **more: Any) -> PayPalGateway:
    """Another process's gateway before the same account."""
    return PayPalGateway(
        make_api(server, clock, **more),
        merchant_id=MERCHANT,
        webhook_id=WEBHOOK_ID,
        return_url="https://market.test/payments/return/",
        clock=clock,
        transport=server.transport,
        roots=[server.signer.issuer],
    )


def make_payouts(server: FakePayPal, clock: Clock) -> PayPalPayouts:
    """Another process's payout provider before the same account."""
    return PayPalPayouts(make_api(server, clock), clock=clock)
