"""Checks learned from past partitions, and each tried on the partition that it was not learned from."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.suggestion.columns import Proposal
from airflow_dataops.core.suggestion.documents import (
    Judged,
    contract_document,
    expectation_of,
    property_of,
    suite_document,
)
from airflow_dataops.core.suggestion.freshness import rhythm_of
from airflow_dataops.core.suggestion.profile import PartitionProfile
from airflow_dataops.core.suggestion.proposals import (
    key_candidates,
    order_candidates,
    propose,
    restricted_columns,
    rising_candidates,
    shared_columns,
)
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError, SourceError
from airflow_dataops.hooks.profile_duckdb import Trials, profile, with_trials
from airflow_dataops.hooks.quality_duckdb import POSITION, DuckDBEngine, open_duckdb
from airflow_dataops.hooks.quality_evaluation import evaluate

__all__ = ["Source", "Suggestion", "files_of", "published_of", "suggest"]

BLOCKS = 10
LEAST_ROWS = 100
SUFFIXES = (".parquet", ".csv", ".csv.gz", ".csv.zst")


@dataclass(frozen=True, slots=True)
class Source:
    """One partition.

    Args:
        name: How people call it.
        path: Its file.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is proposed.

    Args:
        name: The dataset.
        judged: The proposals with what became of them on past partitions.
        profiles: What they were learned from.
        remarks: What a reviewer should know besides.
        learned: From what it was learned, in words.
    """

    name: str
    judged: Sequence[Judged]
    profiles: Sequence[PartitionProfile]
    remarks: Sequence[str]
    learned: str

    def suite(self) -> dict[str, Any]:
        """Return the proposal as a suite of Great Expectations."""
        return suite_document(self.judged, self.name, self.learned)

    def contract(self) -> dict[str, Any]:
        """Return the proposal as a data contract."""
        restricted = restricted_columns(self.profiles)
        names = [one.proposal.columns[0] for one in self.judged if one.proposal.aspect == "exists"]
        columns = {
            name: property_of(name, kind_of(name, self.profiles), restricted=name in restricted) for name in names
        }
        return contract_document(self.judged, self.name, self.learned, columns, rhythm_of(self.profiles, names))


def kind_of(name: str, profiles: Sequence[PartitionProfile]) -> str:
    """Return what a column holds in all partitions."""
    kinds = {one.columns[name].kind for one in profiles if one.columns[name].present}
    return "number" if kinds == {"integer", "number"} else kinds.pop() if len(kinds) == 1 else "other"


def files_of(data: Path, pattern: str | None) -> list[Source]:
    """Return the partitions that a file or folder holds, by name.

    Raises:
        SourceError: There are none.
    """
    if data.is_dir():
        found = sorted(data.glob(pattern)) if pattern else [p for p in sorted(data.iterdir()) if is_data(p)]
        found = [path for path in found if path.is_file()]
        if not found:
            wanted = pattern or ", ".join(f"*{suffix}" for suffix in SUFFIXES)
            raise SourceError(
                f"There is no file {wanted} in {data}.", hint="name the files: --partitions '2013/*.parquet'"
            )
        return [Source(path.relative_to(data).as_posix(), path) for path in found]
    if pattern:
        raise SourceError(f"{data} is no folder, so --partitions means nothing.", hint="name the folder of the files")
    return [Source(data.name, data)]


def is_data(path: Path) -> bool:
    """Whether a file by its name holds data that we read."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith((".", "_"))


def published_of(dataset: str, ledger_url: str) -> tuple[list[Source], list[int]]:
    """Return the published partitions of a dataset, and how many rows others had that are no longer there.

    Raises:
        SourceError: Nothing is published. A retry does not help.
    """
    # Files need neither Airflow nor the ledger.
    from airflow_dataops.hooks.dataset import DatasetHook  # noqa: PLC0415
    from airflow_dataops.hooks.ledger_store import LedgerStore  # noqa: PLC0415

    store = DatasetHook()
    published = store.published(dataset)
    if not published:
        raise SourceError(
            f"Nothing is published of {plain(dataset)!r} in the store at {store.root}.",
            hint="is the name right? or name a file or folder of data",
        )
    snapshots = [Snapshot.from_xcom(one["snapshot"]) for one in published.values()]
    sources = [Source(one.partition, store.verified_path(one)) for one in sorted(snapshots, key=lambda s: s.partition)]
    series = LedgerStore(ledger_url).series(f"dataset/{dataset}/rows")
    return sources, [int(one.value) for one in series if one.value is not None and one.partition not in published]


