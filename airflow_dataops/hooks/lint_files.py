"""Files that may be DAGs, suites or contracts: found and read, whatever they turn out to be."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from airflow_dataops.core.contract import document_of, is_contract
from airflow_dataops.core.lint.document import Document, Spots, document_findings
from airflow_dataops.core.lint.finding import Finding, Place
from airflow_dataops.core.lint.uses import Use, uses_in
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.lint_spots import is_bomb, spots_of
from airflow_dataops.hooks.suite import KINDS, parsed, read_document

__all__ = ["FileSet", "files_below", "shown"]

MAX_BYTES = 4 << 20
SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}
DAG_MARKS = ("airflow_dataops", "quality_gate", "train_model")
MARKS = re.compile(r'"expectations"|expectations:|DataContract|^"?dataops"?:', re.MULTILINE)
"""What a file that means to be a suite or contract holds, also where it cannot be parsed."""


def files_below(path: Path) -> Iterator[Path]:
    """Yield the Python, JSON and YAML files of a folder, in order; links are followed, but never in circles."""
    if not path.is_dir():
        yield path
        return
    seen: set[str] = set()
    for folder, below, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(names):
            if Path(name).suffix.lower() in {".py", *KINDS} and not name.startswith("."):
                yield Path(folder) / name


def shown(path: Path) -> str:
    """Return how people know a file: below the folder they are in, else by its whole path."""
    here, whole = Path.cwd(), path.absolute()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


@dataclass
class FileSet:
    """What was read so far, each file once.

    Args:
        roots: The folders against which relative paths of suites are resolved.
    """

    roots: Sequence[Path] = ()
    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    documents: dict[Path, list[Document]] = field(default_factory=dict)
    faulty: set[Path] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """Read a file that was found in a folder: a DAG file, or what may be a suite or contract."""
        if path.suffix.lower() == ".py":
            self.add_dag(path)
        else:
            self.add_document(path, named=False)

    def report(self, path: Path, code: str, sentence: str, remedy: str = "", at: tuple[int, int] = (1, 1)) -> None:
        """Note a finding about a file."""
        self.findings.append(Finding(Place(shown(path), max(at[0], 1), max(at[1], 1)), code, sentence, remedy))

    def text_of(self, path: Path) -> str | None:
        """Return the text of a file; None, with a note, for one that is none or is too large."""
        try:
            why, content = unreadable(path), b""
            if not why:
                content = path.read_bytes()
        except OSError as error:
            why = error.strerror or "it cannot be read"
        if not why and b"\0" in content:
            why = "it holds bytes, not text"
        if why:
            self.report(path, "DO003", f"This file was not looked at: {why}.")
            return None
        text = content.decode("utf-8", "surrogateescape")
        self.texts[shown(path)] = text
        return text

    # -- DAGs ---------------------------------------------------------------------------------------------

    def add_dag(self, path: Path) -> None:
        """Read a DAG file; it is never run."""
        text = self.text_of(path)
        tree = self.syntax_of(path, text) if text is not None else None
        if tree is None or text is None or not any(mark in text for mark in DAG_MARKS):
            return
        try:
            self.uses += uses_in(tree, text, shown(path), PurePosixPath(path.absolute().as_posix()))
        except RecursionError:
            self.report(path, "DO003", "This file was not looked at: its expressions are nested too deeply.")

    def syntax_of(self, path: Path, text: str) -> ast.Module | None:
        """Return the syntax of a Python file, or note why it has none."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the file's own, which are Python's to tell
                return ast.parse(text.encode("utf-8", "surrogateescape"))
        except SyntaxError as error:
            at = (error.lineno or 1, error.offset or 1)
            self.report(path, "DO001", f"This is no Python: {plain(str(error.msg), 200)}.", at=at)
        except ValueError as error:
            self.report(path, "DO001", f"This is no Python: {plain(str(error), 200)}.")
        except (RecursionError, MemoryError):
            self.report(path, "DO003", "This file was not looked at: it is nested too deeply.")
        return None

    # -- suites and contracts -----------------------------------------------------------------------------

    def add_document(self, path: Path, *, named: bool) -> list[Document]:
        """Read a suite or contract once.

        Args:
            path: The file.
            named: Whether a DAG names it as a suite; other files are looked at only if they look like one.
        """
        key = Path(os.path.realpath(path))
        if key in self.documents and (self.documents[key] or not named or key in self.faulty):
            return self.documents[key]
        self.documents[key] = []
        text = self.text_of(path)
        if text is not None and (named or MARKS.search(text)):
            try:
                self.documents[key] = self.documents_of(path, text, named=named)
            except BrokenCheckError as error:
                self.broken(path, error, text)
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
                what = "it is nested too deeply" if isinstance(error, RecursionError) else "an entry has the wrong form"
                self.broken(path, BrokenCheckError(f"{plain(path.name)} is not built as it should be: {what}."), text)
            if not self.documents[key]:
                self.faulty.add(key)
        return self.documents[key]

    def documents_of(self, path: Path, text: str, *, named: bool) -> list[Document]:
        """Return the suite of a file, or the objects of its contract, and note what is wrong in each."""
        if path.suffix.lower() != ".json":
            refuse_bomb(path, text)
        raw = parsed(path)
        spots = spots_of(text, is_json=path.suffix.lower() == ".json")
        found = (
            [*contract_documents(path, raw, spots)] if is_contract(raw) else [*suite_documents(path, raw, spots, named)]
        )
        for document in found:
            self.findings.extend(document_findings(document))
        return found

    def broken(self, path: Path, error: BrokenCheckError, text: str) -> None:
        """Note why a file is no suite or contract, at the line that the error names."""
        readable = " is not JSON: " not in error.message and " is not YAML: " not in error.message
        code = "DO201" if readable and " is not text " not in error.message else "DO002"
        words = error.message.rstrip(".").split()
        line = int(words[-1]) if words[-2:-1] == ["line"] and words[-1].isdigit() else 1
        self.report(path, code, " ".join(error.message.split()), error.hint or "", (line, 1))


