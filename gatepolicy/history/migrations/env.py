"""How Alembic runs the migrations: in the connection, and the transaction, that it is handed."""

from alembic import context

from gatepolicy.history.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
