"""Gateways in folders of their own, with a clock that stands where the test puts it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.sandbox import SandboxGateway

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[SandboxGateway]:
    """A sandbox gateway without a fee, at noon."""
    gateway = SandboxGateway(tmp_path, production=False, clock=ManualClock(NOON))
    yield gateway
    gateway.close()
