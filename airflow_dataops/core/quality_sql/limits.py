"""Whether a figure keeps the limits that a contract sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from airflow_dataops.core.quality_sql.figures import is_between
from airflow_dataops.core.quality_sql.refusal import UnfitError

__all__ = ["within_limits"]


def within_limits(value: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a figure keeps all limits: ``min_value``, ``max_value``, ``equal_to``, ``not_equal_to``, ``outside``.

    Nothing keeps no limit.

    Raises:
        UnfitError: The figure cannot be compared with the limits.
    """
    value = float(value) if isinstance(value, Decimal) else value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return False
    if "equal_to" in kwargs and value != like(kwargs["equal_to"], value):
        return False
    if "not_equal_to" in kwargs and value == like(kwargs["not_equal_to"], value):
        return False
    if "outside" in kwargs:
        low, high = kwargs["outside"]
        if is_between(value, {"min_value": low, "max_value": high}):
            return False
    bounded = kwargs.get("min_value") is not None or kwargs.get("max_value") is not None
    return is_between(value, kwargs) if bounded else True


def like(limit: Any, value: Any) -> Any:
    """Return a limit as the kind of thing the figure is.

    Raises:
        UnfitError: One is text and the other is not.
    """
    if isinstance(limit, str) and not isinstance(value, str):
        words = {"true": True, "false": False}
        if limit.lower() in words and isinstance(value, bool | int):
            return words[limit.lower()]
        try:
            return float(limit) if isinstance(value, int | float) else type(value).fromisoformat(limit)
        except (ValueError, AttributeError) as error:
            raise UnfitError("its figure is no text, but its limit is") from error
    if isinstance(value, str) and not isinstance(limit, str):
        raise UnfitError("its figure is a text, but its limit is none")
    return limit
