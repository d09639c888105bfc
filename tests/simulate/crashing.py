"""A market that can be made to die, or to lose a deadlock, at any numbered step.

Every statement and every call to a gateway, a payout provider or the post of one process passes a
`Fuse`, which counts them and blows at the one it was told. It is handed in as the process's
database, gateways, providers and post; nothing of the product is patched.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar, cast

from gosellr.core.db import Connection, Database
from gosellr.integrations.messages.port import Email, EmailSender, SendResult
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    DisputeEvidence,
    DisputingGateway,
    GatewayDispute,
    GatewayEvent,
    MovementResult,
    Outcome,
    PaymentGateway,
    RefundRequest,
)
from gosellr.integrations.payments.report_port import GivenBack, TellsRefunds
from gosellr.integrations.payouts.port import (
    AccountKind,
    AccountRequest,
    AccountResult,
    ConnectsSellers,
    LinkResult,
    PayoutProvider,
    TransferRequest,
    TransferResult,
)
from gosellr.resources import Resources
from gosellr.services.terms_shelf import TermsShelf

T = TypeVar("T")

_WRITING = ("WITH", "INSERT", "UPDATE", "DELETE")
_STATEMENTS = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval"})


class Died(BaseException):
    """The process is gone. No `except Exception` may get in the way."""


@dataclass(slots=True, kw_only=True)
class Fuse:
    """Counts steps and blows at number `at`, before it or, with `after`, when it is done.

    With an `error` the process lives on and only that step fails, once. `counts` says which
    steps are numbered.
    """

    at: int
    after: bool = False
    error: Callable[[], Exception] | None = None
    counts: Callable[[str], bool] = lambda _: True
    count: int = 0
    is_dead: bool = False
    blew_at: str | None = None
    steps: list[str] = field(default_factory=list)

    async def step(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Take one step, or blow."""
        if self.is_dead:
            raise Died
        if not self.counts(name):
            return await call()
        self.count += 1
        self.steps.append(name)
        ours = self.count == self.at
        if ours and not self.after:
            self._blow(name)
        done = await call()
        if ours:
            self._blow(name)
        return done

    def _blow(self, name: str) -> None:
        self.blew_at = name
        if self.error is not None:
            raise self.error()
        self.is_dead = True
        raise Died