def suggest(
    sources: Sequence[Source], name: str, *, threshold: float = 0.95, history: Sequence[int] = ()
) -> Suggestion:
    """Learn from all partitions what to check, and try each check on the partitions one by one.

    Whether a check would have passed a partition is told by one that was learned from the others: bounds that
    were made to fit the partition would prove nothing. One partition alone is cut into ten blocks of rows.

    Raises:
        SourceError: A file cannot be read, or there are no rows. A retry does not help.
    """
    with learned_from(sources) as (whole, parts):
        profiles = profiles_of(whole)
        empty = [one.name for one in profiles if not one.rows]
        profiles = [one for one in profiles if one.rows]
        if not profiles:
            raise SourceError("There are no rows to learn from.", hint="name data that hold some")
        final = propose(profiles, history)
        tried = profiles if parts is whole else profiles_of(parts)
        passed, holds = fold_results(final, [one for one in parts if one.name not in empty], tried)
        if parts is not whole:
            holds = dict(zip(final, outcomes(final, whole[0]), strict=True))
    number = dict.fromkeys(final, len(tried) if len(tried) > 1 else 0)
    if parts is not whole:  # blocks are of one size because we made them so
        number |= {one: 0 for one in final if one.aspect == "rows"}
    judged = [Judged(one, passed[one.key], number[one], threshold, holds[one]) for one in final]
    judged = without_doubles(judged)
    return Suggestion(name, judged, profiles, remarks_of(profiles, judged, empty), words_of(profiles))


@contextmanager
def learned_from(sources: Sequence[Source]) -> Iterator[tuple[Sequence[Source], Sequence[Source]]]:
    """Give what is learned from, and the partitions that checks are tried on: of one file blocks of its rows.

    Files that must be parsed are parsed once, into parquet.
    """
    with tempfile.TemporaryDirectory(prefix="dataops-suggest-") as folder:
        whole = [parsed(source, Path(folder) / f"{number}.parquet") for number, source in enumerate(sources)]
        yield whole, whole if len(whole) > 1 else list(blocks(whole[0], Path(folder)))


def parsed(source: Source, target: Path) -> Source:
    """Return a partition as a parquet file."""
    if source.path.suffix.lower() == ".parquet":
        return source
    with open_duckdb(source.path) as engine:
        copy_rows(engine, "true", target)
    return Source(source.name, target)


