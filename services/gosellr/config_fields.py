"""What an operator may decide: each setting with its form, its bounds and an example."""

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "GOSELLR_"

_LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}
_PAYPAL_PAGES = {"live": "https://www.paypal.com", "sandbox": "https://www.sandbox.paypal.com"}
_STRIPE_PAGES = ("https://checkout.stripe.com", "https://hooks.stripe.com")
_ADDRESS = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}"
_SENDER = re.compile(rf"{_ADDRESS}|[^<>\"@,;\\]{{1,70}} <{_ADDRESS}>")
_BIC = r"^([A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?)?$"


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


def _check_iban(value: str) -> str:
    plain = value.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", plain):
        raise ValueError("it has not the form of an IBAN")
    if int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 != 1:
        raise ValueError("its check digits don't fit")
    return plain


class BankAccount(BaseModel):
    """The market's account for one currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iban: Annotated[str, AfterValidator(_check_iban)]
    bic: Annotated[str, Field(pattern=_BIC)] = ""
    holder: Annotated[str, Field(min_length=1, max_length=70)]


def _check_smtp_url(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("it is no smtp:// or smtps:// address")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("its port is no port") from None
    if bool(parts.username) != bool(parts.password):
        raise ValueError("a user comes with a password, and a password with a user")
    if parts.path.strip("/") or parts.fragment or parts.query not in {"", "tls=off"}:
        raise ValueError("after the host and port comes nothing but ?tls=off")
    if parts.query and (parts.scheme == "smtps" or parts.hostname not in _LOOPBACK_HOSTS):
        raise ValueError("?tls=off is for smtp:// to this computer alone")
    return value


def _check_sender(value: str) -> str:
    if not value.isprintable() or not _SENDER.fullmatch(value):
        raise ValueError("it is no address, with or without a name before it")
    return value


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _check_folder(path: Path | None) -> Path | None:
    if path is None:
        return None
    if not path.is_absolute() or not path.is_dir():
        raise ValueError("it is no folder, named from the root on")
    return path


Home = Annotated[Path, AfterValidator(_absolute)]
Folder = Annotated[Path | None, AfterValidator(_check_folder)]
PostgresUrl = Annotated[str, AfterValidator(_check_postgres_url)]
WebUrl = Annotated[str, AfterValidator(_check_web_url)]
SmtpUrl = Annotated[str, AfterValidator(_check_smtp_url)]
Sender = Annotated[str, AfterValidator(_check_sender)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
Days = Annotated[tuple[date, ...], NoDecode, BeforeValidator(_split_commas)]
Origins = Annotated[Names, AfterValidator(_check_origins)]
Role = Literal["buyer", "seller", "support", "operator"]
RoleMap = Annotated[dict[str, Role], NoDecode, BeforeValidator(_read_json)]
_Code = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Minor = Annotated[int, Field(strict=True, ge=0)]
AmountMap = Annotated[dict[_Code, _Minor], NoDecode, BeforeValidator(_read_json)]
AccountMap = Annotated[dict[_Code, BankAccount], NoDecode, BeforeValidator(_read_json)]


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
    stripe_connect: bool = _setting(default=False, example="1")
    stripe_pages: Origins = _setting(_STRIPE_PAGES, ",".join(_STRIPE_PAGES))

    paypal_client_id: str = _setting("", "AeA1...", pattern=r"^[A-Za-z0-9_-]*$")
    paypal_client_secret: str = Field("", repr=False, examples=["EL1t..."])
    paypal_merchant_id: str = _setting("", "WYJC6E5SUNQB2", pattern=r"^([2-9A-HJ-NP-Z]{13})?$")
    paypal_webhook_id: str = _setting("", "5GP028458E2496506", pattern=r"^[A-Za-z0-9]*$")
    paypal_mode: Literal["live", "sandbox"] = _setting("live", "live")
    paypal_payouts: bool = _setting(default=False, example="1")

    smtp_url: SmtpUrl = Field("", repr=False, examples=["smtp://user:password@mail:587"])
    mail_from: Sender = _setting("GoSellr <no-reply@localhost>", "Market <no-reply@example.com>")
    mail_per_second: int = _setting(10, "10", ge=1, le=1000)

    demo: bool | None = _setting(None, "0")
    allow_demo_in_production: bool = _setting(default=False, example="1")
    allow_sandbox_in_production: bool = _setting(default=False, example="1")
    sandbox_repeats: int = _setting(1, "1", ge=0, le=9)
    sandbox_delay_seconds: int = _setting(0, "30", ge=0, le=86_400)
    sandbox_drop_one_in: int = _setting(0, "5", ge=0, le=1000)
    sandbox_reorder: bool = _setting(default=False, example="1")
    sandbox_fee_bps: int = _setting(0, "140", ge=0, le=10_000)
    sandbox_fee_fixed: int = _setting(0, "25", ge=0, le=100_000)

    bank_accounts: AccountMap = Field(
        {},
        repr=False,
        examples=[
            '{"EUR": {"iban": "DE89370400440532013000", "bic": "COBADEFF", "holder": "Market Ltd"}}'
        ],
    )
    bank_payouts: bool = _setting(default=False, example="1")
    hold_days_bank_transfer: int = _setting(5, "5", ge=1, le=30)
    cash_on_delivery_limit: AmountMap = _setting({}, '{"EUR": 30000}')

    legal_name: str = _setting("GoSellr", "Market Halls Ltd", min_length=1, max_length=200)
    legal_address: str = _setting("", "1 Market Street|1010 Vienna|Austria", max_length=500)
    legal_tax_id: str = _setting("", "ATU12345678", max_length=40)
    document_fonts: Folder = _setting(None, "/usr/share/fonts/opentype/noto")

    default_currency: str = _setting("EUR", "EUR", pattern=r"^[A-Z]{3}$")
    tax_included: bool = _setting(default=True, example="1")
    capture: Literal["at_order", "at_shipment"] = _setting("at_order", "at_shipment")
    hold_minutes: int = _setting(15, "15", ge=1, le=1440)
    release_days: int = _setting(7, "7", ge=0, le=180)
    commission_on_refunds: Literal["full", "none", "full_less_fixed"] = _setting("full", "none")
    refund_fee_borne_by: Literal["marketplace", "seller"] = _setting("marketplace", "seller")
    commission_approval: bool = _setting(default=False, example="1")
    payout_approval_over: AmountMap = _setting({}, '{"EUR": 1000000, "JPY": 1500000}')
    transfer_approval_over: AmountMap = _setting({}, '{"EUR": 500000}')
    refund_approval_over: AmountMap = _setting({}, '{"EUR": 50000, "JPY": 80000}')
    gift_approval_over: AmountMap = _setting({}, '{"EUR": 10000, "JPY": 15000}')
    tax_identity_requests: Literal["off", "remind", "withhold"] = _setting("remind", "withhold")
    audit_hour: int = _setting(3, "3", ge=0, le=23)
    settlement_days: int = _setting(45, "45", ge=1, le=365)
    read_movements: bool = _setting(default=True, example="on")
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


def variable_of(field: str) -> str:
    """The environment variable behind a field of Settings."""
    return PREFIX + field.upper()


def example_of(field: str) -> str:
    """A field of Settings as it may be written."""
    examples = Settings.model_fields[field].examples or [""]
    return f"{variable_of(field)}={examples[0]}"
