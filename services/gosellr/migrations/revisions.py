"""Which schema a database has and which one this code needs, told without the migrating library.

A web process asks for it to say whether it is ready, and shouldn't load for that what it never uses.
"""

import re
from functools import cache
from pathlib import Path

from gosellr.core.db import SCHEMA, Connection

_VERSIONS = Path(__file__).with_name("versions")
_REVISION = re.compile(r'^revision = "(\w+)"$', re.M)
_DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"$', re.M)

_IS_MIGRATED = f"SELECT to_regclass('{SCHEMA}.alembic_version') IS NOT NULL"
_CURRENT = f"SELECT version_num FROM {SCHEMA}.alembic_version"  # noqa: S608 - a name of ours


@cache
def head_revision() -> str:
    """The revision that this code needs: the one that no other follows.

    Raises:
        RuntimeError: when there isn't exactly one.
    """
    texts = [path.read_text() for path in _VERSIONS.glob("[0-9]*.py")]
    heads: set[str] = {name for text in texts for name in _REVISION.findall(text)}
    heads -= {name for text in texts for name in _DOWN_REVISION.findall(text)}
    if len(heads) != 1:
        raise RuntimeError(f"one revision must be the last, not {sorted(heads)}")
    return heads.pop()


async def current_revision(connection: Connection) -> str | None:
    """The revision of a database, or None when it was never migrated."""
    if not await connection.fetchval(_IS_MIGRATED):
        return None
    revision: str | None = await connection.fetchval(_CURRENT)
    return revision