def blocks(source: Source, folder: Path) -> Iterator[Source]:
    """Yield consecutive parts of a file, as files of their own."""
    with open_duckdb(source.path) as engine:
        rows = engine.rows()
        number = min(BLOCKS, rows // LEAST_ROWS)
        for block in range(number):
            ends = block * rows // number, (block + 1) * rows // number
            path = folder / f"block-{block}.parquet"
            copy_rows(engine, f"{POSITION} >= {ends[0]} AND {POSITION} < {ends[1]}", path)
            yield Source(f"rows {count_words(ends[0] + 1)} to {count_words(ends[1])}", path)


def copy_rows(engine: DuckDBEngine, wanted: str, target: Path) -> None:
    """Write rows into a parquet file, in their order; the condition is ours."""
    named = str(target).replace("'", "''")
    query = f"SELECT * EXCLUDE ({POSITION}) FROM source WHERE {wanted}"  # noqa: S608 - our own words
    engine.connection.execute(f"COPY ({query}) TO '{named}' (FORMAT PARQUET)")


def profiles_of(sources: Sequence[Source]) -> list[PartitionProfile]:
    """Return what each partition holds, with what came of trying keys, rising columns and orders.

    Groups of columns are tried only where no column alone tells rows apart.
    """
    known = []
    for source in sources:
        with open_duckdb(source.path) as engine:
            known.append(profile(engine, source.name))
    filled = [one for one in known if one.rows]
    candidates = key_candidates(filled)
    single = [columns for columns in candidates if len(columns) == 1]
    known = tried_on(sources, known, Trials(single, rising_candidates(filled), order_candidates(filled)))
    if any(all(one.unique[columns] for one in known if one.rows) for columns in single):
        return known
    return tried_on(sources, known, Trials([columns for columns in candidates if len(columns) > 1]))


def tried_on(sources: Sequence[Source], known: Sequence[PartitionProfile], trials: Trials) -> list[PartitionProfile]:
    """Return the profiles with what came of trying; groups of columns that failed once are not tried again."""
    found = []
    for source, one in zip(sources, known, strict=True):
        if not (one.rows and trials):
            found.append(one)
            continue
        with open_duckdb(source.path) as engine:
            found.append(with_trials(engine, one, trials))
        trials = trials.survivors(found[-1])
    return found


def fold_results(
    final: Sequence[Proposal], sources: Sequence[Source], profiles: Sequence[PartitionProfile]
) -> tuple[Counter[tuple[str, tuple[str, ...]]], dict[Proposal, bool]]:
    """Return how many partitions each check passes when it is learned from the others, and whether it passes all."""
    passed: Counter[tuple[str, tuple[str, ...]]] = Counter()
    holds = dict.fromkeys(final, True)
    wanted = {one.key for one in final}
    for number, source in enumerate(sources):
        others = [one for place, one in enumerate(profiles) if place != number]
        learned = [one for one in propose(others) if one.key in wanted]
        met = outcomes([*learned, *final], source)
        passed.update(one.key for one, good in zip(learned, met, strict=False) if good)
        for one, good in zip(final, met[len(learned) :], strict=True):
            holds[one] = holds[one] and good
    return passed, holds


def outcomes(proposals: Sequence[Proposal], source: Source) -> list[bool]:
    """Return whether a gate would let a partition through each check."""
    if not proposals:
        return []
    expectations = [expectation_of(one, one.options) for one in proposals]
    try:
        suite = suite_of({"name": source.name, "expectations": expectations}, "the proposal")
        with evaluate(suite, source.path) as evaluation:
            return [not result.is_exceeded(evaluation.rows) for result in evaluation.results]
    except SourceError:
        raise
    except BrokenCheckError:
        if len(proposals) == 1:
            return [False]
        return [outcome for one in proposals for outcome in outcomes([one], source)]


def without_doubles(judged: Sequence[Judged]) -> list[Judged]:
    """Return the proposals without the patterns of columns whose very values are listed."""
    listed = {one.proposal.columns for one in judged if one.on and one.proposal.aspect == "values"}
    return [one for one in judged if one.proposal.aspect != "pattern" or one.proposal.columns not in listed]


def remarks_of(profiles: Sequence[PartitionProfile], judged: Sequence[Judged], empty: Sequence[str]) -> list[str]:
    """Return what a reviewer should know besides the checks."""
    named = [plain(name) for name in restricted_columns(profiles)]
    told = []
    if named:
        told.append(f"Seems to tell of persons, so no value is shown and 'restricted' proposed: {', '.join(named)}.")
    everywhere = set.intersection(*(set(one.columns) for one in profiles))
    some = sorted({name for one in profiles for name in one.columns} - everywhere)
    if some:
        told.append(f"Not in every partition, so nothing is proposed for it: {plain(', '.join(some), 200)}.")
    odd = [
        name
        for name in everywhere
        if kind_of(name, profiles) == "other" and any(p.columns[name].present for p in profiles)
    ]
    if odd:
        told.append(f"Of different types, or of one that is not looked into: {plain(', '.join(sorted(odd)), 200)}.")
    if empty:
        told.append(f"Without rows, so not learned from: {plain(', '.join(empty), 200)}.")
    rhythm = rhythm_of(profiles, shared_columns(profiles))
    if rhythm:
        told.append(f"New data: {plain(rhythm.words, 200)}; the contract proposes {rhythm.days} days.")
    off = sum(not one.on for one in judged)
    if off:
        told.append(f"{off} checks are switched off (severity info): too many past partitions would have failed.")
    return told


def words_of(profiles: Sequence[PartitionProfile]) -> str:
    """Return from what a proposal was learned."""
    rows = count_words(sum(one.rows for one in profiles))
    if len(profiles) == 1:
        return f"{rows} rows of {plain(profiles[0].name)}"
    return f"{rows} rows in {len(profiles)} partitions, {plain(profiles[0].name)} to {plain(profiles[-1].name)}"
