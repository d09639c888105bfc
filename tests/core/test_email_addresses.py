"""Addresses are judged exactly as the library judges them, however often their domain was seen."""

from itertools import product

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from gosellr.core import email_addresses
from gosellr.core.email_addresses import normal_email

LOCALS = (
    "a", "ada", "ada.love-lace", "ada+market", "ada_1", "-", "+", "_", "0", "Ada", "INFO", "info",
    "Info", "POSTMASTER", "Postmaster.x", "o'neil", "a/b", "!#$%&'*+-/=?^`{|}~", "zoë", "zoë",
    "山田", "", ".", ".a", "a.", "a..b", "a b", '"a b"', '"a"', "a@b", "a<b", "Ada <ada", "a\\b",
    "a\n", "a\x00", "a\u200b", "\ud800", "ſ", "K", "x" * 64, "x" * 65, "x" * 200, "x" * 240,
)  # fmt: skip
DOMAINS = (
    "example.com", "EXAMPLE.com", "Example.Com", "mail.example.com", "example.co.uk", "x.test",
    "test", "TEST", "localhost", "a.localhost", "example.local", "example.invalid", "example.onion",
    "in-addr.arpa", "example", "example.", ".example.com", "a..b.com", "-a.com", "a-.com",
    "a.-b.com", "a_b.com", "127.0.0.1", "example.123", "example.c0m", "example.c-m", "e--m.com",
    "ab--c.com", "xn--bcher-kva.example.com", "XN--BCHER-KVA.com", "xn--bcher-kva.com", "xn--a.com",
    "bücher.com", "BÜCHER.com", "faß.de", "例え.jp", "example。com", "example．com", "ﬀ.com",
    "[127.0.0.1]", "[IPv6:::1]", "", " example.com", "example.com ", "example.com\n", "a b.com",
    "example.com>", "K.com", "ſ.com", "x" * 63 + ".com", "x" * 64 + ".com",
    ".".join(["x" * 60] * 3) + ".com", ".".join(["x" * 60] * 4) + ".com",
    ".".join(["x" * 60] * 4) + ".comcomcom", ".".join(["x" * 60] * 4) + ".comcomcomcom",
)  # fmt: skip
WITHOUT_SIGN = ("", "ada", "ada.example.com", "ada＠example.com", "ada﹫example.com")


def outcome(judge, value):
    try:
        return judge(value)
    except ValueError as error:
        return ValueError, str(error)


def by_the_library(value):
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


@pytest.fixture(autouse=True)
def nothing_known():
    email_addresses._normal_domain.cache_clear()


def test_an_address_of_any_domain_is_judged_as_by_the_library_also_once_that_is_known():
    addresses = [
        *(f"{local}@{domain}" for local, domain in product(LOCALS, DOMAINS)),
        *WITHOUT_SIGN,
    ]
    expected = [outcome(by_the_library, one) for one in addresses]
    assert sum(isinstance(one, str) for one in expected) > 200
    assert [outcome(normal_email, one) for one in addresses] == expected
    assert [outcome(normal_email, one) for one in addresses] == expected


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text("aZ0.-_+@ é\n\"<>'", max_size=12), st.sampled_from(["", "@a.de", "@A.test"]))
def test_whatever_somebody_types_is_judged_as_by_the_library(text, ending):
    assert outcome(normal_email, text + ending) == outcome(by_the_library, text + ending)


def test_a_domain_is_judged_once_for_all_who_have_plain_addresses_there(monkeypatch):
    asked = []

    def noted(value, **how):
        asked.append(value)
        return validate_email(value, **how)

    monkeypatch.setattr(email_addresses, "validate_email", noted)
    assert normal_email("ada@Example.com") == "ada@example.com"
    assert normal_email("bob.b@Example.com") == "bob.b@example.com"
    assert len(asked) == 1
    # A mailbox whose capitals may not count, and a domain that has two names.
    assert normal_email("SALES@Example.com") == "sales@example.com"
    assert normal_email("ada@xn--bcher-kva.com") == "ada@bücher.com"
    assert asked[1:] == ["SALES@Example.com", "a@xn--bcher-kva.com", "ada@xn--bcher-kva.com"]


def test_only_so_many_domains_are_kept():
    for number in range(1_100):
        normal_email(f"ada@shop{number}.com")
    assert email_addresses._normal_domain.cache_info().currsize == 1_024
