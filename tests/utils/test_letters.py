"""What a letter is called, when it is tried again, and what becomes of what people wrote."""

import re
import unicodedata
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.letters import TRIES_MAX, LetterKind, effect_key, pause_after, plain

FACT = UUID("0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44")


def test_a_key_names_cause_kind_and_recipient() -> None:
    key = effect_key(FACT, LetterKind.ORDER_CONFIRMED, "Ada@Example.com")
    assert re.fullmatch(rf"{FACT}\.order-confirmed\.[0-9a-f]{{16}}", key)
    assert key == effect_key(FACT, LetterKind.ORDER_CONFIRMED, "ada@example.COM")
    others = {
        effect_key(FACT, LetterKind.ORDER_TO_SHIP, "ada@example.com"),
        effect_key(FACT, LetterKind.ORDER_CONFIRMED, "bob@example.com"),
        effect_key(UUID(int=1), LetterKind.ORDER_CONFIRMED, "ada@example.com"),
    }
    assert len(others | {key}) == 4


@given(st.sampled_from(LetterKind), st.text(max_size=400))
def test_a_key_is_a_name_that_travels(kind: LetterKind, recipient: str) -> None:
    # The longest cause is a case with its deadline.
    key = effect_key(f"{FACT}.99999999999", kind, recipient)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", key)


@pytest.mark.parametrize(
    ("tries", "minutes"), [(1, 1), (2, 2), (3, 4), (8, 128), (10, 512), (11, 720), (1000, 720)]
)
def test_pauses_double_up_to_half_a_day(tries: int, minutes: int) -> None:
    assert pause_after(tries, share=1) == timedelta(minutes=minutes)
    assert pause_after(tries, share=0.5) == timedelta(minutes=minutes) / 2


def test_all_tries_take_more_than_a_day() -> None:
    whole = sum((pause_after(tries, share=0.5) for tries in range(1, TRIES_MAX)), timedelta())
    assert timedelta(hours=12) < whole < timedelta(days=3)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Lamp House", "Lamp House"),
        ("  Lamp\r\nBcc: eve@example.com ", "Lamp Bcc: eve@example.com"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("\u2066a\u2069\u200e\u061c", "a"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("e\u0301", "é"),
        ("שלום", "שלום"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("x" * 300, "x" * 199 + "…"),
        ("closed: DE89 3704 0044 0532 0130 00, card 4242424242424242", "closed: …3000, card …4242"),
        ("", ""),
    ],
)
def test_what_people_wrote_becomes_one_plain_line(written: str, read: str) -> None:
    assert plain(written) == read


@given(st.text(max_size=500))
def test_a_plain_line_is_plain_and_stays_as_it_is(written: str) -> None:
    line = plain(written)
    assert len(line) <= 200
    assert line.splitlines() in ([], [line])
    assert not {unicodedata.category(sign) for sign in line} & {"Cc", "Zl", "Zp", "Cs"}
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert plain(line) == line
