"""Which columns got another name between two contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from airflow_dataops.core.contract_facts import EXISTS, Table
from airflow_dataops.core.contract_strength import spelled

__all__ = ["renamed_columns", "with_names"]


def renamed_columns(old: Table, new: Table) -> dict[str, str]:
    """Return which columns got which other name: those of one id, or of the same checks where no other has these."""
    gone = [name for name in old.columns if name not in new.columns]
    come = [name for name in new.columns if name not in old.columns]
    found: dict[str, str] = {}
    for name in gone:
        marks = {"id": old.columns[name].get("id"), "checks": signature(old, name)}
        for mark, value in marks.items():
            reader = (lambda table, c: table.columns[c].get("id")) if mark == "id" else signature
            same = [other for other in come if value and reader(new, other) == value and other not in found.values()]
            alone = [other for other in gone if reader(old, other) == value]
            if len(same) == 1 == len(alone) and name not in found:
                found[name] = same[0]
    return found


def signature(table: Table, column: str) -> str:
    """Return what is checked of a column alone beside its existence; empty where that is its type at most."""
    rules = [r for r in table.rules if r.columns == (column,) and r.kind != EXISTS]
    told = sorted(spelled([r.kind, r.arguments, r.severity, r.allowed]) for r in rules)
    return "\n".join(told) if any(r.kind != "dataops_column_to_hold" for r in rules) else ""


def with_names(table: Table, renamed: Mapping[str, str]) -> Table:
    """Return a table whose rules speak of columns by their new names."""
    rules = [replace(r, columns=tuple(renamed.get(name, name) for name in r.columns)) for r in table.rules]
    return replace(table, rules=tuple(rules))
