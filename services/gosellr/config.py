"""Settings: the environment and `.env` beside this file, read once, checked, then frozen.

Every variable begins with `GOSELLR_`; `.env.example` lists them all with defaults and reasons.
The environment wins over `.env`; an empty value means the default.
"""

import difflib
import json
import os
import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

PREFIX = "GOSELLR_"
ENV_FILE = Path(__file__).with_name(".env")
SECRET_KEY_LENGTH_MIN = 32

_LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}
_GUESSABLE = re.compile(r"change.?me|your.?secret|example|placeholder|default", re.IGNORECASE)
_SECRET_FIELDS = {
    "secret_key", "main_system_secret", "database_url", "migration_database_url",
    "stripe_secret_key", "stripe_webhook_secrets", "paypal_client_secret",
}  # fmt: skip
_PAYPAL_PAGES = {"live": "https://www.paypal.com", "sandbox": "https://www.sandbox.paypal.com"}
_STRIPE_PAGES = ("https://checkout.stripe.com", "https://hooks.stripe.com")


class SettingsError(Exception):
    """One or more settings are wrong; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def default_home() -> Path:
    """Where data lives unless `GOSELLR_HOME` says otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/gosellr")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "gosellr"


def default_workers() -> int:
    """Web processes that leave room for the database and the job worker on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min((cores or 1) // 2, 8))


def _split_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _read_json(value: object) -> object:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("it isn't JSON") from None
    return value


def _check_postgres_url(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"it begins with {parts.scheme or 'nothing'}://, not postgresql://")
    if not parts.path.strip("/"):
        raise ValueError("it names no database after the host")
    return value


def _check_web_url(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no http(s) address")
    return value.rstrip("/")


def _check_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value == "*":
            raise ValueError("a star would let every site call with the visitor's session")
        parts = urlsplit(_check_web_url(value))
        if parts.path or parts.query:
            raise ValueError(f"{value} has a path; an origin ends after the host or port")
    return values


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Home = Annotated[Path, AfterValidator(_absolute)]
PostgresUrl = Annotated[str, AfterValidator(_check_postgres_url)]
WebUrl = Annotated[str, AfterValidator(_check_web_url)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
Days = Annotated[tuple[date, ...], NoDecode, BeforeValidator(_split_commas)]
Origins = Annotated[Names, AfterValidator(_check_origins)]
Role = Literal["buyer", "seller", "support", "operator"]
RoleMap = Annotated[dict[str, Role], NoDecode, BeforeValidator(_read_json)]
_Code = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Minor = Annotated[int, Field(strict=True, ge=0)]
AmountMap = Annotated[dict[_Code, _Minor], NoDecode, BeforeValidator(_read_json)]


def _setting(default: Any, example: str, **bounds: Any) -> Any:
    return Field(default, examples=[example], **bounds)


class Settings(BaseSettings):
    """What an operator may decide. One instance per process, see `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True
    )

    env: Literal["development", "production"] = _setting("development", "production")
    host: str = _setting("127.0.0.1", "0.0.0.0", pattern=r"^[A-Za-z0-9.:_-]+$")  # noqa: S104
    port: int = _setting(4004, "4004", ge=1, le=65535)
    home: Home = Field(default_factory=default_home, examples=["/var/lib/gosellr"])
    workers: int = Field(default_factory=default_workers, examples=["2"], ge=1, le=64)
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "info")

    database_url: PostgresUrl = Field(
        "", repr=False, examples=["postgresql://gosellr_app:password@db:5432/gosellr"]
    )
    migration_database_url: PostgresUrl = Field(
        "", repr=False, examples=["postgresql://gosellr_owner:password@db:5432/gosellr"]
    )
    statement_cache: bool = _setting(default=True, example="off")
    cache_mb: int = _setting(64, "64", ge=0, le=65_536)

    secret_key: str = Field("", repr=False, examples=["(output of: openssl rand -base64 48)"])
    public_url: WebUrl = _setting("", "https://shop.example.com")
    allowed_hosts: Names = _setting((), "shop.example.com,www.example.com")
    cors_origins: Origins = _setting((), "https://app.example.com")
    rate_limits: bool = _setting(default=True, example="on")

    main_system_issuer: str = _setting("", "https://id.example.com")
    main_system_audience: str = _setting("", "gosellr")
    main_system_jwks_url: WebUrl = _setting("", "https://id.example.com/.well-known/jwks.json")
    main_system_secret: str = Field("", repr=False, examples=["(the secret both systems share)"])
    main_system_role_claim: str = _setting("roles", "roles")
    main_system_role_map: RoleMap = _setting({}, '{"admin": "operator", "user": "buyer"}')

    stripe_secret_key: str = Field("", repr=False, pattern=r"^((sk|rk)_(test|live)_\w+)?$",
                                   examples=["sk_live_..."])  # fmt: skip
    stripe_webhook_secrets: Names = Field((), repr=False, examples=["whsec_..."])
    stripe_payment_methods: Names = _setting(("card",), "card,paypal")
    stripe_pages: Origins = _setting(_STRIPE_PAGES, ",".join(_STRIPE_PAGES))

    paypal_client_id: str = _setting("", "AeA1...", pattern=r"^[A-Za-z0-9_-]*$")
    paypal_client_secret: str = Field("", repr=False, examples=["EL1t..."])
    paypal_merchant_id: str = _setting("", "WYJC6E5SUNQB2", pattern=r"^([2-9A-HJ-NP-Z]{13})?$")
    paypal_webhook_id: str = _setting("", "5GP028458E2496506", pattern=r"^[A-Za-z0-9]*$")
    paypal_mode: Literal["live", "sandbox"] = _setting("live", "live")
    paypal_payouts: bool = _setting(default=False, example="1")

    demo: bool | None = _setting(None, "0")
    allow_demo_in_production: bool = _setting(default=False, example="1")
    allow_sandbox_in_production: bool = _setting(default=False, example="1")
    sandbox_repeats: int = _setting(1, "1", ge=0, le=9)

    legal_name: str = _setting("GoSellr", "Market Halls Ltd", min_length=1, max_length=200)
    legal_address: str = _setting("", "1 Market Street|1010 Vienna|Austria", max_length=500)
    legal_tax_id: str = _setting("", "ATU12345678", max_length=40)

    default_currency: str = _setting("EUR", "EUR", pattern=r"^[A-Z]{3}$")
    tax_included: bool = _setting(default=True, example="1")
    hold_minutes: int = _setting(15, "15", ge=1, le=1440)
    release_days: int = _setting(7, "7", ge=0, le=180)
    payout_approval_over: AmountMap = _setting({}, '{"EUR": 1000000, "JPY": 1500000}')
    reconciliation_tolerance: AmountMap = _setting({}, '{"EUR": 10000, "JPY": 15000}')
    dispute_window_days: int = _setting(30, "30", ge=1, le=365)
    dispute_answer_days: int = _setting(3, "3", ge=1, le=30)
    holidays: Days = _setting((), "2026-12-25,2026-12-28")
    chargeback_fee_borne_by: Literal["marketplace", "seller"] = _setting(
        "marketplace", "marketplace"
    )
    product_review: Literal["off", "all"] = _setting("off", "all")
    seller_approval: Literal["manual", "auto"] = _setting("manual", "auto")
    media_max_bytes: int = _setting(10_485_760, "10485760", ge=1024, le=104_857_600)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def demo_enabled(self) -> bool:
        """Unset means yes while developing and no in production."""
        return not self.is_production if self.demo is None else self.demo

    @property
    def sandbox_enabled(self) -> bool:
        """Whether the gateway that moves no real money may be offered."""
        return not self.is_production or self.allow_sandbox_in_production

    @property
    def payment_pages(self) -> tuple[str, ...]:
        """Where a form of ours may lead besides this market, so that its buyer can pay."""
        stripe = self.stripe_pages if self.stripe_secret_key else ()
        paypal = (_PAYPAL_PAGES[self.paypal_mode],) if self.paypal_client_id else ()
        return (*stripe, *paypal)

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach the market."""
        return self.host in _LOOPBACK_HOSTS

    @property
    def base_url(self) -> str:
        """The address in links and mails; never taken from a request."""
        if self.public_url:
            return self.public_url
        host = "localhost" if self.is_loopback or self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def read_settings(*, env_file: Path | None = ENV_FILE) -> Settings:
    """Read and check the environment now.

    Raises SettingsError naming every wrong variable, what is wrong with it and an example.
    """
    problems = _unknown_names(env_file) if env_file is not None else []
    try:
        settings = Settings(_env_file=env_file)  # type: ignore[call-arg]
    except ValidationError as error:
        problems += [_sentence(detail) for detail in error.errors()]
        raise SettingsError(problems) from None
    problems += _conflicts(settings)
    if problems:
        raise SettingsError(problems)
    return settings


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read at the first call."""
    return read_settings()


def variable_of(field: str) -> str:
    """The environment variable behind a field of Settings."""
    return PREFIX + field.upper()


def _unknown_names(env_file: Path) -> list[str]:
    """A misspelt name in our own file would otherwise be ignored in silence."""
    known = [variable_of(field) for field in Settings.model_fields]
    written = DotEnvSettingsSource(Settings, env_file=env_file).env_vars
    problems = []
    for name in sorted(name.upper() for name in written):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "All names are in .env.example."
            problems.append(f"{name} in {env_file} is no setting. {hint}")
    return problems


def _sentence(detail: ErrorDetails) -> str:
    field = str(detail["loc"][0])
    bounds = detail.get("ctx", {})
    wanted = {
        "int_parsing": "a whole number is wanted",
        "bool_parsing": "on or off (1 or 0) is wanted",
        "greater_than_equal": f"the least is {bounds.get('ge')}",
        "less_than_equal": f"the most is {bounds.get('le')}",
        "literal_error": f"it can be {bounds.get('expected')}",
        "string_pattern_mismatch": "it has the wrong form",
        "dict_type": "it isn't a JSON object",
    }.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    value = "" if field in _SECRET_FIELDS else f' "{detail["input"]}"'
    return f"{variable_of(field)}{value} is wrong: {wanted}. Example: {_example(field)}"


def _example(field: str) -> str:
    examples = Settings.model_fields[field].examples or [""]
    return f"{variable_of(field)}={examples[0]}"


def _conflicts(settings: Settings) -> list[str]:
    problems = _main_system_conflicts(settings)
    if bool(settings.stripe_secret_key) != bool(settings.stripe_webhook_secrets):
        problems.append(
            "GOSELLR_STRIPE_SECRET_KEY and GOSELLR_STRIPE_WEBHOOK_SECRETS: set both or neither, "
            "because a payment whose report nobody may send is seen late. "
            f"Example: {_example('stripe_webhook_secrets')}"
        )
    problems += _paypal_conflicts(settings)
    if settings.migration_database_url and not settings.database_url:
        problems.append(
            "GOSELLR_MIGRATION_DATABASE_URL is set but GOSELLR_DATABASE_URL is empty: set both "
            f"for an external PostgreSQL. Example: {_example('database_url')}"
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
            f"Example: {_example(missing[0].removeprefix(PREFIX).lower())}"
        )
    if settings.paypal_payouts and len(missing) == len(paypal):
        problems.append(
            "GOSELLR_PAYPAL_PAYOUTS is on, and PayPal isn't set up: "
            f"set {', '.join(missing)}. Example: {_example('paypal_client_id')}"
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
                f"name the issuer. Example: {_example('main_system_issuer')}"
            )
        return problems
    if not settings.main_system_audience:
        problems.append(
            f"{prefix}AUDIENCE is empty: tokens meant for somebody else would be accepted. "
            f"Example: {_example('main_system_audience')}"
        )
    if key_sources.count(True) != 1:
        problems.append(
            f"{prefix}JWKS_URL and {prefix}SECRET: set exactly one of them, because one issuer "
            f"signs with one family of keys. Example: {_example('main_system_jwks_url')}"
        )
    if settings.main_system_secret and len(settings.main_system_secret) < SECRET_KEY_LENGTH_MIN:
        problems.append(
            f"{prefix}SECRET is too short: {SECRET_KEY_LENGTH_MIN} characters are the least."
            f" Example: {_example('main_system_secret')}"
        )
    return problems


def _production_conflicts(settings: Settings) -> list[str]:
    problems = []
    weakness = _weakness(settings.secret_key)
    if weakness:
        problems.append(
            f"GOSELLR_SECRET_KEY {weakness}, and production needs one of its own. "
            f"Example: {_example('secret_key')}"
        )
    if settings.demo and not settings.allow_demo_in_production:
        problems.append(
            "GOSELLR_DEMO is on, and production refuses demo data and logins. "
            "Example: GOSELLR_DEMO=0 (or allow it by name: GOSELLR_ALLOW_DEMO_IN_PRODUCTION=1)"
        )
    if "_test_" in settings.stripe_secret_key and not settings.allow_sandbox_in_production:
        problems.append(
            "GOSELLR_STRIPE_SECRET_KEY is a test key: in production orders would be paid with money"
            f" that doesn't exist. Example: {_example('stripe_secret_key')}"
        )
    is_played = settings.paypal_client_id and settings.paypal_mode == "sandbox"
    if is_played and not settings.allow_sandbox_in_production:
        problems.append(
            "GOSELLR_PAYPAL_MODE is sandbox: in production orders would be paid with money that "
            f"doesn't exist. Example: {_example('paypal_mode')}"
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
