"""Alembic, told where our migrations lie and which database they are for."""

from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as AlchemyConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gosellr.core.db import SEARCH_PATH


def alembic_config() -> Config:
    """Alembic's settings, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


async def run_alembic(dsn: str) -> None:
    """Bring the database behind `dsn` to the newest revision, in one transaction."""

    async def connect() -> "asyncpg.Connection[Any]":
        return await asyncpg.connect(dsn, server_settings={"search_path": SEARCH_PATH})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)

    def run(connection: AlchemyConnection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()