class _NumberedTransaction:
    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    async def __aenter__(self) -> None:
        await self._fuse.step("BEGIN", self._inner.__aenter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            await self._inner.__aexit__(kind, error, trace)
            return
        committed = False

        async def commit() -> None:
            nonlocal committed
            committed = True
            await self._inner.__aexit__(None, None, None)

        try:
            await self._fuse.step("COMMIT", commit)
        except BaseException as died:
            if not committed:
                # The server rolls back what a dead client never committed.
                await self._inner.__aexit__(type(died), died, died.__traceback__)
            raise


class _NumberedConnection:
    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        if name not in _STATEMENTS:
            return getattr(self._inner, name)

        async def run(statement: str, *values: Any, **rest: Any) -> Any:
            writes = statement.lstrip().startswith(_WRITING)
            where = "SQL" if writes or self._inner.is_in_transaction() else "LOOK"
            return await self._fuse.step(
                f"{where} {' '.join(statement.split())[:60]}",
                lambda: getattr(self._inner, name)(statement, *values, **rest),
            )

        return run

    def transaction(self, **options: Any) -> _NumberedTransaction:
        return _NumberedTransaction(self._inner.transaction(**options), self._fuse)


class NumberedDatabase(Database):
    """Another process's view of a database: each of its statements passes the fuse."""

    def __init__(self, inner: Database, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse
        self.gatherings = {}

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection whose statements are numbered."""
        async with self._inner.connection() as connection:
            yield cast("Connection", _NumberedConnection(connection, self._fuse))


class NumberedGateway:
    """A `PaymentGateway` whose calls pass the fuse."""

    def __init__(self, inner: PaymentGateway, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    @property
    def name(self) -> str:
        """As the gateway within."""
        return self._inner.name

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """One numbered call."""
        return await self._fuse.step("GATEWAY charge", lambda: self._inner.charge(request))

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """One numbered call."""
        return await self._fuse.step("GATEWAY capture", lambda: self._inner.capture(request))

    async def void(self, **named: Any) -> MovementResult:
        """One numbered call."""
        return await self._fuse.step("GATEWAY void", lambda: self._inner.void(**named))

    async def refund(self, request: RefundRequest) -> MovementResult:
        """One numbered call."""
        return await self._fuse.step("GATEWAY refund", lambda: self._inner.refund(request))

    async def lookup(self, **named: Any) -> ChargeResult:
        """One numbered call."""
        return await self._fuse.step("GATEWAY lookup", lambda: self._inner.lookup(**named))

    async def lookup_refund(self, **named: Any) -> MovementResult:
        """One numbered call."""
        return await self._fuse.step(
            "GATEWAY lookup_refund", lambda: self._inner.lookup_refund(**named)
        )

    async def lookup_capture(self, **named: Any) -> MovementResult:
        """One numbered call."""
        return await self._fuse.step(
            "GATEWAY lookup_capture", lambda: self._inner.lookup_capture(**named)
        )

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """No step: it fetches what any process may fetch again."""
        await self._inner.prepare_webhook(headers)

    async def disputes_of(self, **named: Any) -> Sequence[GatewayDispute] | None:
        """One numbered call."""
        return await self._fuse.step(
            "GATEWAY disputes_of", lambda: self._within.disputes_of(**named)
        )

    async def submit_evidence(self, evidence: DisputeEvidence) -> Outcome:
        """One numbered call."""
        return await self._fuse.step(
            "GATEWAY submit_evidence", lambda: self._within.submit_evidence(evidence)
        )

    async def attempt_of(self, **named: Any) -> str | None:
        """One numbered call."""
        return await self._fuse.step("GATEWAY attempt_of", lambda: self._within.attempt_of(**named))

    @property
    def _within(self) -> DisputingGateway:
        assert isinstance(self._inner, DisputingGateway)
        return self._inner

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> GatewayEvent | None:
        """No step: nothing leaves the process."""
        return self._inner.parse_webhook(headers, body, now)

    async def aclose(self) -> None:
        """No step either."""
        await self._inner.aclose()


class NumberedTeller(NumberedGateway):
    """The same of one that tells what went back without us."""

    def __init__(self, inner: TellsRefunds, fuse: Fuse) -> None:
        super().__init__(inner, fuse)
        self._tells = inner

    async def given_back(self, **named: Any) -> Sequence[GivenBack] | None:
        """One numbered call."""
        return await self._fuse.step("GATEWAY given_back", lambda: self._tells.given_back(**named))

    def read_again(self, body: bytes) -> GatewayEvent | None:
        """No step: nothing leaves the process."""
        return self._tells.read_again(body)


class NumberedProvider:
    """A `PayoutProvider` whose calls pass the fuse."""

    def __init__(self, inner: PayoutProvider, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    @property
    def name(self) -> str:
        """As the provider within."""
        return self._inner.name

    @property
    def paid_from(self) -> str | None:
        """As the provider within."""
        return self._inner.paid_from

    @property
    def forgets_after(self) -> timedelta | None:
        """As the provider within."""
        return self._inner.forgets_after

    @property
    def steps_minor(self) -> Mapping[str, int]:
        """As the provider within."""
        return self._inner.steps_minor

    async def send(self, request: TransferRequest) -> TransferResult:
        """One numbered call."""
        return await self._fuse.step("PROVIDER send", lambda: self._inner.send(request))

    @property
    def account_kind(self) -> AccountKind:
        """As the provider within."""
        return self._inner.account_kind

    async def lookup(
        self, *, transfer_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        """One numbered call."""
        return await self._fuse.step(
            "PROVIDER lookup",
            lambda: self._inner.lookup(
                transfer_id=transfer_id, provider_reference=provider_reference
            ),
        )

    async def aclose(self) -> None:
        """No step either."""
        await self._inner.aclose()


class NumberedConnect(NumberedProvider):
    """The same of one that keeps sellers' accounts."""

    def __init__(self, inner: ConnectsSellers, fuse: Fuse) -> None:
        super().__init__(inner, fuse)
        self._connects = inner

    async def open_account(self, request: AccountRequest) -> AccountResult:
        """One numbered call."""
        return await self._fuse.step(
            "PROVIDER open_account", lambda: self._connects.open_account(request)
        )

    async def find_account(self, **named: Any) -> AccountResult:
        """One numbered call."""
        return await self._fuse.step(
            "PROVIDER find_account", lambda: self._connects.find_account(**named)
        )

    async def onboarding_link(self, **named: Any) -> LinkResult:
        """One numbered call."""
        return await self._fuse.step(
            "PROVIDER onboarding_link", lambda: self._connects.onboarding_link(**named)
        )

    async def call_back(self, **named: Any) -> TransferResult:
        """One numbered call."""
        return await self._fuse.step(
            "PROVIDER call_back", lambda: self._connects.call_back(**named)
        )


class NumberedPost:
    """An `EmailSender` whose calls pass the fuse."""

    def __init__(self, inner: EmailSender, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    async def send_email(self, email: Email) -> SendResult:
        """One numbered call."""
        return await self._fuse.step("POST send_email", lambda: self._inner.send_email(email))

    async def tidy_up(self) -> None:
        """No step: what is gone then is nobody's any more."""

    async def aclose(self) -> None:
        """No step: whoever dies closes nothing."""


def _numbered_gateway(gateway: PaymentGateway, fuse: Fuse) -> NumberedGateway:
    if isinstance(gateway, TellsRefunds):
        return NumberedTeller(gateway, fuse)
    return NumberedGateway(gateway, fuse)


def _numbered_provider(provider: PayoutProvider, fuse: Fuse) -> NumberedProvider:
    if isinstance(provider, ConnectsSellers):
        return NumberedConnect(provider, fuse)
    return NumberedProvider(provider, fuse)


def numbered(resources: Resources, fuse: Fuse) -> Resources:
    """A process over the same database and gateways that can die, and remembers nothing yet."""
    return replace(
        resources,
        db=NumberedDatabase(resources.db, fuse),
        gateways={
            name: _numbered_gateway(gateway, fuse) for name, gateway in resources.gateways.items()
        },
        payout_providers={
            name: _numbered_provider(provider, fuse)
            for name, provider in resources.payout_providers.items()
        },
        post=NumberedPost(resources.post, fuse),
        terms_shelf=TermsShelf(),
    )
