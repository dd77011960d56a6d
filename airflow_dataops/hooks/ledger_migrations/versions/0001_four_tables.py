"""Create the four tables: event, measurement, claim, pointer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataops_event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event_key", sa.String(64), nullable=False, unique=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("actor", sa.String(500), nullable=False),
        sa.Column("run_key", sa.String(64), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_dataops_event_at", "dataops_event", ["at"])
    op.create_index("ix_dataops_event_run_key", "dataops_event", ["run_key"])
    op.create_index("ix_dataops_event_subject_id", "dataops_event", ["subject", "id"])
    op.create_index("ix_dataops_event_kind_id", "dataops_event", ["kind", "id"])
    op.create_table(
        "dataops_measurement",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("series", sa.String(500), nullable=False),
        sa.Column("partition", sa.String(250), nullable=False),
        sa.Column("run_key", sa.String(64), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("at", sa.String(32), nullable=False),
        sa.UniqueConstraint("series", "partition", "run_key", name="uq_dataops_measurement"),
    )
    op.create_table(
        "dataops_claim",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(1500), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("max_tries", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(250), nullable=False),
        sa.Column("heartbeat", sa.String(32), nullable=False),
        sa.Column("result", sa.Text, nullable=False),
    )
    op.create_table(
        "dataops_pointer",
        sa.Column("name", sa.String(500), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("run_key", sa.String(64), nullable=False),
        sa.Column("moved_at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    for name in ("dataops_pointer", "dataops_claim", "dataops_measurement", "dataops_event"):
        op.drop_table(name)