def unreadable(path: Path) -> str:
    """Return why a file is not read; empty for one that is."""
    if not path.is_file():
        return "it is no file" if path.exists() else "there is no such file"
    return f"it is larger than {MAX_BYTES >> 20} MB" if path.stat().st_size > MAX_BYTES else ""


def refuse_bomb(path: Path, text: str) -> None:
    """Refuse YAML whose aliases make it endless."""
    try:
        bomb = is_bomb(text)
    except yaml.YAMLError:
        return  # which the parser will say better
    if bomb:
        raise BrokenCheckError(f"{plain(path.name)} repeats itself by aliases without end.", hint="write it out")


def contract_documents(path: Path, raw: Any, spots: Spots) -> Iterator[Document]:
    """Yield the objects of a contract."""
    objects = raw.get("schema") if isinstance(raw.get("schema"), list) else []
    named = [(number, one) for number, one in enumerate(objects) if isinstance(one, dict)]
    if not named:
        document_of(raw, plain(path.name))  # which says what is missing
    for number, one in named:
        name = str(one.get("name"))
        if not isinstance(one.get("properties", []), list):
            raise BrokenCheckError(
                f"{plain(path.name)}, object {plain(name)}: its properties are no list.", hint="list its columns"
            )
        suite = document_of(raw, plain(path.name), name)
        yield Document(shown(path), name, suite, raw, spots, ("schema", number))


def suite_documents(path: Path, raw: Any, spots: Spots, named: bool) -> Iterator[Document]:
    """Yield the suite of a file, unless it is something else that no DAG names."""
    suite = raw if isinstance(raw, dict) and "expectations" in raw else read_document(path)[0]
    if not isinstance(suite, dict) or not isinstance(suite.get("expectations"), list):
        if named:
            raise BrokenCheckError(
                f"{plain(path.name)} is neither a suite nor a contract.",
                hint="a suite is a mapping with a list of 'expectations', a contract has 'kind: DataContract'",
            )
        return
    if not suite["expectations"]:
        raise BrokenCheckError(f"{plain(path.name)} checks nothing: its list of expectations is empty.", hint="add one")
    yield Document(shown(path), str(suite.get("name") or ""), suite, raw, spots)
