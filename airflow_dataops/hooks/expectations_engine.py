"""Great Expectations as the engine that carries out a suite on a parquet file."""

from __future__ import annotations

import difflib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.quality_check import CheckResult, Suite
from airflow_dataops.core.quality_suite import missing_columns
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError, SourceError
from airflow_dataops.hooks.expectations_report import raised, report

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate", "row_levels"]

NAME = "great_expectations"
RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,  # positions are enough, and values are nobody's business
    "return_unexpected_index_query": False,
}
OUR_ARGUMENTS = ("result_format", "catch_exceptions", "batch_id")
"""Arguments that say how to run, not what must be true: a suite that brings them would hide which rows fail."""
ROW_LEVEL_CLASSES = {"ColumnMapExpectation", "ColumnPairMapExpectation", "MulticolumnMapExpectation"}
WHOLE_COLUMN_TYPES = {"expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"}
"""Written as if they judged rows, but on pandas a column has one type."""
NUMBER_WORDS = ("mean", "median", "stdev", "sum", "quantile", "z_scores", "outliers", "kl_divergence")
TEXT_WORDS = ("regex", "value_lengths", "json", "strftime", "dateutil")


def row_levels(expectations: Sequence[Mapping[str, Any]], source: str) -> list[bool]:
    """Return for each expectation whether it can tell which rows fail; checks its type and arguments on the way.

    Raises:
        BrokenCheckError: An expectation is unknown or its arguments are wrong. A retry does not help.
    """
    with quiet():
        built = [build(expectation, number, source) for number, expectation in enumerate(expectations)]
    return [is_row_level(expectation) for expectation in built]


def is_row_level(expectation: Any) -> bool:
    """Whether an expectation judges rows one by one."""
    bases = {base.__name__ for base in type(expectation).__mro__}
    return bool(bases & ROW_LEVEL_CLASSES) and expectation.expectation_type not in WHOLE_COLUMN_TYPES


def build(expectation: Mapping[str, Any], number: int, source: str) -> Any:
    """Return the expectation as an object of Great Expectations that remembers its number."""
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kind, severity = expectation["type"], expectation.get("severity") or "critical"
    where = f"{source}, expectation {number + 1} ({plain(kind)})"
    kwargs = {name: value for name, value in expectation["kwargs"].items() if name not in OUR_ARGUMENTS}
    try:
        return ExpectationConfiguration(
            type=kind, kwargs=kwargs, meta={"dataops_number": number}, severity=severity
        ).to_domain_obj()
    except ExpectationNotFoundError as error:
        raise BrokenCheckError(f"{where} is of an unknown type.", hint=similar_types(kind)) from error
    except Exception as error:  # many kinds, of Great Expectations and of two pydantics
        raise BrokenCheckError(
            f"{where} has wrong arguments: {argument_faults(error).rstrip('.')}.", hint="mend the suite"
        ) from error


def similar_types(kind: str) -> str:
    """Return a hint that names types like the unknown one."""
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    known = difflib.get_close_matches(kind, list_registered_expectation_implementations(), n=3)
    return f"did you mean {' or '.join(known)}?" if known else "see the gallery of Great Expectations for its types"


def argument_faults(error: Exception) -> str:
    """Return what is wrong with an expectation's arguments, on one line."""
    if hasattr(error, "errors"):
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return plain("; ".join(faults), 400).replace("__root__: ", "")
    return plain(str(error), 400) or type(error).__name__


def evaluate(suite: Suite, path: Path) -> tuple[list[CheckResult], int, dict[str, Any]]:
    """Carry out a suite on a parquet file.

    Returns:
        One result per check in the suite's order, the number of rows, and the report in the form of Great
        Expectations' validation result, without values out of rows.

    Raises:
        BrokenCheckError: The suite does not fit the data. A retry does not help.
    """
    import pyarrow.parquet as pq

    kinds = column_kinds(path)
    missing = [missing_columns(suite, number, list(kinds)) for number in range(len(suite.checks))]
    # Positions are told by index labels, so labels must be positions: metadata of pandas is ignored.
    frame = pq.read_table(path).to_pandas(ignore_metadata=True)
    runnable = [number for number, absent in enumerate(missing) if not absent]
    found = validate(suite, runnable, frame)
    results = [result_of(suite, number, found.get(number), missing[number], kinds) for number in range(len(missing))]
    return results, len(frame), report(suite, found)


