"""What changed between two contracts, suites or shorthands, and whom each change breaks.

Consumers rely on what is promised: a promise that is taken back or loosened breaks them. Producers must keep it: a new
or stricter promise breaks them. A check that only warns promises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_dataops.core.contract_about import about_changes
from airflow_dataops.core.contract_change import Change, change, name_of, told_of, value_words, worded
from airflow_dataops.core.contract_facts import EXISTS, Agreement, Rule, Table
from airflow_dataops.core.contract_renames import renamed_columns, with_names
from airflow_dataops.core.contract_strength import LOOSER, TIGHTER, merged, moves, spelled
from airflow_dataops.core.words import plain

__all__ = ["changes_of"]

BREAKS = {LOOSER: "consumers", TIGHTER: "producers"}


def changes_of(before: Agreement, after: Agreement) -> list[Change]:
    """Return all changes, those that break first."""
    found: list[Change] = []
    for old, new in pairs_of(before, after):
        found += table_changes(old, new, named=before.is_named and after.is_named)
    found += about_changes(before, after)
    order = ("breaking", "compatible", "informational")
    return sorted(found, key=lambda one: (order.index(one.kind), one.table, one.subject))


def pairs_of(before: Agreement, after: Agreement) -> list[tuple[Table | None, Table | None]]:
    """Return the tables that are compared: of one name, or the only ones."""
    if len(before.tables) == 1 == len(after.tables):
        return [(next(iter(before.tables.values())), next(iter(after.tables.values())))]
    names = list(dict.fromkeys([*before.tables, *after.tables]))
    return [(before.tables.get(name), after.tables.get(name)) for name in names]


def table_changes(old: Table | None, new: Table | None, *, named: bool) -> Iterator[Change]:
    """Yield what changed of one table."""
    if new is None or old is None:
        table = (old or new or Table("", {}, ())).name
        yield change(table, "", "the object was added" if old is None else "the object was removed",
                     [] if old is None else ["consumers"], harmless="compatible")  # fmt: skip
        return
    if old.name != new.name and named:
        yield change(new.name, "", f"the object was renamed from {plain(old.name)}", ["consumers", "producers"])
    elif old.name != new.name:
        yield change(new.name, "", f"the title was {plain(old.name)}")
    renamed = renamed_columns(old, new)
    gone = set(old.columns) - set(new.columns) - set(renamed)
    read = {name for rule in with_names(old, renamed).rules for name in rule.columns}
    come = set(new.columns) - set(old.columns) - read
    yield from column_changes(new, renamed, gone, come)
    for name in sorted((set(new.columns) & read) - set(old.columns) - set(renamed.values())):
        yield change(new.name, name, "that the column exists is checked now")
    yield from told_changes(old, new, renamed)
    yield from rule_changes(with_names(old, renamed), new, gone, come)
    for rule in sorted(old.unsupported ^ new.unsupported):
        done = "was removed" if rule in old.unsupported else "was added"
        yield change(new.name, "", f"the rule '{rule}', which is not checked, {done}")


def column_changes(new: Table, renamed: Mapping[str, str], gone: set[str], come: set[str]) -> Iterator[Change]:
    """Yield which columns came, went or got another name."""
    for name, other in renamed.items():
        yield change(new.name, other, f"the column was renamed from {plain(name)}", ["consumers", "producers"])
    for name in sorted(gone):
        yield change(new.name, name, "the column was removed", ["consumers"])
    filled = [rule for rule in new.rules if rule.kind.endswith("_not_be_null") and rule.is_enforced]
    required = {column for rule in filled for column in rule.columns}
    for name in sorted(come):
        what = "a required column was added" if name in required else "the column was added"
        yield change(new.name, name, what, ["producers"] if name in required else [], harmless="compatible")


def told_changes(old: Table, new: Table, renamed: Mapping[str, str]) -> Iterator[Change]:
    """Yield what is told differently of columns that stayed."""
    for name, told in old.columns.items():
        now = new.columns.get(renamed.get(name, name))
        if now is None:
            continue
        for word in sorted({*told, *now} - {"id"}):
            if told.get(word) != now.get(word):
                yield change(new.name, renamed.get(name, name), worded(word, told.get(word), now.get(word)))


def rule_changes(old: Table, new: Table, gone: set[str], come: set[str]) -> Iterator[Change]:
    """Yield which checks came, went or moved; those of columns that went or came are told with these."""
    for before, after in matched(old, new):
        rule = after or before
        if rule is None or (before is None and set(rule.columns) <= come and rule.columns):
            continue
        if after is None and set(rule.columns) & gone:
            continue
        if before is not None and after is not None:
            yield from moved(new.name, ", ".join(rule.columns), before, after)
        else:
            yield came_or_went(new.name, rule, came=before is None)


def came_or_went(table: str, rule: Rule, *, came: bool) -> Change:
    """Return that a check was added or removed."""
    breaks = ["producers" if came else "consumers"] if rule.is_enforced else []
    weak = "" if rule.is_enforced else " (it only warns)"
    what = f"{name_of(rule)} was {'added' if came else 'removed'}{value_words(rule)}{weak}"
    return change(table, ", ".join(rule.columns), what, breaks, harmless="compatible" if came else "informational")


def moved(table: str, subject: str, before: Rule, after: Rule) -> Iterator[Change]:
    """Yield how a check moved, and how much its failing weighs."""
    directions, name = moves(before, after), name_of(after)
    if before.is_enforced != after.is_enforced:
        directions = frozenset({TIGHTER if after.is_enforced else LOOSER})
        yield change(
            table, subject, f"{name}: failing it was {before.severity} and is {after.severity}", sides(directions)
        )
        return
    if before.severity != after.severity:
        yield change(table, subject, f"{name}: failing it was {before.severity} and is {after.severity}")
    if directions:
        how = " and ".join(sorted(directions)) if len(directions) == 1 else "different"
        what = f"{name} became {how}: {told_of(before)} → {told_of(after)}"
        yield change(table, subject, what, sides(directions) if after.is_enforced else [], harmless="compatible")


def sides(directions: frozenset[str]) -> list[str]:
    """Return whom a check that moved breaks."""
    return [BREAKS[one] for one in (LOOSER, TIGHTER) if one in directions]


def matched(old: Table, new: Table) -> Iterator[tuple[Rule | None, Rule | None]]:
    """Yield the checks of both that belong together: of one type on the same columns and rows."""
    groups: dict[str, tuple[list[Rule], list[Rule]]] = {}
    for place, table in enumerate((old, new)):
        for rule in merged([rule for rule in table.rules if rule.kind != EXISTS]):
            parts = [rule.kind, rule.columns, *[rule.arguments.get(name) for name in ("row_condition", "reference")]]
            key = spelled([*parts, rule.id if rule.kind == "dataops_query_value_to_be" else None])
            groups.setdefault(key, ([], []))[place].append(rule)
    for before, after in groups.values():
        for rule in list(before):
            same = next((one for one in after if is_same(rule, one)), None)
            if same is not None:
                before.remove(rule)
                after.remove(same)
        for place in range(max(len(before), len(after))):
            yield before[place] if place < len(before) else None, after[place] if place < len(after) else None


def is_same(first: Rule, second: Rule) -> bool:
    """Whether two checks promise the same."""
    return not moves(first, second) and first.severity == second.severity
