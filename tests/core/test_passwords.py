"""Passwords: hashed in a thread, few at a time, checked in the same time for everybody."""

import asyncio

import pytest

from gosellr.core.common_passwords import COMMON_PASSWORDS
from gosellr.core.errors import InvalidInput, ServiceUnavailable
from gosellr.core.passwords import PasswordCosts, Passwords, check_new_password

CHEAP = PasswordCosts(rounds=1, memory_kib=64, lanes=1)


async def test_the_right_password_and_no_other() -> None:
    with Passwords(CHEAP) as passwords:
        kept = await passwords.hash("a fine long phrase")
        assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
        assert (await passwords.verify("a fine long phrase", kept)).is_right
        assert not (await passwords.verify("A fine long phrase", kept)).is_right
        assert not (await passwords.verify("a fine long phrase", None)).is_right
        assert not (await passwords.verify("a fine long phrase", "no hash at all")).is_right
        assert await passwords.hash("a fine long phrase") != kept


async def test_the_same_letters_typed_in_another_way_are_right() -> None:
    with Passwords(CHEAP) as passwords:
        kept = await passwords.hash("cafe\u0301 au lait")
        assert (await passwords.verify("caf\u00e9 au lait", kept)).is_right


async def test_hashes_of_older_costs_are_renewed() -> None:
    with Passwords(CHEAP) as old, Passwords(PasswordCosts(2, 64, 1)) as new:
        kept = await old.hash("a fine long phrase")
        verdict = await new.verify("a fine long phrase", kept)
        assert verdict.is_right
        assert verdict.renewed_hash is not None
        assert verdict.renewed_hash.startswith("$argon2id$v=19$m=64,t=2,p=1$")
        assert (await new.verify("a fine long phrase", verdict.renewed_hash)).renewed_hash is None
        assert (await new.verify("wrong", kept)).renewed_hash is None


async def test_too_many_at_once_are_told_to_come_back() -> None:
    with Passwords(CHEAP, concurrency=1) as passwords:
        kept = await passwords.hash("a fine long phrase")
        work = [passwords.verify("a fine long phrase", kept) for _ in range(80)]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, ServiceUnavailable)]
    assert len(refused) == 80 - 64
    assert {error.headers["Retry-After"] for error in refused} == {"2"}


def test_common_passwords_are_known_whatever_their_case() -> None:
    assert len(COMMON_PASSWORDS) > 250
    assert all(len(word) >= 8 and word == word.casefold() for word in COMMON_PASSWORDS)
    for password in ("password123", "PassWord123", "QWERTYUIOP"):
        with pytest.raises(InvalidInput) as caught:
            check_new_password(password)
        assert caught.value.errors[0].code == "password_common"


@pytest.mark.parametrize("password", ["12345qw", "a1" * 65])
def test_lengths_have_bounds(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_new_password(password)
    assert caught.value.errors[0].code == "password_length"


@pytest.mark.parametrize(
    "password", ["12345qwe", "ab1" + "x" * 125, "пароль-мой", "🐙🐠🐡 aquarium"]
)
def test_anything_else_goes(password: str) -> None:
    check_new_password(password, about=("ada@example.com", "Ada"))


@pytest.mark.parametrize("password", ["ada.lovelace", "Ada.Lovelace@Example.com", "Ada Lovelace"])
def test_nobody_is_their_own_password(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_new_password(password, about=("ada.lovelace@example.com", "Ada Lovelace"))
    assert caught.value.errors[0].code == "password_personal"
