"""`gosellr operator` and `gosellr keys`, as an operator types them."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg

from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster


async def gosellr(*arguments: str, dsn: str, home: Path, typed: str = "") -> tuple[int, str]:
    """Run a command of ours; gives its status and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "gosellr", *arguments,
        env=os.environ
        | {
            "PYTHONPATH": str(Path(__file__).parents[2] / "services"),
            "GOSELLR_HOME": str(home),
            "GOSELLR_DATABASE_URL": dsn,
            "GOSELLR_SECRET_KEY": "a secret of the test run, long enough to be taken",
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate(typed.encode())
    return process.returncode or 0, output.decode()


async def test_the_first_operator_and_the_keys(
    cluster: Cluster, fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("commands"))
    create = ("operator", "create", "--email", "olga@example.com", "--password-file", "-")

    async def run(*arguments: str, typed: str = "") -> tuple[int, str]:
        return await gosellr(*arguments, dsn=dsn, home=tmp_path, typed=typed)

    weak = await run(*create, typed="password1\n")
    assert weak == (1, "  ✗ This password is easily guessed\n")
    made = await run(*create, typed="a fine long phrase\n")
    assert made == (0, "olga@example.com is an operator and may sign in.\n")
    again = await run(*create, typed="another fine phrase\n")
    assert again == (0, "olga@example.com is now an operator and may sign in.\n")

    assert await run("keys", "list") == (0, "")
    status, first = await run("keys", "rotate")
    kid = first.split()[0]
    assert (status, first) == (0, f"{kid} signs from now on.\n")
    await run("keys", "rotate")
    status, revoked = await run("keys", "revoke", kid)
    assert (status, revoked.split()[0]) == (0, kid)
    status, refused = await run("keys", "revoke", "unheard-of")
    assert (status, refused) == (1, "  ✗ There is no key unheard-of that could be revoked\n")
    _, listed = await run("keys", "list")
    assert [line.split()[-1] for line in listed.splitlines()] == ["signs", "revoked"]

    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT email::text, roles FROM gosellr.user_account")
        assert [tuple(row) for row in rows] == [("olga@example.com", ["buyer", "operator"])]
    finally:
        await connection.close()
