"""Two logins: one that owns the schema and migrates it, one that only works with the rows."""

import psycopg
from psycopg import sql

APPEND_ONLY_MARK = "append-only"
"""A table whose COMMENT begins so can be read and added to by the application, nothing else."""


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


def grant_application_rights(owner_dsn: str, *, schema: str, role: str) -> None:
    """Let the application read and write the rows of the schema, and change none of its tables.

    Run after every migration; idempotent, in one transaction. A role that owns the schema
    already has every right and is left alone.
    """
    schema_name, role_name = sql.Identifier(schema), sql.Identifier(role)
    with psycopg.connect(owner_dsn) as connection:
        tables = connection.execute(
            """
            SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '')
              FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
             ORDER BY c.relname
            """,
            (schema,),
        ).fetchall()
        for statement in (
            sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {role}"),
            sql.SQL(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
            ),
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"),
            sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"),
        ):
            connection.execute(statement.format(schema=schema_name, role=role_name))
        for name, comment in tables:
            if str(comment).startswith(APPEND_ONLY_MARK):
                connection.execute(
                    sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {}.{} FROM {}").format(
                        schema_name, sql.Identifier(name), role_name
                    )
                )


def _exists(
    connection: psycopg.Connection[tuple[object, ...]], catalogue: str, column: str, name: str
) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(
        sql.Identifier(catalogue), sql.Identifier(column)
    )
    return connection.execute(query, (name,)).fetchone() is not None
