"""The outside powers that this configuration asks for: gateways, carriers, who pays sellers, and
whose tokens are believed."""

from gosellr.config import Settings
from gosellr.core.clock import Clock
from gosellr.core.startup_error import StartupError
from gosellr.integrations.main_system.keys import PublishedKeys, SharedSecret
from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.integrations.messages.port import EmailSender
from gosellr.integrations.payments.by_hand import BankAccount, BankTransfer, CashOnDelivery
from gosellr.integrations.payments.paypal_api import LIVE, SANDBOX, PayPalApi
from gosellr.integrations.payments.port import PaymentGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.integrations.payouts.bank_file import BankFilePayouts
from gosellr.integrations.payouts.paypal import PayPalPayouts
from gosellr.integrations.payouts.port import PayoutProvider
from gosellr.integrations.payouts.sandbox import SandboxPayouts
from gosellr.integrations.shipping.port import ShippingProvider
from gosellr.integrations.shipping.sandbox import SandboxCarrier
from gosellr.utils.sepa import Debtor, NotSepa

ForeignKeys = SharedSecret | PublishedKeys


def build_gateways(settings: Settings, clock: Clock) -> dict[str, PaymentGateway]:
    """The payment gateways that this configuration offers, by name."""
    gateways: dict[str, PaymentGateway] = {}
    if settings.sandbox_enabled:
        gateways["sandbox"] = SandboxGateway(
            settings.home,
            production=settings.is_production,
            allowed_in_production=settings.allow_sandbox_in_production,
            script=SandboxScript(
                extra_copies=settings.sandbox_repeats,
                delay_seconds=settings.sandbox_delay_seconds,
                drop_one_in=settings.sandbox_drop_one_in,
                reorder=settings.sandbox_reorder,
            ),
            fee_bps=settings.sandbox_fee_bps,
            fee_fixed_minor=settings.sandbox_fee_fixed,
            transfers=SandboxPayouts(settings.home, clock=clock),
            clock=clock,
        )
    if settings.stripe_secret_key:
        # Its library is large: only who offers Stripe pays for it.
        from gosellr.integrations.payments.stripe_gateway import StripeGateway  # noqa: PLC0415

        chosen = settings.stripe_payment_methods
        gateways["stripe"] = StripeGateway(
            settings.stripe_secret_key,
            webhook_secrets=settings.stripe_webhook_secrets,
            return_url=f"{settings.base_url}/payments/return/",
            payment_methods=() if chosen == ("automatic",) else chosen,
            clock=clock,
        )
    if settings.paypal_client_id:
        from gosellr.integrations.payments.paypal_gateway import PayPalGateway  # noqa: PLC0415

        gateways["paypal"] = PayPalGateway(
            build_paypal_api(settings, clock),
            merchant_id=settings.paypal_merchant_id,
            webhook_id=settings.paypal_webhook_id,
            return_url=f"{settings.base_url}/payments/return/",
            clock=clock,
        )
    if settings.bank_accounts:
        gateways[BankTransfer.name] = BankTransfer(
            {
                currency: BankAccount(iban=one.iban, bic=one.bic, holder=one.holder)
                for currency, one in settings.bank_accounts.items()
            }
        )
    if settings.cash_on_delivery_limit:
        gateways[CashOnDelivery.name] = CashOnDelivery()
    return gateways


def build_paypal_api(settings: Settings, clock: Clock) -> PayPalApi:
    """The way to this market's account at PayPal."""
    return PayPalApi(
        settings.paypal_client_id,
        settings.paypal_client_secret,
        base_url=LIVE if settings.paypal_mode == "live" else SANDBOX,
        clock=clock,
    )


def build_post(settings: Settings, clock: Clock) -> EmailSender:
    """Who takes this market's letters: a mail server, or a folder of this installation."""
    if not settings.smtp_url:
        return ConsoleMessages(settings.home, sender=settings.mail_from, clock=clock)
    # Its library is loaded only by who sends mail.
    from gosellr.integrations.messages.smtp import SmtpPost, SmtpServer  # noqa: PLC0415

    return SmtpPost(SmtpServer.parse(settings.smtp_url), sender=settings.mail_from, clock=clock)


def build_carriers(settings: Settings) -> dict[str, ShippingProvider]:
    """The carriers that this configuration asks for prices and labels, by name."""
    carriers: dict[str, ShippingProvider] = {}
    if settings.sandbox_enabled:
        carriers["sandbox"] = SandboxCarrier(settings.home)
    return carriers


def build_debtor(settings: Settings) -> Debtor | None:
    """The market's own bank account, where sellers are paid out of it.

    Raises:
        StartupError: no bank file could name it.
    """
    account = settings.bank_accounts.get("EUR")
    if not settings.bank_payouts or account is None:
        return None
    try:
        return Debtor(name=account.holder, iban=account.iban, bic=account.bic)
    except NotSepa as error:
        raise StartupError(
            f"The market's bank account can't be named in a bank file: {error}.",
            remedy="Check the account in EUR of GOSELLR_BANK_ACCOUNTS.",
        ) from None


def build_payout_providers(settings: Settings, clock: Clock) -> dict[str, PayoutProvider]:
    """Who sends money to sellers in this configuration, by name."""
    providers: dict[str, PayoutProvider] = {}
    if settings.sandbox_enabled:
        providers["sandbox"] = SandboxPayouts(settings.home, clock=clock)
    if build_debtor(settings) is not None:
        providers["bank"] = BankFilePayouts()
    if settings.paypal_payouts:
        providers["paypal"] = PayPalPayouts(build_paypal_api(settings, clock), clock=clock)
    if settings.stripe_connect:
        # Its library is large: only who offers Stripe pays for it.
        from gosellr.integrations.payouts.stripe import StripePayouts  # noqa: PLC0415

        providers["stripe"] = StripePayouts(settings.stripe_secret_key, clock=clock)
    return providers


def build_foreign_keys(settings: Settings) -> ForeignKeys | None:
    """Where the main system's keys come from; None where there is no main system."""
    if not settings.main_system_issuer:
        return None
    if settings.main_system_secret:
        return SharedSecret(settings.main_system_secret)
    return PublishedKeys(settings.main_system_jwks_url)
