"""CSV is read as pandas reads it, which is what Great Expectations judges."""

from __future__ import annotations

import pytest

from airflow_dataops.testing import run_suite

COLUMNS = {
    "whole numbers": ["1", "2", "-3"],
    "whole numbers with gaps": ["1", "", "3"],
    "names of nothing": ["1.5", "NA", "null"],
    "nothing in texts": ["x", "NaN", "None"],
    "nothing at all": ["", "", ""],
    "truth values": ["True", "False", "True"],
    "truth values in capitals": ["TRUE", "FALSE", "TRUE"],
    "truth values with gaps": ["true", "", "false"],
    "single letters": ["T", "F", "T"],
    "yes and no": ["yes", "no", "yes"],
    "leading zeros": ["007", "010", "000"],
    "exponents": ["1e3", "2E-2", "3"],
    "infinities": ["inf", "-inf", "1"],
    "dates": ["2024-01-01", "2024-02-30", "x"],
    "real dates": ["2024-01-01", "2024-02-28", "2024-03-01"],
    "big numbers": ["9007199254740993", "1", "2"],
    "texts with spaces": [" x", "y ", " "],
    "quoted": ['"a,b"', '"c ""d"""', '"e"'],
    "unicode": ["é", "☂", "größe"],
    "thousands": ['"1,000"', '"2,000"', '"3,000"'],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_has_the_values_gaps_and_type_that_pandas_finds(tmp_path, name):
    lines = [f"{number},{cell}" for number, cell in enumerate(COLUMNS[name])]
    (tmp_path / "rows.csv").write_text("\n".join(["row,cell", *lines, ""]))
    checks = [
        ("expect_column_values_to_not_be_null", {"column": "cell"}),
        ("expect_column_values_to_be_null", {"column": "cell"}),
        ("expect_column_values_to_be_unique", {"column": "cell"}),
        *[
            ("expect_column_values_to_be_of_type", {"column": "cell", "type_": kind})
            for kind in ("int64", "float64", "str", "bool")
            if name != "truth values with gaps"
        ],
    ]
    suite = {"name": "s", "expectations": [{"type": kind, "kwargs": kwargs} for kind, kwargs in checks]}
    ours, theirs = [run_suite(suite, tmp_path / "rows.csv", engine=engine)["results"] for engine in ("duckdb", "gx")]
    for one, other in zip(ours, theirs, strict=True):
        told = [{k: v for k, v in r["result"].items() if "counts" not in k} for r in (one, other)]
        assert (one["success"], told[0]) == (other["success"], told[1])
