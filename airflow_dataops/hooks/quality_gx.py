"""Great Expectations as the engine of the checks that do not compile, and as the oracle of those that do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_dataops.hooks.expectations_engine import build, project_config, quiet, raised

if TYPE_CHECKING:
    import pandas as pd
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.results import Found, ResultFormat

__all__ = ["run"]


def run(
    expectations: Mapping[int, Mapping[str, Any]],
    frame: pd.DataFrame,
    wanted: ResultFormat,
    remember: Callable[[Sequence[int]], exp.Expression | None] | None = None,
) -> dict[int, Found]:
    """Carry out expectations on a frame and return what came of each, by its number.

    Args:
        expectations: By number.
        frame: The rows; its labels do not matter.
        wanted: How much results tell.
        remember: Makes a predicate of positions; None where nobody asks which rows fail.
    """
    frame = frame.reset_index(drop=True)  # labels tell which rows fail, so they must be positions
    level = "COMPLETE" if remember is not None or wanted.level == "NONE" else wanted.level
    validated = validate(expectations, frame, {"result_format": level, "partial_unexpected_count": wanted.partial})
    return {number: found_of(result, wanted, remember) for number, result in validated.items()}


def validate(
    expectations: Mapping[int, Mapping[str, Any]], frame: pd.DataFrame, result_format: Mapping[str, Any]
) -> dict[int, Any]:
    """Run the expectations and return their results by number."""
    with quiet():
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral", project_config=project_config())
        asset = context.data_sources.add_pandas("data").add_dataframe_asset("data")
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        results = {}
        for number, expectation in expectations.items():
            built = build(expectation, number, "suite")
            results[number] = batch.validate(built, result_format=dict(result_format))
    return results


def found_of(
    result: Any, wanted: ResultFormat, remember: Callable[[Sequence[int]], exp.Expression | None] | None
) -> Found:
    """Return a result of Great Expectations as one of ours."""
    from airflow_dataops.core.quality_sql.results import Found, plain_value

    if raised(result):
        info = result.exception_info
        inner = [value for value in info.values() if isinstance(value, Mapping)] or [info]
        return Found(success=False, exception=str(inner[0].get("exception_message") or "Great Expectations failed"))
    try:
        document = plain_value(result.to_json_dict()["result"])
    except TypeError:  # its text would show a value
        return Found(success=False, exception="the result holds values of a type that JSON does not have")
    positions = document.get("unexpected_index_list") or []
    known = all(isinstance(position, int) for position in positions)
    predicate = remember(positions) if remember is not None and positions and known else None
    failed = int(document.get("unexpected_count") or 0)
    return Found(bool(result.success), trimmed(document, wanted), failed, predicate)


KEPT = {
    "NONE": {"element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent",
             "unexpected_percent_total", "unexpected_percent_nonmissing"},
    "BOOLEAN_ONLY": set(),
}  # fmt: skip
LISTS = {"unexpected_list", "unexpected_index_list", "unexpected_index_query"}


def trimmed(document: Mapping[str, Any], wanted: ResultFormat) -> dict[str, Any]:
    """Return as much of a complete result as is wanted."""
    if wanted.level in KEPT:
        return {name: value for name, value in document.items() if name in KEPT[wanted.level]}
    dropped = set() if wanted.level == "COMPLETE" else set(LISTS)
    if wanted.level == "BASIC":
        dropped |= {"partial_unexpected_counts", "partial_unexpected_index_list"}
    kept = {name: value for name, value in document.items() if name not in dropped}
    for name in ("partial_unexpected_list", "partial_unexpected_index_list"):
        if name in kept:
            kept[name] = kept[name][: wanted.partial]
    return kept
