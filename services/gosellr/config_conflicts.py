"""Settings that are right one by one and wrong together."""

import re

from gosellr.config_fields import PREFIX, Settings, example_of, variable_of

SECRET_KEY_LENGTH_MIN = 32
_GUESSABLE = re.compile(r"change.?me|your.?secret|example|placeholder|default", re.IGNORECASE)


def conflicts(settings: Settings) -> list[str]:
    """One sentence for each pair of settings that can't stand together, with an example."""
    problems = _main_system_conflicts(settings)
    if bool(settings.stripe_secret_key) != bool(settings.stripe_webhook_secrets):
        problems.append(
            "GOSELLR_STRIPE_SECRET_KEY and GOSELLR_STRIPE_WEBHOOK_SECRETS: set both or neither, "
            "because a payment whose report nobody may send is seen late. "
            f"Example: {example_of('stripe_webhook_secrets')}"
        )
    if settings.stripe_connect and not settings.stripe_secret_key:
        problems.append(
            "GOSELLR_STRIPE_CONNECT is on, and Stripe isn't set up: set "
            "GOSELLR_STRIPE_SECRET_KEY and GOSELLR_STRIPE_WEBHOOK_SECRETS. "
            f"Example: {example_of('stripe_secret_key')}"
        )
    problems += _paypal_conflicts(settings)
    paying = settings.bank_accounts.get("EUR")
    if settings.bank_payouts and (paying is None or not paying.bic):
        problems.append(
            "GOSELLR_BANK_PAYOUTS is on, and GOSELLR_BANK_ACCOUNTS has no account in EUR with its "
            f"bic, which a bank file names. Example: {example_of('bank_accounts')}"
        )
    if settings.smtp_url and settings.mail_from.rstrip(">").endswith("@localhost"):
        problems.append(
            "GOSELLR_SMTP_URL is set, and GOSELLR_MAIL_FROM names nobody who could send mail: set "
            f"an address that the mail server lets you use. Example: {example_of('mail_from')}"
        )
    if settings.migration_database_url and not settings.database_url:
        problems.append(
            "GOSELLR_MIGRATION_DATABASE_URL is set but GOSELLR_DATABASE_URL is empty: set both "
            f"for an external PostgreSQL. Example: {example_of('database_url')}"
        )
    return problems + (_production_conflicts(settings) if settings.is_production else [])


def _paypal_conflicts(settings: Settings) -> list[str]:
    problems: list[str] = []
    paypal = {
        variable_of(field): getattr(settings, field)
        for field in (
            "paypal_client_id", "paypal_client_secret", "paypal_merchant_id", "paypal_webhook_id",
        )
    }  # fmt: skip
    missing = [name for name, value in paypal.items() if not value]
    if missing and len(missing) < len(paypal):
        problems.append(
            f"{' and '.join(missing)}: set all of {PREFIX}PAYPAL_* or none, because without one of "
            "them payments can't be made, checked or reported. "
            f"Example: {example_of(missing[0].removeprefix(PREFIX).lower())}"
        )
    if settings.paypal_payouts and len(missing) == len(paypal):
        problems.append(
            "GOSELLR_PAYPAL_PAYOUTS is on, and PayPal isn't set up: "
            f"set {', '.join(missing)}. Example: {example_of('paypal_client_id')}"
        )
    return problems


def _main_system_conflicts(settings: Settings) -> list[str]:
    prefix = f"{PREFIX}MAIN_SYSTEM_"
    key_sources = [bool(settings.main_system_jwks_url), bool(settings.main_system_secret)]
    problems: list[str] = []
    if not settings.main_system_issuer:
        if any(key_sources) or settings.main_system_audience:
            problems.append(
                f"{prefix}ISSUER is empty while other {prefix}* settings are set: "
                f"name the issuer. Example: {example_of('main_system_issuer')}"
            )
        return problems
    if not settings.main_system_audience:
        problems.append(
            f"{prefix}AUDIENCE is empty: tokens meant for somebody else would be accepted. "
            f"Example: {example_of('main_system_audience')}"
        )
    if key_sources.count(True) != 1:
        problems.append(
            f"{prefix}JWKS_URL and {prefix}SECRET: set exactly one of them, because one issuer "
            f"signs with one family of keys. Example: {example_of('main_system_jwks_url')}"
        )
    if settings.main_system_secret and len(settings.main_system_secret) < SECRET_KEY_LENGTH_MIN:
        problems.append(
            f"{prefix}SECRET is too short: {SECRET_KEY_LENGTH_MIN} characters are the least."
            f" Example: {example_of('main_system_secret')}"
        )
    return problems


def _production_conflicts(settings: Settings) -> list[str]:
    problems = []
    weakness = _weakness(settings.secret_key)
    if weakness:
        problems.append(
            f"GOSELLR_SECRET_KEY {weakness}, and production needs one of its own. "
            f"Example: {example_of('secret_key')}"
        )
    if settings.demo and not settings.allow_demo_in_production:
        problems.append(
            "GOSELLR_DEMO is on, and production refuses demo data and logins. "
            "Example: GOSELLR_DEMO=0 (or allow it by name: GOSELLR_ALLOW_DEMO_IN_PRODUCTION=1)"
        )
    if "_test_" in settings.stripe_secret_key and not settings.allow_sandbox_in_production:
        problems.append(
            "GOSELLR_STRIPE_SECRET_KEY is a test key: in production orders would be paid with money"
            f" that doesn't exist. Example: {example_of('stripe_secret_key')}"
        )
    is_played = settings.paypal_client_id and settings.paypal_mode == "sandbox"
    if is_played and not settings.allow_sandbox_in_production:
        problems.append(
            "GOSELLR_PAYPAL_MODE is sandbox: in production orders would be paid with money that "
            f"doesn't exist. Example: {example_of('paypal_mode')}"
        )
    return problems


def _weakness(secret: str) -> str | None:
    if not secret:
        return "is empty"
    if len(secret) < SECRET_KEY_LENGTH_MIN:
        return f"is too short ({SECRET_KEY_LENGTH_MIN} characters are the least)"
    if len(set(secret)) < 10 or _GUESSABLE.search(secret):
        return "can be guessed"
    return None
