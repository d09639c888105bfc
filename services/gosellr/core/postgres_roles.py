"""Two logins: one that owns the schema and migrates it, one that only works with the rows."""

import psycopg
from psycopg import sql


def ensure_database(
    owner_dsn: str, *, database: str, role: str, password: str, renew_password: bool
) -> None:
    """Create the database and the application's login where they are missing.

    A role that exists keeps its password unless `renew_password` is set.
    """
    role_name, database_name = sql.Identifier(role), sql.Identifier(database)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        is_missing = not _exists(connection, "pg_roles", "rolname", role)
        if is_missing:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role_name))
        if is_missing or renew_password:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(role_name, sql.Literal(password))
            )
        if not _exists(connection, "pg_database", "datname", database):
            for statement in (
                sql.SQL("CREATE DATABASE {database}"),
                sql.SQL("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}"),
            ):
                connection.execute(statement.format(database=database_name, role=role_name))


def _exists(
    connection: psycopg.Connection[tuple[object, ...]], catalogue: str, column: str, name: str
) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(
        sql.Identifier(catalogue), sql.Identifier(column)
    )
    return connection.execute(query, (name,)).fetchone() is not None
