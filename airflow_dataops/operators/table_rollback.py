"""Going back to an earlier version of a published table, and who has read the bad one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from airflow_dataops.core.ledger import Claim, Event
from airflow_dataops.core.table import TableName, current_of, earlier, mark_of, table_pointer
from airflow_dataops.exceptions import BrokenCheckError, ConflictError
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.table import open_tables
from airflow_dataops.hooks.table_swap import Seen, TableSwap
from airflow_dataops.operators.reading import MOST_KEPT, consumers, few, readers_words
from airflow_dataops.operators.station import Outcome, StationOperator
from airflow_dataops.operators.table import follow

__all__ = ["RollbackTableOperator"]


class RollbackTableOperator(StationOperator):
    """Make an earlier version of a published table current again, in one transaction; name who read the bad one.

    The bad version is kept, so that it can be looked at, until later publications drop it. Those are named who read
    it through `read_table`.

    Args:
        table: The published table. (templated)
        schema: Its schema; by default the connection's own. (templated)
        sql_conn_id: The connection of the database.
        to_version: The version's number; by default the one before the current. (templated)
        reason: Why, for the history. (templated)
        lock_seconds: How long to wait for readers that hold the table.

    Returns:
        ``{"table", "schema", "sql_conn_id", "version", "rows", "mode", "moved", "verdict", "source", "from_version",
        "reason", "pointer", "consumers", "consumers_count"}``; the first few consumers are named, all stand in the
        event.

    Raises:
        AirflowFailException: The version is not kept, or another run changed the table. A retry does not help.
        OutageError: The database does not answer, or others hold the table. A retry helps.
    """

    template_fields: Sequence[str] = ("table", "schema", "to_version", "reason")

    def __init__(
        self,
        *,
        table: str,
        schema: str | None = None,
        sql_conn_id: str,
        to_version: int | str | None = None,
        reason: str = "",
        lock_seconds: float = 5.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.schema = schema
        self.sql_conn_id = sql_conn_id
        self.to_version = to_version
        self.reason = reason
        self.lock_seconds = lock_seconds

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Decide once and remember it, so that a retry does not go back twice; then swap and let the ledger follow."""
        target = TableName(self.table, self.schema or None).checked()
        name = table_pointer(self.sql_conn_id, target)
        with open_tables(self.sql_conn_id, self.lock_seconds) as database:
            swap = TableSwap(database, target, mark_of(claim))
            if claim.result.get("seen") is None:
                claim = ledger.note(claim, self.plan(swap))
            try:
                known = int(ledger.pointer(name).value.get("moved", 0))
                back = swap.roll_back(claim.result["version"], Seen(**claim.result["seen"]), known)
            except ConflictError:
                ledger.note(claim, {"seen": None})  # nothing was done; whoever clears the task lets it look anew
                raise
        bad = claim.result["bad"]
        place = {"table": target.name, "schema": target.schema, "sql_conn_id": self.sql_conn_id}
        value = {**place, **made(ledger, name, back.version), "version": back.version, "rows": back.rows}
        value |= {"moved": back.moved}
        pointer = {"name": name, "version": follow(ledger, claim, name, value)}
        told = consumers(ledger, name, bad)
        result = {**value, "from_version": bad, "reason": self.reason[:200], "pointer": pointer}
        result |= {"consumers": few(told), "consumers_count": len(told)}
        sentence = f"{target.words} is version {back.version} again instead of {bad}, {readers_words(len(told))}."
        self.log.info(sentence)
        payload = {"sentence": sentence, **result, "consumers": told[:MOST_KEPT]}
        return Outcome(result, events=[Event("table.rolled_back", name, payload)])

    def plan(self, swap: TableSwap) -> dict[str, Any]:
        """Return where to go back to: the version, the bad one, and what is there now.

        Raises:
            BrokenCheckError: There is no such version. A retry does not help.
        """
        seen, versions = swap.seen(), swap.versions()
        current = current_of(versions)
        bad = current.version if current else 0
        version = earlier(versions, bad, self.wanted(), swap.target.words)
        return {"version": version, "bad": bad, "seen": {"moved": seen.moved, "identity": seen.identity}}

    def wanted(self) -> int | None:
        """Return the number that was asked for; templates make texts.

        Raises:
            BrokenCheckError: It is no number. A retry does not help.
        """
        given = self.to_version
        if given in {None, "", "None"}:
            return None
        try:
            return int(str(given))
        except ValueError as error:
            raise BrokenCheckError(
                f"{self.task_id}: got to_version={given!r}, which is no number of a version.",
                hint="leave it out to go back by one version",
            ) from error


def made(ledger: LedgerStore, name: str, version: int) -> dict[str, Any]:
    """Return how a version came to be; nothing of one that was there before the first publication."""
    told = [row.event.payload for row in ledger.events(kind="table.published", subject=name)]
    found = [payload for payload in told if payload["version"] == version]
    return {key: found[-1][key] for key in ("mode", "verdict", "source")} if found else {}
