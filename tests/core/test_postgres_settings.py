"""The embedded server takes its share of the machine, and never too much of it."""

import pytest

from gosellr.core.postgres_settings import memory_mb, render_settings


def _told(text: str) -> dict[str, str]:
    lines = [line.split(" = ") for line in text.splitlines() if " = " in line]
    return {name: value.strip("'") for name, value in lines}


@pytest.mark.parametrize(
    ("machine_mb", "shared", "cache"),
    [(256, "128MB", "128MB"), (2_000, "500MB", "1000MB"), (64_000, "4096MB", "32000MB")],
)
def test_memory_is_shared_in_proportion(machine_mb: int, shared: str, cache: str) -> None:
    told = _told(render_settings(throwaway=False, memory_mb=machine_mb))
    assert (told["shared_buffers"], told["effective_cache_size"]) == (shared, cache)


def test_a_durable_server_waits_for_the_disk_and_a_throwaway_one_does_not() -> None:
    durable = _told(render_settings(throwaway=False, memory_mb=2_000))
    quick = _told(render_settings(throwaway=True, memory_mb=64_000))
    names = ("fsync", "synchronous_commit", "full_page_writes")
    assert [durable[name] for name in names] == ["on", "on", "on"]
    assert [quick[name] for name in names] == ["off", "off", "off"]
    assert quick["shared_buffers"] == "128MB"


def test_this_machine_has_memory() -> None:
    assert memory_mb() > 256
