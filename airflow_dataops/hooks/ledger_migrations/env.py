"""Alembic's entry: runs the ledger's migrations on the connection it is given."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from airflow_dataops.hooks.ledger_tables import VERSION_TABLE, metadata

__all__: list[str] = []

# Any constant of our own: keeps two upgrades of one PostgreSQL database apart.
MIGRATION_LOCK = 0x0DA7A096

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
context.run_migrations()
