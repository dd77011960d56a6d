"""What does not go together: DAG with DAG, DAG with file, suite with contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_dataops.core.lint.document import Document, misfits
from airflow_dataops.core.lint.finding import Finding
from airflow_dataops.core.lint.uses import Argument, Use, stations_of
from airflow_dataops.core.quality_suite import columns_of
from airflow_dataops.core.words import plain

__all__ = ["Line", "dataset_of", "is_template", "line_findings"]

PUBLISHES = {"publish", "publish table"}
TABLE_WORDS = ("sql_conn_id", "schema", "table")


@dataclass(frozen=True, slots=True)
class Line:
    """Everything that was read.

    Args:
        uses: The stations of all DAG files.
        suites: What each gate judges by, where that could be read.
        documents: All suites and contracts.
        whole: Whether whole folders were read, so that what is absent is absent.
    """

    uses: Sequence[Use]
    suites: Mapping[Use, Document]
    documents: Sequence[Document]
    whole: bool = True
    published: frozenset[str] = field(init=False)
    untold: bool = field(init=False)

    def __post_init__(self) -> None:
        names = [name_of(use) for use in self.uses if use.role == "publish"]
        object.__setattr__(self, "published", frozenset(name for name in names if name))
        object.__setattr__(self, "untold", not all(names))


def line_findings(line: Line) -> Iterator[Finding]:
    """Yield what does not go together."""
    yield from untold_names(line)
    yield from published_twice(line)
    for use in line.uses:
        if use.role in {"publish", "load"}:
            yield from publication_findings(use)
        if use.role == "gate" and line.whole:
            yield from unpublished(use, line)
        if use.role == "train" and line.whole:
            yield from untrainable(use, line)
    if line.whole:
        yield from unused(line)
    yield from contract_findings(line)


def name_of(use: Use) -> str:
    """Return the dataset that a station names; empty where that is not known, or it names none."""
    given = use.argument("dataset")
    value: Any = given.value if given else None
    if use.role == "train":
        data = use.argument("data")
        value = data.value.get("dataset") if data and isinstance(data.value, Mapping) else None
    return value if isinstance(value, str) and not is_template(value) else ""


def target_of(use: Use) -> str:
    """Return what a station publishes, as people call it; empty where that is not known."""
    if use.role == "publish":
        named = name_of(use)
        return f"dataset {plain(named)!r}" if named else ""
    given = [use.argument(word) for word in TABLE_WORDS]
    values = [one.value for one in given if one is not None]
    told = all(isinstance(value, str) and not is_template(value) for value in values if value is not None)
    return f"table {plain('.'.join(str(value) for value in values if value), 120)!r}" if told and values else ""


def is_template(text: str) -> bool:
    """Whether a text is filled in when the task runs."""
    return "{{" in text or "{%" in text


def sources_of(use: Use) -> list[Use]:
    """Return the stations whose output a station reads."""
    return [found for argument in use.arguments.values() for found in stations_of(argument.value) if found is not use]


def dataset_of(use: Use) -> str:
    """Return the dataset that a station works on: its own name for it, or that of what it reads."""
    named = name_of(use)
    return named or next((name for name in map(dataset_of, upstream(use)) if name), "")


def upstream(use: Use) -> list[Use]:
    """Return the snapshots and loads that a station reads, directly or through a gate."""
    return [found for found in sources_of(use) if found.role in {"snapshot", "load", "gate"}]


def untold_names(line: Line) -> Iterator[Finding]:
    """Yield the names of datasets that only running the DAG tells."""
    for use in line.uses:
        given = use.argument("data" if use.role == "train" else "dataset")
        if given and not name_of(use):
            sentence = f"Which dataset this {use.name} names is known only when the DAG runs."
            yield Finding(given.place, "DO103", sentence)


def published_twice(line: Line) -> Iterator[Finding]:
    """Yield the datasets and tables that more than one task publishes."""
    first: dict[str, Use] = {}
    for use in line.uses:
        target = target_of(use) if use.role in PUBLISHES else ""
        before = first.setdefault(target, use)
        if target and before is not use:
            where = f"{before.place.file}, line {before.place.line}"
            sentence = f"The {target} is published here and in {where}: they overwrite each other."
            yield Finding(use.place, "DO302", sentence)


def publication_findings(use: Use) -> Iterator[Finding]:
    """Yield what is odd about one publication."""
    given, name = use.argument("gate"), name_of(use)
    if given is None or not isinstance(given.value, Use):
        return
    source = given.value
    if source.role == "snapshot":
        named = plain(name or dataset_of(source)) or "a dataset"
        yield Finding(given.place, "DO305", f"The snapshot of {named} goes on although no gate judged it.")
    judged = dataset_of(source)
    if name and judged and name != judged:
        sentence = f"What was judged as {plain(judged)!r} is published as {plain(name)!r}."
        yield Finding(argument_place(use, "dataset", given), "DO306", sentence)


def argument_place(use: Use, name: str, other: Argument) -> Any:
    """Return where an argument stands, else where another one does."""
    found = use.argument(name)
    return found.place if found else other.place


def unpublished(use: Use, line: Line) -> Iterator[Finding]:
    """Yield that nothing publishes what a gate lets through."""
    readers = [other for other in line.uses if other is not use and use in sources_of(other)]
    publishing = [one for one in line.uses if one.role in {"load", *PUBLISHES}]
    unclear = [one for one in publishing if one.place.file == use.place.file and not sources_of(one)]
    if readers or use.passed_on or unclear or any(one.open_ended for one in publishing):
        return
    name = plain(dataset_of(use))
    yield Finding(use.place, "DO301", f"What this gate lets through{f' of {name}' if name else ''} is never published.")


def untrainable(use: Use, line: Line) -> Iterator[Finding]:
    """Yield that nobody publishes what a training reads."""
    name, data = name_of(use), use.argument("data")
    if name and data and name not in line.published and not line.untold:
        near = ", ".join(sorted(map(plain, line.published))) or "no dataset at all"
        yield Finding(data.place, "DO303", f"The training reads {plain(name)!r}, but the DAGs publish {near}.")


def unused(line: Line) -> Iterator[Finding]:
    """Yield the files that no DAG uses; a contract with a used object is used."""
    used = {document.file for document in line.suites.values()}
    bound = {contract.file for _, contract in bindings(line)}
    for document in {one.file: one for one in line.documents}.values():
        if document.file not in used | bound:
            kind = "contract" if document.is_contract else "suite"
            yield Finding(document.at(), "DO304", f"No DAG that was checked uses this {kind}.")


def bindings(line: Line) -> list[tuple[str, Document]]:
    """Return the datasets of gates with their contracts: one that a gate names, or one that names the dataset."""
    datasets = {use: dataset_of(use) for use in line.suites}
    named = [(datasets[use], suite) for use, suite in line.suites.items() if suite.is_contract]
    by_name = [(one.name, one) for one in line.documents if one.is_contract and one.name in set(datasets.values())]
    unique = {(name, contract.file, contract.way): (name, contract) for name, contract in [*named, *by_name] if name}
    return list(unique.values())


def contract_findings(line: Line) -> Iterator[Finding]:
    """Yield where the suites of a dataset and its contract drifted apart."""
    for dataset, contract in bindings(line):
        judging = [suite for use, suite in line.suites.items() if dataset_of(use) == dataset]
        suites = {suite.file: suite for suite in judging if not suite.is_contract}
        for suite in suites.values():
            yield from unknown_columns(suite, contract)
            yield from misfits(suite, contract)
        if suites and not any(suite.is_contract for suite in judging):
            yield from unwatched_columns(list(suites.values()), contract)


def unknown_columns(suite: Document, contract: Document) -> Iterator[Finding]:
    """Yield the checks on columns that the contract does not have."""
    columns = contract.properties()
    for number, one in suite.expectations():
        for column in columns_of(one["kwargs"]):
            if columns and column not in columns:
                sentence = (
                    f"{plain(one['type'])} names the column {plain(column)!r}, which {contract.file} does not have."
                )
                yield Finding(suite.at_expectation(number, ""), "DO401", sentence)


def unwatched_columns(suites: Sequence[Document], contract: Document) -> Iterator[Finding]:
    """Yield the required columns of a contract at which no check looks."""
    watched = {column for suite in suites for _, one in suite.expectations() for column in columns_of(one["kwargs"])}
    for name, (number, column) in contract.properties().items():
        if (column.get("required") or column.get("primaryKey")) and name not in watched:
            files = ", ".join(suite.file for suite in suites)
            sentence = f"The contract requires the column {plain(name)!r}, but no check of {files} looks at it."
            yield Finding(contract.at(*contract.way, "properties", number), "DO402", sentence)
