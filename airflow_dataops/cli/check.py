"""``airflow-dataops check``: contract drift between DAGs and data, from files alone."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from airflow_dataops import __version__
from airflow_dataops.cli.parsing import Commands
from airflow_dataops.core.lint.codes import Level
from airflow_dataops.core.lint.finding import Choice
from airflow_dataops.core.lint.report import FORMATS, Report
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["add_commands"]

OPTIONS = ("paths", "select", "ignore", "per-file-ignores", "suites-path")


def add_commands(nouns: Commands) -> None:
    """Add the command."""
    check = nouns.add_parser(
        "check",
        help="find drift between DAGs, suites and contracts, without running anything",
        description="Reads DAG files, suites and contracts and says what does not go together. Nothing is run, "
        "imported or connected. Exit code 0: at most notes; 1: errors or warnings; 2: wrong use.",
    )
    check.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files and folders; default: those of pyproject.toml, else dags or .",
    )
    check.add_argument("--format", choices=list(FORMATS), default="text", help="default: text")
    check.add_argument("--output", type=Path, metavar="FILE", help="write the report there and one sentence here")
    check.add_argument("--select", type=codes, metavar="CODES", help="only these, such as DO1,DO401")
    check.add_argument("--ignore", type=codes, metavar="CODES", help="not these")
    check.add_argument("--suites-path", type=Path, metavar="FOLDER", help="where relative paths of suites begin")
    check.add_argument("--config", type=Path, metavar="FILE", help="default: the nearest pyproject.toml")
    check.set_defaults(run=check_files)


def codes(text: str) -> tuple[str, ...]:
    """Return the codes of a list."""
    return tuple(code.strip().upper() for code in text.split(",") if code.strip())


def check_files(options: argparse.Namespace) -> int:
    """Look at the files and report."""
    # Reading files needs a YAML parser; other commands need not pay for it.
    from airflow_dataops.hooks.lint import look_at

    config, folder = configured(options.config)
    paths = options.paths or [folder / path for path in config.get("paths", [])] or [default_path()]
    choice = Choice(
        options.select or tuple(config.get("select", ())),
        options.ignore or tuple(config.get("ignore", ())),
        config.get("per-file-ignores", {}),
    )
    below = options.suites_path or (folder / config["suites-path"] if "suites-path" in config else None)
    findings, files = look_at(paths, choice, below)
    report = Report(findings, files, __version__)
    text = FORMATS[options.format](report)
    if options.output is None:
        print(text)
    else:
        written(options.output, text)
        print(report.summary)
    return int(any(one.level is not Level.NOTE for one in findings))


def default_path() -> Path:
    """Return the folder that is meant when none is named."""
    return Path("dags") if Path("dags").is_dir() else Path()


def written(path: Path, report: str) -> None:
    """Write the report to a file."""
    try:
        path.write_text(f"{report}\n", "utf-8")
    except OSError as error:
        raise BrokenCheckError(
            f"The report cannot be written to {path}: {error.strerror}.", hint="name a file in a folder that exists"
        ) from error


def configured(given: Path | None) -> tuple[dict[str, Any], Path]:
    """Return ``[tool.airflow-dataops.check]`` of the nearest pyproject.toml, and its folder.

    Raises:
        BrokenCheckError: The file or one of the options is wrong.
    """
    here = Path.cwd()
    path = given or next((one for one in (f / "pyproject.toml" for f in (here, *here.parents)) if one.is_file()), None)
    if path is None:
        return {}, here
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenCheckError(f"{path} cannot be read: {error}.", hint="mend it, or name another: --config") from error
    section: Any = document
    for name in ("tool", "airflow-dataops", "check"):
        section = section.get(name, {}) if isinstance(section, dict) else {}
    if not isinstance(section, dict):
        raise BrokenCheckError(f"{path}: [tool.airflow-dataops.check] is no table.", hint="see docs/check.md")
    for name, value in section.items():
        refuse_wrong_option(name, value, path)
    return section, path.parent


def refuse_wrong_option(name: str, value: Any, path: Path) -> None:
    """Refuse an option that is unknown or of the wrong type."""
    where = f"{path}: [tool.airflow-dataops.check]"
    if name not in OPTIONS:
        raise BrokenCheckError(f"{where} has {name!r}; allowed are {', '.join(OPTIONS)}.", hint="correct it")
    if name == "suites-path":
        right = isinstance(value, str)
    elif name == "per-file-ignores":
        right = isinstance(value, dict) and all(is_texts(one) for one in value.values())
    else:
        right = is_texts(value)
    if not right:
        raise BrokenCheckError(f"{where}: {name} is of the wrong type.", hint='write a list: ignore = ["DO304"]')


def is_texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
