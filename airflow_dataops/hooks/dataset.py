"""The store of snapshots, published pointers and evidence: a folder that all workers see."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow.sdk import BaseHook

from airflow_dataops import settings
from airflow_dataops.core.dataset import Snapshot, safe_segment, schema_digest, version_of
from airflow_dataops.exceptions import BrokenCheckError, OutageError, SourceError
from airflow_dataops.hooks.connection import connected_folder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["DatasetHook", "file_digest", "path_of", "remove_file", "replace_file"]

ROW_GROUP_SIZE = 122_880


class DatasetHook(BaseHook):
    """Writes and reads snapshots, published pointers and evidence.

    ::

        STORE/datasets/<dataset>/snapshots/<partition>/<version>.parquet
        STORE/datasets/<dataset>/published/<partition>.json
        STORE/evidence/<first two digits>/<sha256><suffix>

    Args:
        store_conn_id: A connection of type ``dataops_store`` whose extra field ``path`` names the folder.
            Without such a connection ``[dataops] store_path`` counts, by default a folder under AIRFLOW_HOME.
    """

    conn_name_attr = "store_conn_id"
    default_conn_name = "dataops_store"
    conn_type = "dataops_store"
    hook_name = "DataOps Store"

    def __init__(self, store_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.store_conn_id = store_conn_id

    @cached_property
    def root(self) -> Path:
        """The store's folder."""
        return connected_folder(self.store_conn_id, self.default_conn_name, settings.store_path()).absolute()

    def get_conn(self) -> Path:
        """Return the store's folder."""
        return self.root

    def test_connection(self) -> tuple[bool, str]:
        """Write and remove a file, for the Test button of the UI."""
        probe = self.root / f".probe-{secrets.token_hex(4)}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe.write_text("probe")
            probe.unlink()
        except OSError as error:
            return False, f"The store at {self.root} cannot be written: {error}"
        return True, f"The store at {self.root} can be written."

    # -- snapshots ---------------------------------------------------------------------------------------

    def write_snapshot(self, batches: pa.RecordBatchReader, dataset: str, partition: str, owner: str) -> Snapshot:
        """Write the batches as an immutable parquet file named by its content.

        The same rows in the same order make the same version, so a retry adopts the file of a dead try.

        Args:
            batches: The rows, streamed.
            dataset: Name of the dataset.
            partition: Which part of it.
            owner: Digest of the run key; names the temporary file, so that the next try removes it.
        """
        import pyarrow.parquet as pq

        folder = self.snapshot_folder(dataset, partition)
        with self.reaching(), fresh_file(folder, owner) as temporary:
            rows = 0
            with pq.ParquetWriter(temporary, batches.schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch, row_group_size=ROW_GROUP_SIZE)
                    rows += batch.num_rows
            return self._settle(temporary, dataset, partition, rows)

    def _settle(self, temporary: Path, dataset: str, partition: str, rows: int) -> Snapshot:
        digest, schema = file_digest(temporary), schema_digest(columns_of(temporary))
        version = version_of(digest, schema)
        target = self.snapshot_folder(dataset, partition) / f"{version}.parquet"
        # A file that somebody edited is replaced, so that taking the snapshot again mends it.
        if not target.exists() or file_digest(target) != digest:
            replace_file(temporary, target)
        return Snapshot(dataset, partition, version, target.as_uri(), digest, schema, rows)

    def snapshot_folder(self, dataset: str, partition: str) -> Path:
        """Return the folder of a partition's versions."""
        return self.root / "datasets" / safe_segment(dataset) / "snapshots" / safe_segment(partition)

    def frame(self, snapshot: Snapshot) -> pd.DataFrame:
        """Return the whole snapshot as a pandas frame."""
        import pandas as pd

        return pd.read_parquet(self.verified_path(snapshot))

    def verified_path(self, snapshot: Snapshot) -> Path:
        """Return the snapshot's file after checking that its bytes are still the ones it was named by.

        Raises:
            SourceError: The file is gone or was changed. A retry does not help.
        """
        path = path_of(snapshot.uri)
        if not path.is_file():
            # The store may have been moved since; the digest says whether this is the same file.
            moved = self.snapshot_folder(snapshot.dataset, snapshot.partition) / f"{snapshot.version}.parquet"
            path = moved if moved.is_file() else path
        if not path.is_file():
            raise SourceError(
                f"The snapshot {snapshot.name} is gone: there is no file at {path}.",
                hint="restore the store from its backup, or clear the snapshot task to take it again",
            )
        if file_digest(path) != snapshot.digest:
            raise SourceError(
                f"The snapshot {snapshot.name} was changed after it was taken: {path} has other bytes.",
                hint="snapshots are never edited: restore the file, or clear the snapshot task to take it again",
            )
        return path

    @contextmanager
    def steady(self, snapshot: Snapshot) -> Iterator[Path]:
        """Give the snapshot's verified file and tell when it was changed or removed while it was read.

        Raises:
            SourceError: It is so, or was before. A retry does not help.
        """
        path = self.verified_path(snapshot)
        before = mark_of(path)
        try:
            yield path
        except Exception:
            if mark_of(path) == before:
                raise
        if mark_of(path) != before:
            raise SourceError(
                f"The snapshot {snapshot.name} was changed or removed while it was read: {path}.",
                hint="snapshots are never edited: restore the file, or clear the snapshot task to take it again",
            )

    # -- what is published -------------------------------------------------------------------------------

    def publish(self, dataset: str, partition: str, document: Mapping[str, Any], owner: str = "") -> Path:
        """Replace the pointer file atomically: a reader sees the old version or the new, never half.

        `owner`, the digest of the run key, removes what a killed try of the same run left half-written.
        """
        target = self.published_folder(dataset) / f"{safe_segment(partition)}.json"
        with self.reaching():
            write_atomically(target, json.dumps(document, indent=2, sort_keys=True).encode(), owner)
        return target

    def published(self, dataset: str) -> dict[str, dict[str, Any]]:
        """Return the published document of each partition, by partition; empty when nothing is.

        Raises:
            SourceError: One of the pointer files was edited beyond recognition. A retry does not help.
        """
        documents = {}
        for path in sorted(self.published_folder(dataset).glob("*.json")):
            try:
                document = json.loads(path.read_bytes())
                documents[document["snapshot"]["partition"]] = document
            except (ValueError, TypeError, LookupError) as error:
                raise SourceError(
                    f"The pointer file {path} was edited and cannot be read.",
                    hint="clear the task that published this partition: it writes the file anew",
                ) from error
        return documents

    def published_folder(self, dataset: str) -> Path:
        """Return the folder of a dataset's pointer files."""
        return self.root / "datasets" / safe_segment(dataset) / "published"

    # -- evidence ----------------------------------------------------------------------------------------

    def put_evidence(self, content: bytes, suffix: str, owner: str = "") -> str:
        """Store evidence under its own hash and return its URI; the same content is stored once.

        `owner`, the digest of the run key, removes what a killed try of the same run left half-written.
        """
        digest = hashlib.sha256(content).hexdigest()
        target = self.evidence_path(f"{digest}{suffix}")
        with self.reaching():
            if not target.exists() or target.read_bytes() != content:
                write_atomically(target, content, owner)
        return target.as_uri()

    def get_evidence(self, uri: str) -> bytes:
        """Return the evidence under a URI, also when the store was moved since."""
        path = path_of(uri)
        return (path if path.is_file() else self.evidence_path(path.name)).read_bytes()

    def evidence_path(self, name: str) -> Path:
        """Return where evidence of this file name lies."""
        return self.root / "evidence" / name[:2] / name

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Tell of a folder that cannot be written: read-only, full, not mounted.

        Raises:
            OutageError: It is so. A retry helps.
        """
        try:
            yield
        except (ConnectionError, TimeoutError):
            # Those come from where the rows come from.
            raise
        except OSError as error:
            raise OutageError("The store", str(self.root), self.store_conn_id, error.strerror or error) from error


def mark_of(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written or replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def path_of(uri: str) -> Path:
    """Return the path that a ``file:`` URI or a plain path names.

    Raises:
        BrokenCheckError: The URI has another scheme. A retry does not help.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme:
        raise BrokenCheckError(
            f"Got the URI {uri!r}, but only file: URIs and paths can be read.",
            hint="mount the store as a folder, or read it with python_callable",
        )
    return Path(uri).expanduser()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def columns_of(path: Path) -> list[tuple[str, str]]:
    """Return names and types of a parquet file's columns, in order."""
    import pyarrow.parquet as pq

    return [(field.name, str(field.type)) for field in pq.read_schema(path)]


