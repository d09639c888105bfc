"""Sessions behind a cookie, and what is forgotten in time."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.identity import new_secret
from gosellr.core.tokens import InvalidToken
from gosellr.resources import Resources
from gosellr.services import account_service
from gosellr.services.account_service import Device, EmailTaken, WrongCredentials

PERSON = {"email": "ada@example.com", "password": "a fine long phrase"}
DEVICE = Device(user_agent="Browser", ip_address="203.0.113.7")


async def test_a_browser_keeps_its_session_in_a_cookie(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    token = new_secret()
    sign_in = resources.sign_in
    session = await sign_in.register_session(
        **PERSON, name="Ada", token=token, device=DEVICE, now=clock.now(), kind="web"
    )
    viewer = await resources.viewer_of_cookie(token, now=clock.now(), ip_address="203.0.113.7")
    assert viewer is not None
    assert (viewer.user_id, viewer.session_id, viewer.name) == (
        session.account.id,
        session.id,
        "Ada",
    )
    assert viewer.ip_address == "203.0.113.7"
    assert await resources.viewer_of_cookie("another", now=clock.now()) is None
    # A cookie can't be turned into the tokens of the API.
    with pytest.raises(InvalidToken):
        await sign_in.refresh(refresh_token=token, now=clock.now())
    later = clock.now() + account_service.SESSION_LIFETIME
    assert await resources.viewer_of_cookie(token, now=later) is None
    await account_service.sign_out(connection, viewer=viewer, everywhere=False, now=clock.now())
    assert await resources.viewer_of_cookie(token, now=clock.now()) is None
    with pytest.raises(EmailTaken):
        await sign_in.register_session(
            **PERSON, name="Eve", token=new_secret(), device=DEVICE, now=clock.now(), kind="web"
        )
    with pytest.raises(InvalidInput):
        await sign_in.register_session(
            email="eve@example.com", password="password1", name="Eve", token=new_secret(),
            device=DEVICE, now=clock.now(),
        )  # fmt: skip


async def test_a_password_that_changed_meanwhile_opens_nothing(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    pair = await resources.sign_in.register(**PERSON, name="Ada", device=DEVICE, now=clock.now())
    kept = await connection.fetchval("SELECT password_hash FROM user_account")
    await connection.execute("UPDATE user_account SET password_hash = 'changed'")
    with pytest.raises(WrongCredentials):
        await account_service.open_session(
            connection,
            user_id=pair.account.id,
            token=new_secret(),
            checked_hash=kept,
            device=DEVICE,
            now=clock.now(),
        )
    assert await connection.fetchval("SELECT count(*) FROM user_session") == 1


async def test_hashes_are_renewed_when_costs_rise(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await resources.sign_in.register(**PERSON, name="Ada", device=DEVICE, now=clock.now())
    cheaper = (
        "$argon2id$v=19$m=32,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )
    user_id = await connection.fetchval("SELECT id FROM user_account")
    await connection.execute("UPDATE user_account SET password_hash = $1", cheaper)
    await account_service.open_session(
        connection,
        user_id=user_id,
        token=new_secret(),
        checked_hash=cheaper,
        renewed_hash="renewed",
        device=DEVICE,
        now=clock.now(),
    )
    assert await connection.fetchval("SELECT password_hash FROM user_account") == "renewed"


async def test_sessions_are_forgotten_a_month_after_they_expired(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await resources.sign_in.register(**PERSON, name="Ada", device=DEVICE, now=clock.now())
    expired = clock.now() + account_service.SESSION_LIFETIME
    month = timedelta(days=30)
    assert await account_service.forget_sessions(connection, now=expired + month) == 0
    after = expired + month + timedelta(seconds=1)
    assert await account_service.forget_sessions(connection, now=after) == 1
    assert await connection.fetchval("SELECT count(*) FROM refresh_token") == 0
    assert await connection.fetchval("SELECT count(*) FROM user_session") == 0
