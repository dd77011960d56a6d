"""The tables of the benchmarks as Markdown, from what they write as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Compared", "compared_table", "growth_table", "markdown", "rows_table"]


@dataclass(frozen=True)
class Compared:
    """What one of several programs cost that did the same, and how many times as much as ours.

    Args:
        what: The program.
        checks: How many of the checks it can say; 0 where it checks nothing.
        cpu: CPU seconds of the whole process.
        judging: Those of reading and judging alone.
        megabytes: Peak resident memory.
        cpu_ratio: `cpu` against ours; the other ratios likewise.
        failed: Why there are no figures.
    """

    what: str
    checks: int = 0
    cpu: float = 0
    judging: float = 0
    megabytes: float = 0
    cpu_ratio: float = 0
    judging_ratio: float = 0
    memory_ratio: float = 0
    failed: str = ""


def markdown(told: Mapping[str, Any]) -> str:
    """Return all tables of one benchmark."""
    parts = [rows_table(told["rows"])] if told["rows"] else []
    parts += [growth_table(told["points"])] if "points" in told else []
    parts += [compared_table(what, lines) for what, lines in told["tables"].items()]
    return "\n\n".join(parts)


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of figures and their targets."""
    lines = ["| what | measured | target |", "| --- | --- | --- |"]
    for row in rows:
        missed = "" if row["met"] else "  **missed**"
        target = "" if row["limit"] is None else f"≤ {row['limit']:.3g} {row['unit']}{missed}"
        lines.append(f"| {row['what']} | {row['value']:.3g} {row['unit']} | {target} |")
    return "\n".join(lines)


def compared_table(what: str, lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of programs that did the same."""
    head = ["checks", "CPU, whole process", "CPU, reading and judging", "peak memory"]
    table = [f"| {what} | {' | '.join(head)} |", f"| --- |{' --- |' * len(head)}"]
    for line in lines:
        if line["failed"]:
            table.append(
                f"| {line['what']} | failed: {line['failed'].replace('|', '/')[:200]} |{' |' * (len(head) - 1)}"
            )
            continue
        figures = [
            f"{line['cpu']:.3g} s ({line['cpu_ratio']:.2g} ×)",
            f"{line['judging']:.3g} s ({line['judging_ratio']:.2g} ×)",
            f"{line['megabytes']:.0f} MB ({line['memory_ratio']:.2g} ×)",
        ]
        table.append(f"| {line['what']} | {line['checks'] or '–'} | {' | '.join(figures)} |")
    return "\n".join(table)


def growth_table(points: Sequence[Mapping[str, Any]]) -> str:
    """Return the costs of all as they grow, a line for each place on the axis."""
    owners = list(dict.fromkeys(point["who"] for point in points))
    places = list(dict.fromkeys((point["along"], point["count"]) for point in points))
    costs = {(point["along"], point["count"], point["who"]): point for point in points}
    table = [f"| what | {' | '.join(owners)} |", f"| --- |{' --- |' * len(owners)}"]
    for along, count in places:
        cells = [cost_words(costs.get((along, count, who))) for who in owners]
        table.append(f"| {count:,} {along} | {' | '.join(cells)} |".replace(",", "\N{NO-BREAK SPACE}"))
    return "\n".join(table)


def cost_words(point: Mapping[str, Any] | None) -> str:
    """Return what one point cost."""
    return "not run" if point is None else f"{point['cpu']:.3g} CPU s; {point['megabytes']:.0f} MB"
