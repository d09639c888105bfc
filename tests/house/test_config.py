"""Settings: documented, checked, and refused with a sentence that helps."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from gosellr.config import Settings, SettingsError, read_settings
from gosellr.config_fields import PREFIX, default_home, variable_of
from gosellr.core.startup_error import StartupError
from gosellr.providers import build_debtor

EXAMPLE = Path(__file__).parents[2] / "services" / "gosellr" / ".env.example"
STRONG = "q7Zk2m-Vx9RtLw4Ys8NbHc1JfDp6GaEu3"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_of(field), raising=False)


def problems_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError) as refusal:
        read_settings(env_file=None)
    return refusal.value.problems


def read_settings_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    return read_settings(env_file=None)


def test_the_example_names_every_setting_once_with_a_reason() -> None:
    lines = EXAMPLE.read_text().splitlines()
    written = [line.split("=", 1)[0] for line in lines if line.startswith(PREFIX)]
    assert sorted(written) == sorted(map(variable_of, Settings.model_fields))
    for before, line in pairwise(lines):
        if line.startswith(PREFIX):
            assert re.match(r"# \S.{20,}", before), f"{line} has no reason above it"


def test_the_example_holds_the_defaults() -> None:
    assert read_settings(env_file=EXAMPLE) == read_settings(env_file=None)


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert default_home() == Path("/srv/data/gosellr")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_home() == Path("/var/lib/gosellr")
    settings = read_settings(env_file=None)
    assert (settings.host, settings.port) == ("127.0.0.1", 4004)
    assert settings.base_url == "http://localhost:4004"
    assert settings.demo_enabled
    assert settings.sandbox_enabled


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "door", '"door" is wrong: a whole number is wanted. Example: GOSELLR_PORT=4004'),
        ("PORT", "70000", '"70000" is wrong: the most is 65535. Example: GOSELLR_PORT=4004'),
        ("WORKERS", "0", '"0" is wrong: the least is 1. Example: GOSELLR_WORKERS=2'),
        (
            "RATE_LIMITS",
            "perhaps",
            '"perhaps" is wrong: on or off (1 or 0) is wanted. Example: GOSELLR_RATE_LIMITS=on',
        ),
        (
            "DEFAULT_CURRENCY",
            "euro",
            '"euro" is wrong: it has the wrong form. Example: GOSELLR_DEFAULT_CURRENCY=EUR',
        ),
        (
            "COMMISSION_ON_REFUNDS",
            "half",
            (
                "\"half\" is wrong: it can be 'full', 'none' or 'full_less_fixed'. "
                "Example: GOSELLR_COMMISSION_ON_REFUNDS=none"
            ),
        ),
        (
            "REFUND_FEE_BORNE_BY",
            "buyer",
            (
                "\"buyer\" is wrong: it can be 'marketplace' or 'seller'. "
                "Example: GOSELLR_REFUND_FEE_BORNE_BY=seller"
            ),
        ),
        (
            "ENV",
            "staging",
            (
                "\"staging\" is wrong: it can be 'development' or 'production'. "
                "Example: GOSELLR_ENV=production"
            ),
        ),
    ],
)
def test_a_wrong_value_is_refused_with_name_reason_and_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    assert problems_of(monkeypatch, **{name: value}) == [f"GOSELLR_{name} {sentence}"]


def test_a_folder_of_fonts_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (str(tmp_path / "none"), "fonts"):
        [problem] = problems_of(monkeypatch, DOCUMENT_FONTS=value)
        assert problem == (
            f'GOSELLR_DOCUMENT_FONTS "{value}" is wrong: it is no folder, named from the root on. '
            "Example: GOSELLR_DOCUMENT_FONTS=/usr/share/fonts/opentype/noto"
        )
    assert read_settings_with(monkeypatch, DOCUMENT_FONTS=str(tmp_path)).document_fonts == tmp_path


def test_every_wrong_value_is_named_at_once_and_secrets_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems = problems_of(
        monkeypatch, PORT="x", DATABASE_URL="mysql://u:hunter2@db/shop", CORS_ORIGINS="*"
    )
    assert [problem.split(" ", 1)[0] for problem in problems] == [
        "GOSELLR_PORT",
        "GOSELLR_DATABASE_URL",
        "GOSELLR_CORS_ORIGINS",
    ]
    assert "hunter2" not in "".join(problems)


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("GOSELLR_PROT=4005\n")
    with pytest.raises(SettingsError, match="Did you mean GOSELLR_PORT"):
        read_settings(env_file=env_file)


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("GOSELLR_PORT=4005\nGOSELLR_HOLD_MINUTES=20\n")
    monkeypatch.setenv("GOSELLR_PORT", "4006")
    settings = read_settings(env_file=env_file)
    assert (settings.port, settings.hold_minutes) == (4006, 20)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "is empty"),
        ("short", "is too short"),
        ("a" * 40, "can be guessed"),
        ("change-me-please-change-me-please-1234", "can be guessed"),
    ],
)
def test_production_refuses_a_weak_secret(
    monkeypatch: pytest.MonkeyPatch, secret: str, reason: str
) -> None:
    (problem,) = problems_of(monkeypatch, ENV="production", SECRET_KEY=secret)
    assert problem.startswith(f"GOSELLR_SECRET_KEY {reason}")


def test_production_takes_demo_and_sandbox_only_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOSELLR_ENV", "production")
    monkeypatch.setenv("GOSELLR_SECRET_KEY", STRONG)
    settings = read_settings(env_file=None)
    assert not settings.demo_enabled
    assert not settings.sandbox_enabled

    (problem,) = problems_of(monkeypatch, DEMO="1")
    assert problem.startswith("GOSELLR_DEMO is on")

    monkeypatch.setenv("GOSELLR_ALLOW_DEMO_IN_PRODUCTION", "1")
    monkeypatch.setenv("GOSELLR_ALLOW_SANDBOX_IN_PRODUCTION", "1")
    settings = read_settings(env_file=None)
    assert settings.demo_enabled
    assert settings.sandbox_enabled


def test_a_main_system_signs_with_one_family_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = problems_of(
        monkeypatch,
        MAIN_SYSTEM_ISSUER="https://id.example.com",
        MAIN_SYSTEM_AUDIENCE="gosellr",
        MAIN_SYSTEM_SECRET=STRONG,
        MAIN_SYSTEM_JWKS_URL="https://id.example.com/keys",
    )
    assert "set exactly one of them" in problem
    monkeypatch.setenv("GOSELLR_MAIN_SYSTEM_JWKS_URL", "")
    monkeypatch.setenv("GOSELLR_MAIN_SYSTEM_ROLE_MAP", '{"admin": "operator"}')
    assert read_settings(env_file=None).main_system_role_map == {"admin": "operator"}


def test_stripe_is_offered_with_its_key_and_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = problems_of(monkeypatch, STRIPE_SECRET_KEY="sk_live_hunter2")
    assert problem.startswith("GOSELLR_STRIPE_SECRET_KEY and GOSELLR_STRIPE_WEBHOOK_SECRETS")
    assert read_settings_with(monkeypatch, STRIPE_SECRET_KEY="").payment_pages == ()
    settings = read_settings_with(
        monkeypatch, STRIPE_SECRET_KEY="rk_live_hunter2", STRIPE_WEBHOOK_SECRETS="whsec_a,whsec_b"
    )
    assert settings.stripe_webhook_secrets == ("whsec_a", "whsec_b")
    assert settings.payment_pages == ("https://checkout.stripe.com", "https://hooks.stripe.com")
    assert "hunter2" not in repr(settings)
    assert "whsec_a" not in repr(settings)
    (problem,) = problems_of(monkeypatch, STRIPE_SECRET_KEY="pk_live_hunter2")
    assert "hunter2" not in problem


def test_production_refuses_a_test_key_of_stripe_s(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "ENV": "production", "SECRET_KEY": STRONG, "STRIPE_SECRET_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRETS": "whsec_x",
    }  # fmt: skip
    (problem,) = problems_of(monkeypatch, **wrong)
    assert problem.startswith("GOSELLR_STRIPE_SECRET_KEY is a test key")
    settings = read_settings_with(monkeypatch, ALLOW_SANDBOX_IN_PRODUCTION="1")
    assert settings.stripe_secret_key == "sk_test_x"


PAYPAL = {
    "PAYPAL_CLIENT_ID": "AeA1", "PAYPAL_CLIENT_SECRET": "hunter2",
    "PAYPAL_MERCHANT_ID": "MERCHANT234AB", "PAYPAL_WEBHOOK_ID": "WEBHOOK1",
}  # fmt: skip


def test_paypal_is_offered_with_all_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = problems_of(monkeypatch, PAYPAL_CLIENT_ID="AeA1", PAYPAL_CLIENT_SECRET="hunter2")
    assert problem.startswith("GOSELLR_PAYPAL_MERCHANT_ID and GOSELLR_PAYPAL_WEBHOOK_ID: set all")
    assert "hunter2" not in problem
    settings = read_settings_with(monkeypatch, **PAYPAL)
    assert settings.payment_pages == ("https://www.paypal.com",)
    assert "hunter2" not in repr(settings)
    settings = read_settings_with(monkeypatch, PAYPAL_MODE="sandbox", PAYPAL_PAYOUTS="1")
    assert settings.payment_pages == ("https://www.sandbox.paypal.com",)
    assert settings.paypal_payouts
    without = dict.fromkeys(PAYPAL, "")
    (problem,) = problems_of(monkeypatch, **without)
    assert problem.startswith("GOSELLR_PAYPAL_PAYOUTS is on")


def test_production_refuses_paypal_s_own_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"ENV": "production", "SECRET_KEY": STRONG, "PAYPAL_MODE": "sandbox", **PAYPAL}
    (problem,) = problems_of(monkeypatch, **wrong)
    assert problem.startswith("GOSELLR_PAYPAL_MODE is sandbox")
    settings = read_settings_with(monkeypatch, ALLOW_SANDBOX_IN_PRODUCTION="1")
    assert settings.paypal_mode == "sandbox"


def test_the_markets_bank_account_is_whole_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    def accounts(holder: str = "Market Ltd", **known: str) -> str:
        return json.dumps({"EUR": {"holder": holder, **known}})

    wrong = accounts(iban="DE89370400440532013001")
    (problem,) = problems_of(monkeypatch, BANK_ACCOUNTS=wrong)
    assert problem.startswith("GOSELLR_BANK_ACCOUNTS is wrong: its check digits don't fit")
    assert "DE89370400440532013001" not in problem
    spaced = accounts(iban="DE89 3704 0044 0532 0130 00")
    (problem,) = problems_of(monkeypatch, BANK_ACCOUNTS=spaced, BANK_PAYOUTS="1")
    assert problem.startswith(
        "GOSELLR_BANK_PAYOUTS is on, and GOSELLR_BANK_ACCOUNTS has no account"
    )
    whole = {"iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}
    settings = read_settings_with(monkeypatch, BANK_ACCOUNTS=accounts(**whole))
    assert whole["iban"] not in repr(settings)
    debtor = build_debtor(settings)
    assert debtor is not None
    assert (debtor.name, debtor.bic) == ("Market Ltd", "COBADEFFXXX")
    settings = read_settings_with(monkeypatch, BANK_ACCOUNTS=accounts("Ада", **whole))
    with pytest.raises(StartupError, match="can't be named in a bank file"):
        build_debtor(settings)
    settings = read_settings_with(monkeypatch, BANK_PAYOUTS="0")
    assert build_debtor(settings) is None


def test_settings_are_frozen_and_hide_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOSELLR_SECRET_KEY", STRONG)
    monkeypatch.setenv("GOSELLR_DATABASE_URL", "postgresql://app:hunter2@db/shop")
    settings = read_settings(env_file=None)
    assert STRONG not in repr(settings)
    assert "hunter2" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1