def column_kinds(path: Path) -> dict[str, str]:
    """Return what each column holds, in words: text, numbers, times, truth values or other things."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tests = {
        "truth values": pa.types.is_boolean,
        "numbers": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind),
        "times": pa.types.is_temporal,
        "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    }
    schema = pq.read_schema(path)
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise SourceError(
            f"The data have more than one column named {plain(twice[0])!r}.", hint="rename one of them in the source"
        )
    kinds = {}
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        kinds[field.name] = next((word for word, test in tests.items() if test(kind)), "other things")
    return kinds


def validate(suite: Suite, numbers: Sequence[int], frame: pd.DataFrame) -> dict[int, Any]:
    """Run the expectations at `numbers` on the frame and return their results by number."""
    with quiet():
        import great_expectations as gx
        from great_expectations.exceptions import GreatExpectationsError

        context = gx.get_context(mode="ephemeral", project_config=project_config())
        asset = context.data_sources.add_pandas("snapshot").add_dataframe_asset("snapshot")
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        # One by one: the constructor of ExpectationSuite drops invalid expectations silently.
        built = [build(suite.expectations[number], number, suite.source) for number in numbers]
        try:
            validated = batch.validate(
                gx.ExpectationSuite(name="suite", expectations=built), result_format=RESULT_FORMAT
            )
        except (GreatExpectationsError, ValueError, TypeError, KeyError) as error:
            raise BrokenCheckError(
                f"{suite.source} cannot be carried out: {type(error).__name__}.",
                hint="are there suite parameters? give their values in the suite itself",
            ) from error
    # Results come in another order than the expectations went in.
    return {result.expectation_config.meta["dataops_number"]: result for result in validated.results}


def project_config() -> Any:
    """Return a project that lives in memory: no files, no pages, no progress bars."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )


def result_of(suite: Suite, number: int, found: Any, missing: list[str], kinds: Mapping[str, str]) -> CheckResult:
    """Return what was found out about one check in our own words.

    Raises:
        BrokenCheckError: The check could not be carried out and the data are not to blame.
    """
    check = suite.checks[number]
    if missing:
        return CheckResult(check, success=None, reason=f"the column {plain(missing[0])} is missing")
    if raised(found):
        reason = wrong_kind(suite, number, kinds)
        if reason:
            return CheckResult(check, success=False, reason=reason)
        held = ", ".join(f"{plain(column)} holds {kinds[column]}" for column in check.columns if column in kinds)
        raise BrokenCheckError(
            f"{suite.where(number)} cannot be carried out{f' ({held})' if held else ''}: {safe_message(found)}.",
            hint="correct its arguments or its condition, or leave it out: not every expectation works on files",
        )
    if not check.row_level:
        return CheckResult(check, bool(found.success))
    failed = int(found.result.get("unexpected_count") or 0)
    positions = tuple(int(position) for position in found.result.get("unexpected_index_list") or ())
    if check.severity.holds and len(positions) != failed:
        raise BrokenCheckError(
            f"{suite.where(number)} found {failed} failing rows but told of {len(positions)} which they are.",
            hint="give it the severity warn or info",
        )
    return CheckResult(check, bool(found.success), failed, positions if check.severity.holds else ())


def wrong_kind(suite: Suite, number: int, kinds: Mapping[str, str]) -> str:
    """Return in which way the data are of another type than the check needs; empty when they are not."""
    check, kwargs = suite.checks[number], suite.expectations[number]["kwargs"]
    needed = needed_kind(check.type, kwargs)
    held = {column: kinds[column] for column in check.columns if column in kinds}
    for column, kind in held.items():
        if needed and kind != needed:
            return f"the column {plain(column)} holds {kind} where {needed} are needed".replace("text are", "text is")
    if len(set(held.values())) > 1:
        listed = ", ".join(f"{plain(column)} holds {kind}" for column, kind in held.items())
        return f"columns that are compared are of different types: {listed}"
    return ""


def needed_kind(kind: str, kwargs: Mapping[str, Any]) -> str:
    """Return what an expectation needs its columns to hold; empty when that cannot be told."""
    if any(word in kind for word in TEXT_WORDS):
        return "text"
    bounds = [kwargs.get("min_value"), kwargs.get("max_value")]
    numeric = any(isinstance(bound, int | float) for bound in bounds)
    return "numbers" if numeric or any(word in kind for word in NUMBER_WORDS) else ""


def safe_message(found: Any) -> str:
    """Return what went wrong if the words cannot hold a value out of a row, else only that it did."""
    info = found.exception_info or {}
    messages = [str(value.get("exception_message")) for value in info.values() if isinstance(value, Mapping)]
    messages.append(str(info.get("exception_message") or ""))
    for message in messages:
        if message.startswith(("No provider found", "name '")):
            return plain(message, 200)
    return "Great Expectations raised an error"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations' notes and warnings about itself out of the task's log, and its reports at home."""
    # Releases before 1.24 report their use to their makers unless told not to.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger = logging.getLogger(NAME)
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            import great_expectations.expectations  # noqa: F401 - the import alone writes 250 lines

            # This one sets its own level while it is imported.
            logging.getLogger(f"{NAME}.data_context.types.base").setLevel(logging.NOTSET)
            yield
        finally:
            logger.setLevel(level)
