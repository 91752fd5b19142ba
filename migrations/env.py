"""Alembic's entry: runs inside the connection that the program gives."""

from alembic import context

from hub.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=False
)
context.run_migrations()
