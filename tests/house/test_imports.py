"""Who may import whom: the contracts of `.importlinter`, which has no exceptions."""

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.house.source import ROOT


def test_imports_point_down(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # The linter looks for the package from where it stands.
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_no_exceptions() -> None:
    assert "ignore_imports" not in (ROOT / ".importlinter").read_text()
