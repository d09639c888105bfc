"""Settings: the environment and `.env` beside this file, read once, checked, then frozen.

Every variable begins with `GOSELLR_`; `.env.example` lists them all with defaults and reasons.
The environment wins over `.env`; an empty value means the default.
"""

import difflib
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import DotEnvSettingsSource

from gosellr.config_conflicts import conflicts
from gosellr.config_fields import PREFIX, Settings, example_of, variable_of

__all__ = ["Settings", "SettingsError", "load_settings", "read_settings"]

ENV_FILE = Path(__file__).with_name(".env")
_SECRET_FIELDS = {
    "secret_key", "main_system_secret", "database_url", "migration_database_url",
    "stripe_secret_key", "stripe_webhook_secrets", "paypal_client_secret", "bank_accounts",
    "smtp_url",
}  # fmt: skip


class SettingsError(Exception):
    """One or more settings are wrong; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


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
    problems += conflicts(settings)
    if problems:
        raise SettingsError(problems)
    return settings


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read at the first call."""
    return read_settings()


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
    return f"{variable_of(field)}{value} is wrong: {wanted}. Example: {example_of(field)}"
