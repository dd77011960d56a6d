"""What a sample of the rows can answer, which rows are in it, and how wrong it may be."""

from __future__ import annotations

import math

from airflow_dataops.core.quality_check import Check

__all__ = [
    "CONFIDENCE",
    "FACTOR",
    "SEED_STEP",
    "WHOLE",
    "is_judged_on_sample",
    "is_sampled",
    "mixed",
    "threshold_of",
    "upper_bound",
]

CONFIDENCE = 0.95
WHOLE = 1 << 32
"""Positions are mixed into whole numbers below this."""
FACTOR = 0x45D9F3B
SEED_STEP = 0x9E3779B9
NEEDS_ALL_ROWS = {
    "expect_column_values_to_be_unique",
    "expect_compound_columns_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
    "expect_column_value_z_scores_to_be_less_than",
    "expect_column_values_to_not_be_outliers",
}
"""Checks on rows in which a row's fate depends on other rows."""
TINY = 1e-300
ACCURACY = 1e-15
HALVINGS = 60


def is_judged_on_sample(check: Check) -> bool:
    """Whether a sample can answer a check: it judges each row by itself, and its limit is no number of rows."""
    counted = check.tolerance is not None and check.tolerance.rows is not None
    return check.row_level and check.type not in NEEDS_ALL_ROWS and not counted


def threshold_of(share: float) -> int:
    """Return below which mixed number a position is in a sample of this share."""
    return min(max(round(share * WHOLE), 0), WHOLE)


def is_sampled(position: int, seed: int, threshold: int) -> bool:
    """Whether the row at a position is in the sample; engines say the same in SQL."""
    return mixed(position, seed) < threshold


def mixed(position: int, seed: int) -> int:
    """Return a whole number below 2^32 that looks like chance and is the same everywhere.

    Source: T. Mueller's integer hash: two rounds of xor-shift by 16 and multiplication by 0x45d9f3b. Different
    positions below 2^32 give different numbers.
    """
    value = (position + seed * SEED_STEP) % WHOLE
    for _ in range(2):
        value = ((value >> 16) ^ value) * FACTOR % WHOLE
    return (value >> 16) ^ value


def upper_bound(failed: int, rows: int, confidence: float = CONFIDENCE) -> float:
    """Return the share of all rows that fails at most, given so many failing rows in a sample.

    The one-sided exact bound: the share at which so few failing rows would be seen with probability
    1 - `confidence` only. Sampling without replacement makes it larger than need be, never smaller.

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934): the quantile `confidence` of Beta(failed + 1, rows - failed).
    """
    if failed >= rows:
        return 1.0
    low, high = failed / rows, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if incomplete_beta(failed + 1, rows - failed, middle) < confidence:
            low = middle
        else:
            high = middle
    return high


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    Source: W. H. Press et al., Numerical Recipes, 3rd ed., section 6.4 (continued fraction by Lentz's method).
    """
    if not 0 < x < 1:
        return float(x >= 1)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(logarithm)
    if x < (a + 1) / (a + b + 2):
        return front * continued_fraction(a, b, x) / a
    return 1 - front * continued_fraction(b, a, 1 - x) / b


def continued_fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function; the work grows with the root of max(a, b)."""
    c, d = 1.0, 1 / away_from_zero(1 - (a + b) * x / (a + 1))
    product = d
    for m in range(1, 100 + 20 * math.isqrt(int(max(a, b)))):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / away_from_zero(1 + step * d)
            c = away_from_zero(1 + step / c)
            product *= c * d
        if abs(c * d - 1) < ACCURACY:
            break
    return product


def away_from_zero(value: float) -> float:
    """Return a value by which one can divide."""
    return value if abs(value) > TINY else TINY
