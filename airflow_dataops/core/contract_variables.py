"""Variables in a contract: ``${NAME}`` and ``${NAME:-default}`` stand for values that differ between places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["resolved"]

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}", re.ASCII)
PLACEHOLDERS = frozenset({"batch", "object", "table", "model", "schema", "property", "column", "field"})
"""Names that stand for the data in queries, and are no variables."""
READ = ("schema", "slaProperties", "slaDefaultElement", "version")
"""What of a contract is read; secrets of its servers are left alone."""


def resolved(contract: Mapping[str, Any], variables: Mapping[str, str], source: str) -> dict[str, Any]:
    """Return a contract with the values of its variables.

    Args:
        contract: The parsed file.
        variables: Values by name.
        source: Where it was read, for messages.

    Raises:
        BrokenCheckError: A variable has neither a value nor a default. A retry does not help.
    """

    def value_of(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name in PLACEHOLDERS:
            return match[0]
        value = variables.get(name) or default
        if value is None:
            raise BrokenCheckError(
                f"{source} speaks of the variable {plain(name)}, which has no value.",
                hint=f"set {plain(name)} in the environment, or write a default: ${{{plain(name)}:-…}}",
            )
        return value

    def filled(given: Any) -> Any:
        if isinstance(given, str):
            return VARIABLE.sub(value_of, given)
        if isinstance(given, Mapping):
            return {name: filled(value) for name, value in given.items()}
        return [filled(value) for value in given] if isinstance(given, list) else given

    return {name: filled(value) if name in READ else value for name, value in contract.items()}
