"""Files of models: fetched whole, checked, and put in place in one step."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks.mlflow_client import MlflowRest

__all__ = ["fetch_through_proxy", "folder_digest", "reading_directly", "settle"]


def settle(folder: Path, fetch: Callable[[Path], str], expected: str | None) -> Path:
    """Let `fetch` fill a folder beside the new `folder`, check its digest, and rename.

    Raises:
        BrokenCheckError: The files are not the expected ones. A retry does not help.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"got the folder {folder}, which is not empty; give one that does not exist yet")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        digest = fetch(temporary)
        if expected is not None and digest != expected:
            raise BrokenCheckError(
                f"The model's files are not the ones that were registered: their digest is {digest[:12]}…, "
                f"not {expected[:12]}….",
                hint="somebody edited the artifact store; train and register the model again",
            )
        temporary.chmod(0o755)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def fetch_through_proxy(rest: MlflowRest, uri: str, folder: Path) -> str:
    """Put the artifacts under an ``mlflow-artifacts:`` URI into `folder` and return their digest.

    Raises:
        BrokenCheckError: Nothing lies there. A retry does not help.
        OutageError: A file did not come whole. A retry helps.
    """
    root = urlsplit(uri).path.strip("/")
    files = artifact_files(rest, root)
    if not files:
        raise BrokenCheckError(
            f"There are no files under {uri}.", hint="the model was never stored there, or it was deleted"
        )
    for name, size in files.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise BrokenCheckError(f"The artifact {name!r} under {uri} points outside its folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        rest.save_artifact(f"{root}/{name}", target)
        if target.stat().st_size != size:
            raise rest.outage(f"{name} ended after {target.stat().st_size} of {size} bytes")
    return folder_digest(folder)


@contextmanager
def reading_directly(uri: str) -> Iterator[None]:
    """Turn what MLflow's own readers raise inside the block into our errors.

    Raises:
        BrokenCheckError: The files are not there, or what reads such a store is not installed. A retry does not help.
        OutageError: The store does not answer. A retry helps.
    """
    from mlflow.exceptions import MlflowException

    shown = re.sub(r"//.*@", "//", uri)
    try:
        yield
    except ImportError as error:
        raise BrokenCheckError(
            f"The model's files lie at {shown}, and what reads such a store is not installed here: {error}.",
            hint="install it, or let MLflow serve its artifacts (mlflow server --artifacts-destination)",
        ) from error
    except MlflowException as error:
        said = str(error)
        if "No such" in said or "registered artifact repository" in said:
            raise BrokenCheckError(
                f"There are no files of a model to be read at {shown}.",
                hint="is the artifact store a folder of another host, or emptied? let MLflow serve its artifacts "
                "(mlflow server --artifacts-destination)",
            ) from error
        raise OutageError("The artifact store", shown, None, said.strip().splitlines()[-1][:300]) from error


def artifact_files(rest: MlflowRest, root: str) -> dict[str, int]:
    """Return the files under a folder of the proxy with their sizes in bytes, by path relative to it."""
    found: dict[str, int] = {}
    waiting = [""]
    while waiting:
        below = waiting.pop()
        for item in rest.list_artifacts(f"{root}/{below}".rstrip("/")):
            name = f"{below}/{item['path'].rsplit('/', 1)[-1]}".lstrip("/")
            if item.get("is_dir"):
                waiting.append(name)
            else:
                found[name] = int(item.get("file_size") or 0)
    return found


def folder_digest(folder: Path) -> str:
    """Return one SHA-256 over names and contents of all files of a folder."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda found: found.relative_to(folder).as_posix()):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()
