"""Snapshots of datasets and how they are named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["Snapshot", "asset_uri", "pointer_name", "safe_segment", "schema_digest", "version_of"]

MAX_SEGMENT_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable version of one partition of a dataset: a reference, never the data.

    Args:
        dataset: Name of the dataset.
        partition: Which part of it, "2013-01"; "all" for a dataset without parts.
        version: Sixteen hex digits made from content and schema; equal data have equal versions.
        uri: Where the parquet file lies.
        digest: SHA-256 of the file, as ``sha256sum`` prints it.
        schema: SHA-256 of the column names and types.
        rows: Number of rows.
    """

    dataset: str
    partition: str
    version: str
    uri: str
    digest: str
    schema: str
    rows: int

    @property
    def name(self) -> str:
        """How people call it: ``flights/2013-01@0f3a…``."""
        return f"{self.dataset}/{self.partition}@{self.version}"

    def to_xcom(self) -> dict[str, Any]:
        """Return plain JSON for XCom, about 400 bytes."""
        return asdict(self)

    @classmethod
    def from_xcom(cls, value: Mapping[str, Any]) -> Snapshot:
        """Return the snapshot that `to_xcom` described.

        Raises:
            BrokenCheckError: The value is not one of ours. A retry does not help.
        """
        try:
            return cls(**{name: value[name] for name in cls.__slots__})
        except (KeyError, TypeError) as error:
            raise BrokenCheckError(
                f"Got {str(value)[:200]!r}, but a snapshot has the fields {', '.join(cls.__slots__)}.",
                hint="pass the output of a SnapshotDatasetOperator, or the 'snapshot' of a gate or of a publication",
            ) from error


def schema_digest(columns: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of column names and types, in order."""
    text = "\n".join(f"{name!r}: {kind}" for name, kind in columns)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def version_of(content_digest: str, schema: str) -> str:
    """Return the version that names this content under this schema."""
    return hashlib.sha256(f"{content_digest}:{schema}".encode()).hexdigest()[:16]


def pointer_name(dataset: str, partition: str) -> str:
    """Return the ledger's name for what is published of a partition; no two partitions of datasets share one."""
    return f"dataset/{dataset.replace('%', '%25').replace('/', '%2F')}/{partition}"


def asset_uri(dataset: str) -> str:
    """Return the URI of the Airflow asset that tells of new versions of the dataset."""
    return f"dataops://dataset/{safe_segment(dataset)}"


def safe_segment(name: str) -> str:
    """Return `name` as one file-name segment that cannot leave its folder and keeps different names apart.

    Letters, digits, ``.``, ``_`` and ``-`` stay; all else is percent-encoded. Long names end in a hash.

    Raises:
        BrokenCheckError: The name is empty. A retry does not help.
    """
    if not name:
        raise BrokenCheckError(
            "A dataset, partition or model has no name: the name is empty.",
            hint="did a template come out empty? look at the task's rendered fields",
        )
    encoded = re.sub(r"[^A-Za-z0-9._-]", percent_encoded, name)
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) <= MAX_SEGMENT_LENGTH:
        return encoded
    return f"{encoded[: MAX_SEGMENT_LENGTH - 17]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def percent_encoded(match: re.Match[str]) -> str:
    """Return the matched character as the percent-encoded bytes of its UTF-8 form."""
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogatepass"))
