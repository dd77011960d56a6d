"""Folders of DAGs, suites and contracts looked at as a whole, without running or connecting anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from airflow_dataops.core.lint.document import Document
from airflow_dataops.core.lint.finding import Choice, Finding, chosen
from airflow_dataops.core.lint.line import Line, is_template, line_findings
from airflow_dataops.core.lint.uses import Argument, Use
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.lint_files import FileSet, files_below, shown
from airflow_dataops.hooks.suite import KINDS

__all__ = ["look_at"]


def look_at(paths: Sequence[Path], choice: Choice, suites_path: Path | None = None) -> tuple[list[Finding], list[str]]:
    """Return what is found in files and folders, and the names of the files.

    Args:
        paths: Files and folders. What is absent is told only where a folder is among them.
        choice: Which findings are wanted.
        suites_path: The folder against which relative paths of suites are resolved; by default each given folder.

    Raises:
        BrokenCheckError: A path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise BrokenCheckError(f"There is nothing at {plain(str(path))}.", hint="name files or folders that exist")
    folders = [path for path in paths if path.is_dir()]
    files = FileSet([suites_path] if suites_path else folders)
    names = []
    for path in dict.fromkeys(one for given in paths for one in files_below(given)):
        files.add(path)
        names.append(shown(path))
    suites = {use: found for use in list(files.uses) for found in judged_by(use, files)}
    documents = [document for found in files.documents.values() for document in found]
    findings = [*files.findings, *line_findings(Line(files.uses, suites, documents, whole=bool(folders)))]
    return chosen(findings, choice, files.texts), names


def judged_by(use: Use, files: FileSet) -> Iterator[Document]:
    """Yield the suite that a gate names, or note why there is none."""
    given = use.argument("suite")
    if use.role != "gate" or given is None:
        return
    if not isinstance(given.value, str | PurePosixPath) or is_template(str(given.value)):
        found = Finding(given.place, "DO103", f"By which suite this {use.name} judges is known only when the DAG runs.")
        files.findings.append(found)
        return
    path, _, chosen_object = split_object(str(given.value))
    place = located(path, use, files)
    if place is None:
        files.findings.append(missing(given, path, files))
        return
    if place.suffix.lower() not in KINDS:
        sentence = f"{plain(path)} is of a kind that is no suite; allowed are {', '.join(KINDS)}."
        files.findings.append(Finding(given.place, "DO102", sentence))
        return
    yield from object_of(files.add_document(place, named=True), chosen_object, given, files)


def object_of(documents: Sequence[Document], name: str, given: Argument, files: FileSet) -> Iterator[Document]:
    """Yield the object of a contract that a gate means, or note that it is not told."""
    if not name and len(documents) == 1:
        yield documents[0]
        return
    found = [one for one in documents if one.is_contract and one.name == name]
    if documents and not found:
        names = ", ".join(plain(one.name) for one in documents)
        asked = f"no object {plain(name)!r}" if name else "several objects"
        sentence = f"{documents[0].file} has {asked}; it has {names}."
        remedy = f"name one after the file: {Path(documents[0].file).name}#{plain(documents[0].name)}"
        files.findings.append(Finding(given.place, "DO102", sentence, remedy))
    yield from found[:1]


def split_object(path: str) -> tuple[str, str, str]:
    """Return the file and the object of ``contract.yaml#orders``; a file may have such a name itself."""
    return (path, "", "") if Path(path).exists() else path.partition("#")


def located(path: str, use: Use, files: FileSet) -> Path | None:
    """Return where a suite lies; None where it does not."""
    given = Path(path).expanduser()
    roots = [*files.roots, Path(use.place.file).parent]
    for candidate in [given] if given.is_absolute() else [root / given for root in roots]:
        try:
            if candidate.is_file():
                return candidate
        except (OSError, ValueError):
            continue
    return None


def missing(given: Argument, path: str, files: FileSet) -> Finding:
    """Return that a suite is missing."""
    looked = ", ".join(shown(root) or "." for root in files.roots)
    where = "" if Path(path).is_absolute() else f" below {looked}" if looked else " beside the DAG file"
    return Finding(given.place, "DO101", f"There is no suite at {plain(path, 200)}{where}.")
