"""What Alembic runs: the connection, and the transaction around it, are those of the caller."""

from alembic import context

from surveys.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
