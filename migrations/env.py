"""How migrations run: on a connection that `core/migrate.py` hands over, with early time-outs."""

from alembic import context
from sqlalchemy import Connection, text

connection: Connection = context.config.attributes["connection"]

# A migration that cannot get its lock in time must fail and be retried, not queue up all traffic.
connection.execute(text("SET lock_timeout = '5s'"))
connection.execute(text("SET statement_timeout = '10min'"))
connection.commit()

context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
