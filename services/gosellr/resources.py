"""What one process holds: database, gateways, clock and keys, put together once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from gosellr.config import Settings, load_settings
from gosellr.core.byte_cache import ByteCache
from gosellr.core.clock import Clock, SystemClock
from gosellr.core.db import KEPT_AHEAD, Database
from gosellr.core.encryption import Vault
from gosellr.core.generations import Generations
from gosellr.core.passwords import PasswordCosts, Passwords
from gosellr.core.private_files import ensure_secret
from gosellr.core.tokens import ACCESS_TOKEN_TYPE, ALGORITHM, TrustedIssuer, one_family
from gosellr.flows.authenticate import Claims, Gate, find_viewer, find_viewer_of_cookie
from gosellr.flows.bank_transfers import TransferPowers
from gosellr.flows.captures import CapturePowers
from gosellr.flows.carts import CartPowers
from gosellr.flows.checkout import CheckoutPowers
from gosellr.flows.disputes import DisputePowers
from gosellr.flows.documents import DocumentPowers
from gosellr.flows.hot_stock import HotStock
from gosellr.flows.imports import ImportPowers
from gosellr.flows.key_ring import KeyRing
from gosellr.flows.labels import LabelPowers
from gosellr.flows.letters import MailPowers
from gosellr.flows.payouts import PayoutPowers
from gosellr.flows.refunds import RefundPowers
from gosellr.flows.sign_in import SignIn
from gosellr.flows.stored_value import StoredValuePowers
from gosellr.flows.watch import watch_catalogue
from gosellr.integrations.documents.port import DocumentRenderer
from gosellr.integrations.documents.renderer import ProcessRenderer
from gosellr.integrations.files.local import LocalFileStore
from gosellr.integrations.files.port import FileStore
from gosellr.integrations.main_system.keys import (
    PUBLIC_ALGORITHMS,
    SECRET_ALGORITHMS,
    PublishedKeys,
    SharedSecret,
)
from gosellr.integrations.main_system.port import RoleMapping
from gosellr.integrations.media.local import LocalMediaStore
from gosellr.integrations.media.port import MediaStore
from gosellr.integrations.media.processor import ImageProcessor
from gosellr.integrations.messages.port import EmailSender
from gosellr.integrations.payments.port import PaymentGateway
from gosellr.integrations.payouts.port import PayoutProvider
from gosellr.integrations.shipping.port import ShippingProvider
from gosellr.migrations.revisions import current_revision, head_revision
from gosellr.providers import (
    ForeignKeys,
    build_carriers,
    build_debtor,
    build_foreign_keys,
    build_gateways,
    build_payout_providers,
    build_post,
)
from gosellr.services import event_service
from gosellr.services.market_size import MarketSize
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.captures import CaptureMoment
from gosellr.utils.disputes import DisputeTerms, FeeBearer
from gosellr.utils.documents import MarketIdentity
from gosellr.utils.inventory import HoldSettings
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.refunds import CommissionReversal
from gosellr.utils.viewer import Viewer

LOCAL_AUDIENCE = "gosellr"


@dataclass(frozen=True)
class Resources:
    """The powers of a process, which never change. Doors reach for them; services never do."""

    settings: Settings
    db: Database
    clock: Clock
    gateways: Mapping[str, PaymentGateway]
    carriers: Mapping[str, ShippingProvider]
    payout_providers: Mapping[str, PayoutProvider]
    media: MediaStore
    images: ImageProcessor
    files: FileStore
    renderer: DocumentRenderer
    post: EmailSender
    secret_key: str
    vault: Vault
    passwords: Passwords
    ring: KeyRing
    tokens: Gate
    hot_stock: HotStock
    terms_shelf: TermsShelf
    market_size: MarketSize
    kept: ByteCache

    @cached_property
    def policy(self) -> MarketPolicy:
        """The operator's choices that the business decides by."""
        settings = self.settings
        return MarketPolicy(
            default_currency=settings.default_currency,
            tax_included=settings.tax_included,
            holds=HoldSettings(
                online=timedelta(minutes=settings.hold_minutes),
                bank_transfer=timedelta(days=settings.hold_days_bank_transfer),
            ),
            release_after=timedelta(days=settings.release_days),
            capture=CaptureMoment(settings.capture),
            commission_reversal=CommissionReversal(settings.commission_on_refunds),
            refund_fee_borne_by=FeeBearer(settings.refund_fee_borne_by),
            commission_approval=settings.commission_approval,
            payout_approval_over=settings.payout_approval_over,
            payout_steps={name: one.steps_minor for name, one in self.payout_providers.items()},
            transfer_approval_over=settings.transfer_approval_over,
            refund_approval_over=settings.refund_approval_over,
            gift_approval_over=settings.gift_approval_over,
            reconciliation_tolerance=settings.reconciliation_tolerance,
            cash_on_delivery_limit=settings.cash_on_delivery_limit,
            disputes=DisputeTerms(
                window=timedelta(days=settings.dispute_window_days),
                seller_days=settings.dispute_answer_days,
                buyer_days=settings.dispute_answer_days,
                appeal_days=settings.dispute_answer_days,
                holidays=frozenset(settings.holidays),
                fee_borne_by=FeeBearer(settings.chargeback_fee_borne_by),
            ),
        )

    @cached_property
    def sign_in(self) -> SignIn:
        """The stories of signing in."""
        return SignIn(
            db=self.db,
            passwords=self.passwords,
            vault=self.vault,
            ring=self.ring,
            issuer=self.settings.base_url,
            audience=LOCAL_AUDIENCE,
        )

    @cached_property
    def carts(self) -> CartPowers:
        """What filling a bag needs."""
        return CartPowers(
            db=self.db, carriers=self.carriers, clock=self.clock, policy=self.policy,
            terms_shelf=self.terms_shelf,
        )  # fmt: skip

    @cached_property
    def checkout(self) -> CheckoutPowers:
        """What buying needs."""
        return CheckoutPowers(
            db=self.db,
            gateways=self.gateways,
            carriers=self.carriers,
            clock=self.clock,
            policy=self.policy,
            secret_key=self.secret_key,
            hot_stock=self.hot_stock,
            terms_shelf=self.terms_shelf,
            rate_limits=self.settings.rate_limits,
        )

    @cached_property
    def refunds(self) -> RefundPowers:
        """What sending money back needs."""
        return RefundPowers(
            db=self.db, gateways=self.gateways, clock=self.clock, policy=self.policy
        )

    @cached_property
    def captures(self) -> CapturePowers:
        """What taking money as goods leave needs."""
        return CapturePowers(
            db=self.db, gateways=self.gateways, clock=self.clock, policy=self.policy
        )

    @cached_property
    def transfers(self) -> TransferPowers:
        """What bank transfers need."""
        return TransferPowers(
            db=self.db, gateways=self.gateways, clock=self.clock, policy=self.policy,
            vault=self.vault,
        )  # fmt: skip

    @cached_property
    def stored_value(self) -> StoredValuePowers:
        """What gift cards need."""
        return StoredValuePowers(
            db=self.db, clock=self.clock, policy=self.policy, secret_key=self.secret_key,
            rate_limits=self.settings.rate_limits,
        )  # fmt: skip

    @cached_property
    def disputes(self) -> DisputePowers:
        """What cases between buyers and sellers need."""
        return DisputePowers(refunds=self.refunds, files=self.files)

    @cached_property
    def payouts(self) -> PayoutPowers:
        """What paying sellers needs."""
        return PayoutPowers(
            db=self.db,
            providers=self.payout_providers,
            clock=self.clock,
            policy=self.policy,
            vault=self.vault,
            debtor=build_debtor(self.settings),
        )

    @cached_property
    def documents(self) -> DocumentPowers:
        """What papers need."""
        settings = self.settings
        return DocumentPowers(
            db=self.db,
            clock=self.clock,
            policy=self.policy,
            renderer=self.renderer,
            identity=MarketIdentity(
                name=settings.legal_name,
                address_lines=tuple(filter(None, settings.legal_address.split("|"))),
                tax_id=settings.legal_tax_id,
            ),
            vault=self.vault,
        )

    @cached_property
    def mail(self) -> MailPowers:
        """What letters need."""
        return MailPowers(
            db=self.db,
            clock=self.clock,
            post=self.post,
            market_name=self.settings.legal_name,
            secret_key=self.secret_key,
            base_url=self.settings.base_url,
            per_second=self.settings.mail_per_second,
        )

    @cached_property
    def imports(self) -> ImportPowers:
        """What importing a catalogue needs."""
        return ImportPowers(
            db=self.db, files=self.files, clock=self.clock, review=self.settings.product_review,
            keys_kept_for=self.policy.idempotency_kept_for,
        )  # fmt: skip

    @cached_property
    def labels(self) -> LabelPowers:
        """What buying a carrier's labels needs."""
        return LabelPowers(db=self.db, carriers=self.carriers, clock=self.clock, policy=self.policy)

    async def viewer_of(self, claims: Claims, *, now: datetime, **guest: Any) -> Viewer:
        """The owner of a verified token, as they are now."""
        return await find_viewer(self.db, claims, now=now, guest=guest)

    async def viewer_of_cookie(self, token: str, *, now: datetime, **guest: Any) -> Viewer | None:
        """The owner of a browser's session; None when it has ended."""
        return await find_viewer_of_cookie(self.db, token, now=now, guest=guest)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep public answers for as long as the block lasts, and hear what changes them.

        Outside of it nothing is kept: only processes that answer the public have to watch.
        """
        if not self.kept.is_wanted:
            yield
            return
        watch = asyncio.create_task(watch_catalogue(self.kept, connect=self._connect_watch))
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _connect_watch(self) -> Database:
        settings = self.settings
        return await Database.connect(
            settings.database_url, max_size=1, statement_cache=settings.statement_cache
        )

    async def readiness(self) -> dict[str, str]:
        """What must work before traffic may come: each check says "ok" or what is wrong."""
        async with self.db.connection() as connection:
            revision = await current_revision(connection)
            behind = await event_service.falls_behind(connection, now=self.clock.now())
        return {
            "database": "ok",
            "migrations": "ok" if revision == head_revision() else f"at {revision}",
            "queue": "nobody works it off" if behind else "ok",
        }


def build_gate(settings: Settings, ring: KeyRing, foreign: ForeignKeys | None) -> Gate:
    """Whose tokens are believed: our own, and the main system's where there is one."""
    local = TrustedIssuer(
        name=settings.base_url,
        audience=LOCAL_AUDIENCE,
        keys=ring,
        algorithms=one_family([ALGORITHM]),
        types=frozenset({ACCESS_TOKEN_TYPE}),
        skew_seconds=5,
    )
    if foreign is None:
        return Gate(local=local)
    is_secret = isinstance(foreign, SharedSecret)
    main_system = TrustedIssuer(
        name=settings.main_system_issuer,
        audience=settings.main_system_audience,
        keys=foreign,
        algorithms=one_family(SECRET_ALGORITHMS if is_secret else PUBLIC_ALGORITHMS),
        types=frozenset({ACCESS_TOKEN_TYPE, "jwt", None}),
        skew_seconds=60,
    )
    mapping = RoleMapping(settings.main_system_role_claim, settings.main_system_role_map)
    return Gate(local=local, main_system=main_system, role_mapping=mapping)


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    password_costs: PasswordCosts | None = None,
    clock: Clock | None = None,
    db: Database | None = None,
) -> AsyncIterator[Resources]:
    """Open everything a process needs, and close it again; a `db` that is open already is closed by
    whoever opened it."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        generations = Generations.shared(settings.home / "generations.bin")
        stack.callback(generations.close)
        if db is None:
            db = await Database.connect(
                settings.database_url,
                kept_ahead=KEPT_AHEAD,
                statement_cache=settings.statement_cache,
                generations=generations,
            )
            stack.push_async_callback(db.close)
        hot_stock = HotStock()
        stack.push_async_callback(hot_stock.settle)
        vault = open_vault(settings)
        ring = KeyRing(db, vault)
        foreign = build_foreign_keys(settings)
        if isinstance(foreign, PublishedKeys):
            stack.push_async_callback(foreign.close)
        gateways = build_gateways(settings, clock)
        payout_providers = build_payout_providers(settings, clock)
        post = build_post(settings, clock)
        for power in list[Any]([*gateways.values(), *payout_providers.values(), post]):
            stack.push_async_callback(power.aclose)
        yield Resources(
            settings=settings,
            db=db,
            clock=clock,
            gateways=gateways,
            carriers=build_carriers(settings),
            payout_providers=payout_providers,
            media=LocalMediaStore(settings.home / "media"),
            images=ImageProcessor(max_bytes=settings.media_max_bytes),
            files=LocalFileStore(settings.home / "imports"),
            renderer=ProcessRenderer(fonts=settings.document_fonts),
            post=post,
            secret_key=secret_of(settings),
            vault=vault,
            passwords=stack.enter_context(Passwords(password_costs)),
            ring=ring,
            tokens=build_gate(settings, ring, foreign),
            hot_stock=hot_stock,
            terms_shelf=TermsShelf(),
            market_size=MarketSize(),
            kept=ByteCache(generations, bytes_max=settings.cache_mb * 1024 * 1024),
        )


def open_vault(settings: Settings) -> Vault:
    """What encrypts and signs here."""
    return Vault([secret_of(settings)])


def secret_of(settings: Settings) -> str:
    """The market's secret; while developing, it is made at the first start."""
    return settings.secret_key or ensure_secret(settings.home / "secret.key")


def open_market() -> AbstractAsyncContextManager[Resources]:
    """Open what this process's own settings say: for programs that have no front door."""
    return open_resources(load_settings())
