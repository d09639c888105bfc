"""Alembic's entry: one connection, handed in by `run`, inside one transaction."""

from alembic import context

from gosellr.models.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
