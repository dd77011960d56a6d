"""Files of suites: read, and told apart by what they hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from airflow_dataops.core.contract import document_of, is_contract
from airflow_dataops.core.contract_variables import resolved
from airflow_dataops.core.shorthand import document_of_shorthand, is_shorthand
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["KINDS", "parsed", "read_document"]

KINDS = (".json", ".yaml", ".yml")


def read_document(path: Path) -> tuple[Any, str]:
    """Return the suite document of a file, which may be a data contract or our shorthand, and how messages call it.

    Args:
        path: A suite, a contract or a shorthand; of a contract with several objects ``contract.yaml#orders`` names one.
            Its variables, ``${NAME}``, are those of the environment.

    Raises:
        BrokenCheckError: The file is missing, of another kind or broken. A retry does not help.
    """
    name, _, chosen = path.name.partition("#") if not path.exists() else (path.name, "", "")
    path = path.with_name(name)
    document = parsed(path)
    if is_contract(document):
        contract = resolved(document, os.environ, plain(name))
        return document_of(contract, plain(name), chosen or None), plain(name)
    if is_shorthand(document):
        return document_of_shorthand(document, plain(name)), plain(name)
    return document, plain(name)


def parsed(path: Path) -> Any:
    """Return the content of a JSON or YAML file.

    Raises:
        BrokenCheckError: The file is missing, of another kind or broken; names the line.
    """
    if path.suffix.lower() not in KINDS and path.exists():
        raise BrokenCheckError(
            f"The suite {path} is of a kind we cannot read; allowed: {', '.join(KINDS)}.", hint="rename or convert it"
        )
    try:
        text = path.read_text("utf-8")
        return json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise BrokenCheckError(
            f"The suite {path} cannot be read: {error.strerror}.", hint="is the path right, and do all workers see it?"
        ) from error
    except UnicodeDecodeError as error:
        raise BrokenCheckError(f"The suite {path} is not text in UTF-8.", hint="save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise BrokenCheckError(
            f"The suite {path} is not JSON: {error.msg} in line {error.lineno}.", hint="mend that line"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise BrokenCheckError(
            f"The suite {path} is not YAML: {getattr(error, 'problem', None) or 'broken'}{place}.",
            hint="mend that line",
        ) from error
