"""What a database says about a query that only reads, as one of our errors."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy.exc import DataError, InterfaceError, OperationalError

from airflow_dataops.exceptions import BrokenCheckError, OutageError

__all__ = ["told"]

DENIED = ("42501",)
MISUSED = ("42", "3F")
UNCOMPUTABLE = ("22",)
OUTAGES = ("08", "53", "57", "55", "40")


def told(error: sqlalchemy.exc.SQLAlchemyError, url: sqlalchemy.URL, conn_id: str | None) -> Exception:
    """Return the error that a driver's message means; it may be one that makes the check run elsewhere.

    Args:
        error: What SQLAlchemy raised.
        url: The database.
        conn_id: The Airflow connection, named in the message.
    """
    from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError

    original = getattr(error, "orig", None)
    state = str(getattr(original, "sqlstate", None) or getattr(original, "pgcode", "") or "")
    lines = str(getattr(getattr(original, "diag", None), "message_primary", None) or original or error).splitlines()
    text = lines[0] if lines else type(error).__name__
    address = url.set(query={}).render_as_string(hide_password=True)
    if state in DENIED:
        return BrokenCheckError(
            f"The database at {address} does not let us read: {text}",
            hint="GRANT SELECT on the table, and USAGE on its schema, to the user of the connection",
        )
    if state.startswith(MISUSED) or text.startswith(("no such column", "no such function", "near ")):
        return UnfitError("the query cannot be run: it names what the data do not have")
    if state.startswith(UNCOMPUTABLE) or isinstance(error, DataError) or "overflow" in text:
        return UncompilableError("the database cannot compute it")
    if state.startswith(OUTAGES) or isinstance(error, OperationalError | InterfaceError):
        return OutageError("The database", address, conn_id, text)
    # What a function of the user's own raises may hold values.
    return BrokenCheckError(
        f"The database at {address} refuses a check (SQLSTATE {state or 'unknown'}).", hint="see the database's log"
    )