@contextmanager
def fresh_file(folder: Path, owner: str) -> Iterator[Path]:
    """Give a fresh name in `folder`, which is made if need be, and remove what a killed try of the same run left."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder, owner)
    with temporary_file(folder, owner) as path:
        yield path


def write_atomically(target: Path, content: bytes, owner: str = "") -> None:
    """Write beside the target and rename, so that no reader sees a half-written file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if owner:
        remove_leftovers(target.parent, owner)
    with temporary_file(target.parent, owner or "write") as temporary:
        temporary.write_bytes(content)
        replace_file(temporary, target)


def remove_file(path: Path) -> None:
    """Remove a file and make that survive a power cut; a retry finds it gone."""
    if not path.exists():
        return
    path.unlink()
    sync_folder(path.parent)


def replace_file(temporary: Path, target: Path) -> None:
    """Move a finished file into place and make both survive a power cut."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    sync_folder(target.parent)


def sync_folder(path: Path) -> None:
    """Make what was renamed or removed in a folder survive a power cut."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def temporary_file(folder: Path, owner: str) -> Iterator[Path]:
    """Give a fresh name in `folder` and remove what is left under it, also after an error."""
    path = folder / f".{owner[:32]}-{secrets.token_hex(6)}.tmp"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path, owner: str) -> None:
    """Remove temporary files that a killed try of the same run left."""
    for path in folder.glob(f".{owner[:32]}-*.tmp"):
        path.unlink(missing_ok=True)
