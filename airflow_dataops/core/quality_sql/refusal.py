"""Why a check cannot be compiled, or cannot be judged."""

from __future__ import annotations

__all__ = ["UncompilableError", "UnfitError"]


class UncompilableError(Exception):
    """The meaning cannot be kept in this engine's SQL; the check runs in Great Expectations itself."""


class UnfitError(Exception):
    """The data are of another kind than the check needs ("the column x holds text where numbers are needed").

    The check is not met; its result tells of an exception, as Great Expectations does.
    """
