"""What each month of the flights line decided, read from the history, as a Markdown table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_dataops.core.words import count_words
from airflow_dataops.hooks.ledger_store import LedgerStore

HEADINGS = ["month", "gate", "trained on", "AUC on the sealed days (95 % interval)", "decision", "serves"]


def year_table(ledger: LedgerStore, runs: Mapping[str, str]) -> str:
    """Return the table; `runs` maps months to the ids of their runs."""
    lines = [row_line(HEADINGS), row_line(["---"] * len(HEADINGS))]
    serves = "nothing"
    for month, run_id in runs.items():
        told = told_in(ledger, f"/flights_line/{run_id}/")
        serves = told.get("deployment.released", {}).get("version", serves)
        lines.append(row_line([month, gate_words(told), trained_words(told), auc_words(told), decision(told), serves]))
    return "\n".join(lines) + "\n"


def told_in(ledger: LedgerStore, run: str) -> dict[str, dict[str, Any]]:
    """Return the payloads of a run's events by their kind."""
    return {row.event.kind: dict(row.event.payload) for row in ledger.events() if run in row.event.actor}


def gate_words(told: Mapping[str, Any]) -> str:
    """Return what the gate did."""
    gate = told["quality.judged"]
    if gate["verdict"] == "hold":
        return f"**held**: {gate['sentence'].split(': ', 1)[1].rstrip('.')}"
    return f"{count_words(gate['rows'] - gate['rows_bad'])} rows let through, {count_words(gate['rows_bad'])} split off"


def trained_words(told: Mapping[str, Any]) -> str:
    """Return on how many rows which version was trained."""
    trained = told.get("model.trained")
    return f"{count_words(trained['rows'])} rows → version {trained['version']}" if trained else "–"


def auc_words(told: Mapping[str, Any]) -> str:
    """Return the figure and its interval."""
    if "model.evaluated" not in told:
        return "–"
    auc = told["model.evaluated"]["metrics"]["roc_auc"]
    return f"{auc['value']:.3f} ({auc['low']:.3f}–{auc['high']:.3f})"


def decision(told: Mapping[str, Any]) -> str:
    """Return whether the version was promoted, and how it compares with the champion."""
    if "model.evaluated" not in told:
        return "did not run"
    evaluated = told["model.evaluated"]
    reason = evaluated["sentence"].split("), ", 1)[1].rstrip(".")
    for filler in ("with 95 % confidence ", "and ", "which "):
        reason = reason.removeprefix(filler)
    return f"{'promoted' if evaluated['decision'] == 'promote' else '**rejected**'}: {reason}"


def row_line(cells: list[str]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    store = LedgerStore(f"sqlite:///{Path(sys.argv[1]) / 'airflow' / 'dataops' / 'ledger.db'}")
    snapshots = [row.event for row in store.events(kind="dataset.snapshotted") if "/flights_line/" in row.event.actor]
    print(year_table(store, {event.payload["partition"]: event.actor.split("/")[2] for event in snapshots}))
