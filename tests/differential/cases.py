"""Tables and checks drawn by chance, in the kinds that people have."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

import pandas as pd

TEXTS = ["a", "b", "abc", "é", "", "A1", "a\n", "x" * 5000, "2020-01-01", '{"a": 1}', "7", "it's", "☂", "\\", "%_"]
NUMBERS = [0.1, 0.2, 0.3, 1.5, -2.25, 7.0, float("nan"), 1e300]
BIG = [0, 1, -1, 2**53 - 1, -(2**53), 10**15]
PATTERNS = [
    "^a", "b$", r"\d+", r"^\w+$", "a|b", "(?i)A", "[a-c]{1,3}", r"^$", r"(?=a)a", r"\bA", ".", "é", r"\s", "x{40,}",
    r"[^a-z]", r"(a)(b)?", r"\Aa\Z", r"a*?b", r"\.", r"[\d_]", "☂",
]  # fmt: skip
CONDITIONS = [
    "i>1",
    "i<=2 and t=='a'",
    "j>1",
    "s=='a' or i==1",
    "b==True",
    "not (i>1)",
    "i in [1,2]",
    "f!=0.1",
    "s!='a'",
]
IGNORED_OF_TWO = ["both_values_are_missing", "either_value_is_missing", "neither"]
IGNORED_OF_MANY = ["all_values_are_missing", "any_value_is_missing", "never"]
COLUMNS = list("ijfgstbduk")
SETS = {
    "i": [-1, 0, 1, 2, 3, 4, 5],
    "s": ["a", "b", "abc", "é", ""],
    "t": ["a", "b", "abc", "d'x"],
    "f": [0.1, 0.2, 0.3, 1.5, 7.0],
    "b": [True, False],
}


def table(random: Random) -> pd.DataFrame:
    """Return a table: whole numbers, numbers with gaps and infinities, texts, truth values, times; perhaps no row."""
    rows = random.choice([0, 1, 2, 5, 8, 13, 30])
    gaps = random.choice([0.0, 0.0, 0.2, 0.5, 1.0])

    def some(choices: list[Any]) -> list[Any]:
        return [None if random.random() < gaps else random.choice(choices) for _ in range(rows)]

    def all_of(choices: list[Any]) -> list[Any]:
        return [random.choice(choices) for _ in range(rows)]

    days = [dt.datetime(2020, 1, day, hour) for day in (1, 2, 28) for hour in (0, 23)]  # noqa: DTZ001 - pandas' own
    return pd.DataFrame(
        {
            "i": pd.Series(all_of(list(range(-3, 7))), dtype="int64"),
            "j": pd.Series(some(list(range(-3, 7))), dtype="float64"),
            "f": pd.Series(some(NUMBERS), dtype="float64"),
            "g": pd.Series(all_of([0.1, float("inf"), -1.0, 2.0, float("-inf")]), dtype="float64"),
            "s": pd.Series(some(TEXTS), dtype="str"),
            "t": pd.Series(all_of(["a", "b", "abc", "d'x"]), dtype="str"),
            "b": pd.Series(all_of([True, False]), dtype="bool"),
            "d": pd.Series(pd.to_datetime(some(days)), dtype="datetime64[us]"),
            "u": pd.Series(range(rows), dtype="int64"),
            "k": pd.Series(all_of(BIG), dtype="int64"),
        }
    )


def between(random: Random, *, whole: bool = False) -> dict[str, Any]:
    """Return bounds, of which one may be missing or strict."""
    low, high = random.choice([None, -2, 0, 1, 0.1]), random.choice([None, 1, 2, 5, 6.5])
    if low is None and high is None:
        high = 3
    if low is not None and high is not None:
        high = max(low, high)
    bounds: dict[str, Any] = {"min_value": low, "max_value": high}
    bounds = {name: int(value) if whole else value for name, value in bounds.items() if value is not None}
    for name in ("strict_min", "strict_max"):
        if random.random() < 0.3:
            bounds[name] = True
    return bounds


def column_of(random: Random, *names: str) -> dict[str, Any]:
    return {"column": random.choice(names)}


def of_set(random: Random) -> dict[str, Any]:
    name = random.choice(list(SETS))
    return {"column": name, "value_set": random.sample(SETS[name], 2)}


def of_pair(random: Random) -> dict[str, Any]:
    first, second = random.sample(["i", "j", "f", "g", "u", "k"], 2)
    return {"column_A": first, "column_B": second, "ignore_row_if": random.choice(IGNORED_OF_TWO)}


def of_many(random: Random, *choices: list[str]) -> dict[str, Any]:
    return {"column_list": random.choice(choices), "ignore_row_if": random.choice(IGNORED_OF_MANY)}


MIXED_SETS = [[1, 2, 3], ["a", "b", "é"], [0.1, 1], [1, "a"], [True], [None, 1], [1e300, 2.0], ["it's"]]
PAIRS = [[1, 2], [2, None], [3, "a"], [0, "b"]]
FIGURES = ["min", "max", "mean", "median", "stdev", "sum", "proportion_of_non_null_values"]
ROW_CHECKS: dict[str, Any] = {
    "expect_column_values_to_not_be_null": lambda r: column_of(r, *COLUMNS),
    "expect_column_values_to_be_null": lambda r: column_of(r, *COLUMNS),
    "expect_column_values_to_be_in_set": lambda r: {**column_of(r, *"ijfstbg"), "value_set": r.choice(MIXED_SETS)},
    "expect_column_values_to_not_be_in_set": lambda r: {**column_of(r, *"ijfstbg"), "value_set": r.choice(MIXED_SETS)},
    "expect_column_values_to_be_between": lambda r: {**column_of(r, *"ijfgbuk"), **between(r)},
    "expect_column_values_to_match_regex": lambda r: {**column_of(r, "s", "t"), "regex": r.choice(PATTERNS)},
    "expect_column_values_to_not_match_regex": lambda r: {**column_of(r, "s", "t"), "regex": r.choice(PATTERNS)},
    "expect_column_values_to_match_regex_list": lambda r: {
        **column_of(r, "s", "t"), "regex_list": r.sample(PATTERNS, 2), "match_on": r.choice(["any", "all"])
    },
    "expect_column_values_to_not_match_regex_list": lambda r: {
        **column_of(r, "s", "t"), "regex_list": r.sample(PATTERNS, 2)
    },
    "expect_column_values_to_match_strftime_format": lambda r: {
        **column_of(r, "s", "t"), "strftime_format": "%Y-%m-%d"
    },
    "expect_column_values_to_be_dateutil_parseable": lambda r: column_of(r, "s", "t"),
    "expect_column_values_to_be_json_parseable": lambda r: column_of(r, "s", "t"),
    "expect_column_values_to_be_increasing": lambda r: {**column_of(r, *"ijfugdk"), "strictly": r.random() < 0.5},
    "expect_column_values_to_be_decreasing": lambda r: {**column_of(r, *"ijfugdk"), "strictly": r.random() < 0.5},
    "expect_column_values_to_be_unique": lambda r: column_of(r, *COLUMNS),
    "expect_column_values_to_not_be_outliers": lambda r: {
        **column_of(r, "i", "j"), "method": r.choice(["iqr", "std"]), "multiplier": r.choice([0.53, 1.01, 1.47])
    },
    "expect_column_value_lengths_to_be_between": lambda r: {**column_of(r, "s", "t"), **between(r, whole=True)},
    "expect_column_value_lengths_to_equal": lambda r: {**column_of(r, "s", "t"), "value": r.randint(0, 4)},
    "expect_column_value_z_scores_to_be_less_than": lambda r: {
        **column_of(r, "i", "j"), "threshold": r.choice([0.53, 1.01, 2]), "double_sided": r.random() < 0.5
    },
    "expect_column_pair_values_a_to_be_greater_than_b": lambda r: {**of_pair(r), "or_equal": r.random() < 0.5},
    "expect_column_pair_values_to_be_equal": of_pair,
    "expect_column_pair_values_to_be_in_set": lambda r: {
        "column_A": "i", "column_B": r.choice(["j", "s"]), "value_pairs_set": PAIRS,
        "ignore_row_if": r.choice(IGNORED_OF_TWO),
    },
    "expect_multicolumn_sum_to_equal": lambda r: {
        **of_many(r, ["i", "j"], ["i", "u", "j"], ["i", "f"]), "sum_total": r.randint(-3, 6)
    },
    "expect_multicolumn_values_to_be_equal": lambda r: of_many(r, ["i", "j"], ["i", "j", "u"], ["s", "t"], ["j", "f"]),
    "expect_select_column_values_to_be_unique_within_record": lambda r: of_many(
        r, ["i", "j"], ["i", "j", "u"], ["s", "t"], ["j", "f"]
    ),
    "expect_compound_columns_to_be_unique": lambda r: of_many(r, ["i", "j"], ["i", "j", "u"], ["s", "t"], ["j", "f"]),
}  # fmt: skip
COLUMN_CHECKS: dict[str, Any] = {
    **{f"expect_column_{name}_to_be_between": lambda r: {**column_of(r, *"ijfguk"), **between(r)} for name in FIGURES},
    "expect_column_proportion_of_unique_values_to_be_between": lambda r: {**column_of(r, *COLUMNS), **between(r)},
    "expect_column_unique_value_count_to_be_between": lambda r: {**column_of(r, *COLUMNS), **between(r, whole=True)},
    "expect_column_distinct_values_to_be_in_set": of_set,
    "expect_column_distinct_values_to_contain_set": of_set,
    "expect_column_distinct_values_to_equal_set": of_set,
    "expect_column_most_common_value_to_be_in_set": lambda r: {
        **column_of(r, "i", "s", "t"), "value_set": r.choice([[1, 2], ["a", "b"]]), "ties_okay": r.random() < 0.5
    },
    "expect_column_kl_divergence_to_be_less_than": lambda r: {
        "column": "t", "partition_object": {"values": ["a", "b", "abc"], "weights": [0.5, 0.25, 0.25]},
        "threshold": r.choice([0.1, 1]), "tail_weight_holdout": r.choice([0, 0.1]),
    },
    "expect_column_quantile_values_to_be_between": lambda r: {
        **column_of(r, *"ijfuk"),
        "quantile_ranges": {
            "quantiles": [0.1, 0.25, 0.5, 0.9], "value_ranges": [[None, 2], [0, 3], [1, None], [0, 10]]
        },
    },
    "expect_table_row_count_to_be_between": lambda r: between(r, whole=True),
    "expect_table_row_count_to_equal": lambda r: {"value": r.choice([0, 1, 5, 13])},
}  # fmt: skip
TYPE_NAMES = ["int64", "float64", "str", "object", "bool", "datetime64[us]", "int", "float"]
TABLE_CHECKS: dict[str, Any] = {
    "expect_column_to_exist": lambda r: {**column_of(r, "i", "zz"), "column_index": r.choice([None, 0, 1, 40])},
    "expect_table_columns_to_match_set": lambda r: {
        "column_set": r.choice([["i"], COLUMNS, [*COLUMNS, "x"]]), "exact_match": r.random() < 0.5
    },
    "expect_table_columns_to_match_ordered_list": lambda r: {"column_list": r.choice([["i"], COLUMNS, COLUMNS[::-1]])},
    "expect_table_column_count_to_be_between": lambda r: {"min_value": r.randint(0, 12)},
    "expect_table_column_count_to_equal": lambda r: {"value": r.choice([9, 10])},
    "expect_column_values_to_be_of_type": lambda r: {**column_of(r, *COLUMNS), "type_": r.choice(TYPE_NAMES)},
    "expect_column_type_to_be": lambda r: {**column_of(r, *COLUMNS), "type_": r.choice(TYPE_NAMES[:6])},
    "expect_column_values_to_be_in_type_list": lambda r: {
        **column_of(r, *"ijfb"), "type_list": r.sample(TYPE_NAMES[:5], 2)
    },
}  # fmt: skip
CHECKS = {**ROW_CHECKS, **COLUMN_CHECKS, **TABLE_CHECKS}


def check(random: Random) -> dict[str, Any]:
    """Return one check in Great Expectations' form."""
    kind = random.choice(sorted(CHECKS))
    kwargs = CHECKS[kind](random)
    if kind in ROW_CHECKS and random.random() < 0.4:
        kwargs["mostly"] = random.choice([0, 0.3, 0.5, 0.75, 0.9, 1])
    if kind not in TABLE_CHECKS and random.random() < 0.15:
        kwargs |= {"row_condition": random.choice(CONDITIONS), "condition_parser": "pandas"}
    return {"type": kind, "kwargs": kwargs}
