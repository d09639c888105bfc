"""Generations told between processes, and the answers that are kept by them."""

import os
import stat
import subprocess
import sys
from math import inf
from pathlib import Path

import pytest

from gosellr.core import byte_cache
from gosellr.core.byte_cache import ByteCache, KeptAnswer, Key
from gosellr.core.generations import SLOTS, Generations, slot_of, touch, touching

BUMP = (
    "import sys; from pathlib import Path; from gosellr.core.generations import Generations;"
    "Generations.shared(Path(sys.argv[1])).bump(['product:1'])"
)
SERVICES = Path(__file__).parents[2] / "services"
SIZE = 1_208  # A body of six bytes, an address of two, and what Python needs.
KEY: Key = ("/a", b"")


def answer(body: bytes = b"answer") -> KeptAnswer:
    return KeptAnswer(body, b'"tag"', [], [])


def cache_of(generations: Generations, *, entries: int = 100) -> ByteCache:
    cache = ByteCache(generations, bytes_max=SIZE * entries)
    cache.vouch(until=inf)
    return cache


def keep(cache: ByteCache, key: Key, *names: str, seconds: float | None = None) -> None:
    marks = cache.begin(names)
    assert marks is not None
    cache.keep(key, answer(), marks=marks, seconds=seconds)


def test_another_process_is_heard_at_once_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "generations.bin"
    ours = Generations.shared(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    assert (mode, path.stat().st_size) == (0o600, 8 * SLOTS)
    slots = [slot_of("product:1"), slot_of("product:2")]
    assert ours.of(slots) == (0, 0)
    subprocess.run(
        [sys.executable, "-c", BUMP, str(path)],
        env={**os.environ, "PYTHONPATH": str(SERVICES)},
        check=True,
    )
    bumped, other = ours.of(slots)
    assert bumped != 0
    assert other == 0
    ours.close()
    again = Generations.shared(path)
    assert again.of(slots) == (bumped, 0)
    again.close()


def test_without_a_home_a_process_is_alone(tmp_path: Path) -> None:
    one, two = (Generations.shared(tmp_path / "none" / "file") for _ in range(2))
    one.bump(["a"])
    slot = [slot_of("a")]
    assert one.of(slot) != (0,)
    assert two.of(slot) == (0,)
    one.close()
    two.close()


def test_what_is_touched_stays_with_its_command() -> None:
    touch(["nobody's"])
    with touching() as outer:
        touch(["a"])
        with touching() as inner:
            touch(["b"])
        touch(["c"])
    assert (outer, inner) == ({"a", "c"}, {"b"})


def test_an_answer_is_good_until_something_it_was_made_of_changes() -> None:
    generations = Generations.alone()
    cache = cache_of(generations)
    for change in (generations.bump, cache.hear):
        keep(cache, KEY, "a", "b")
        change(["c"])
        assert cache.find(KEY) == answer()
        change(["b"])
        assert cache.find(KEY) is None
        assert (len(cache), cache.size) == (0, 0)


def test_what_changed_before_it_was_kept_is_no_good() -> None:
    generations = Generations.alone()
    cache = cache_of(generations)
    for change in (lambda: generations.bump(["a"]), lambda: cache.hear(["a"]), cache.clear):
        marks = cache.begin(["a"])
        assert marks is not None
        change()
        cache.keep(KEY, answer(), marks=marks)
        assert cache.find(KEY) is None


def test_nothing_is_given_or_kept_while_nobody_vouches() -> None:
    cache = cache_of(Generations.alone())
    keep(cache, KEY, "a")
    cache.vouch(until=0.0)
    assert cache.find(KEY) is None
    assert cache.begin(["a"]) is None
    cache.vouch(until=inf)
    assert cache.find(KEY) == answer()
    cache.shut()
    cache.vouch(until=inf)
    assert cache.find(KEY) is None


def test_an_answer_may_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = cache_of(Generations.alone())
    moment = 100.0
    monkeypatch.setattr(byte_cache.time, "monotonic", lambda: moment)
    keep(cache, KEY, "a", seconds=5.0)
    moment = 104.9
    assert cache.find(KEY) == answer()
    moment = 105.0
    assert cache.find(KEY) is None


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = cache_of(Generations.alone(), entries=16)
    keys = [(f"/{number:x}", b"") for number in range(16)]
    for key in keys:
        keep(cache, key, "a")
    assert (len(cache), cache.size) == (16, 16 * SIZE)
    assert cache.find(keys[0]) == answer()
    keep(cache, ("/z", b""), "a")
    assert [cache.find(key) is not None for key in keys] == [True, False, *[True] * 14]
    assert (len(cache), cache.size) == (16, 16 * SIZE)
    keep(cache, ("/z", b""), "a")
    assert (len(cache), cache.size) == (16, 16 * SIZE)


def test_one_answer_doesn_t_push_out_all_others() -> None:
    cache = cache_of(Generations.alone(), entries=15)
    keep(cache, KEY, "a")
    assert len(cache) == 0


def test_no_memory_keeps_nothing() -> None:
    cache = ByteCache(Generations.alone(), bytes_max=0)
    cache.vouch(until=inf)
    assert cache.begin(["a"]) is None
    assert not cache.is_wanted
