"""The ledger's four tables."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

__all__ = ["VERSION_TABLE", "claim", "event", "measurement", "metadata", "pointer"]

VERSION_TABLE = "dataops_alembic_version"

metadata = MetaData()

event = Table(
    "dataops_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("event_key", String(64), nullable=False, unique=True),
    # Text, not TIMESTAMP: hashed as written, equal on every database, and sorts by time.
    Column("at", String(32), nullable=False, index=True),
    Column("kind", String(100), nullable=False),
    Column("subject", String(500), nullable=False),
    Column("actor", String(500), nullable=False),
    Column("run_key", String(64), nullable=False, index=True),
    Column("payload", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_dataops_event_subject_id", "subject", "id"),
    Index("ix_dataops_event_kind_id", "kind", "id"),
)

measurement = Table(
    "dataops_measurement",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("series", String(500), nullable=False),
    Column("partition", String(250), nullable=False),
    Column("run_key", String(64), nullable=False),
    Column("value", Float, nullable=True),
    Column("at", String(32), nullable=False),
    UniqueConstraint("series", "partition", "run_key", name="uq_dataops_measurement"),
)

claim = Table(
    "dataops_claim",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("run", String(1500), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("attempt_id", String(64), nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("max_tries", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(250), nullable=False),
    Column("heartbeat", String(32), nullable=False),
    Column("result", Text, nullable=False),
)

pointer = Table(
    "dataops_pointer",
    metadata,
    Column("name", String(500), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("run_key", String(64), nullable=False),
    Column("moved_at", String(32), nullable=False),
)
