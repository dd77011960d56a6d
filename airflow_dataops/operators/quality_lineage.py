"""What a gate tells OpenLineage: which dataset it judged, what came of each check, and where the rows went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_dataops import settings
from airflow_dataops.core.dataset import Snapshot, safe_segment
from airflow_dataops.core.words import plain
from airflow_dataops.hooks.dataset import DatasetHook

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
    from openlineage.client.facet_v2 import InputDatasetFacet

__all__ = ["asset_dataset", "dataset_name", "lineage_of"]

NULLS = "expect_column_values_to_not_be_null"
MET = {"pass"}


def dataset_name(dataset: str) -> tuple[str, str]:
    """Return the namespace and the name of a dataset: ``dataops://<instance>`` and the name as the DAG gives it.

    A name of more than 120 letters ends in a hash, as in the URI of its asset, from which it is told, too.
    """
    return f"dataops://{settings.instance()}", unquote(safe_segment(dataset))


def lineage_of(result: Mapping[str, Any], store: DatasetHook) -> OperatorLineage:
    """Return the lineage of a gate's result, read from its evidence, so that a replayed verdict tells the same.

    What was judged is the input, with the facets ``dataQualityAssertions`` and ``dataQualityMetrics``. What may go on
    and what was split off are outputs.
    """
    from airflow.providers.openlineage.extractors import OperatorLineage

    document = json.loads(store.get_evidence(str(result["evidence"])))
    judged = Snapshot.from_xcom(document["meta"]["dataops"]["snapshot"])
    parts = [Snapshot.from_xcom(result[name]) for name in ("snapshot", "quarantine") if result[name]]
    return OperatorLineage(
        inputs=[input_of(judged, document)],
        outputs=[output_of(snapshot) for snapshot in parts],
    )


def input_of(snapshot: Snapshot, document: Mapping[str, Any]) -> InputDataset:
    """Return what was judged."""
    from openlineage.client.event_v2 import InputDataset

    namespace, name = dataset_name(snapshot.dataset)
    facets = {"dataQualityAssertions": assertions_of(document), "dataQualityMetrics": metrics_of(document)}
    return InputDataset(namespace, name, inputFacets=facets, facets=version_of(snapshot))


def output_of(snapshot: Snapshot) -> OutputDataset:
    """Return rows that were written or let through."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    namespace, name = dataset_name(snapshot.dataset)
    told = {"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=snapshot.rows)}
    return OutputDataset(namespace, name, outputFacets=told, facets=version_of(snapshot))


def version_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return which partition and version of a dataset is meant, and where its file lies."""
    from openlineage.client.facet_v2 import dataset_version_dataset as version
    from openlineage.client.facet_v2 import symlinks_dataset as symlinks

    path = symlinks.Identifier(namespace="file", name=snapshot.uri.removeprefix("file://"), type="FILE")
    return {
        "version": version.DatasetVersionDatasetFacet(datasetVersion=f"{snapshot.partition}@{snapshot.version}"),
        "symlinks": symlinks.SymlinksDatasetFacet(identifiers=[path]),
    }


def assertions_of(document: Mapping[str, Any]) -> InputDatasetFacet:
    """Return one assertion per check; values of rows are not told."""
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality

    checks: Sequence[Mapping[str, Any]] = document["meta"]["dataops"]["checks"]
    assertions = []
    for check, found in zip(checks, document["results"], strict=True):
        kwargs = found["expectation_config"]["kwargs"]
        assertions.append(
            quality.Assertion(
                assertion=found["expectation_config"]["type"].removeprefix("expect_"),
                success=check["status"] in MET,
                column=kwargs["column"] if isinstance(kwargs.get("column"), str) else None,
                severity="error" if check["severity"] in {"block", "quarantine"} else "warn",
                name=check["check"],
                description=plain(check["says"], 400) or None,
                actual=None if check["share"] is None else f"{check['failed']} failing rows",
                params={"severity": check["severity"], "status": check["status"]},
            )
        )
    return quality.DataQualityAssertionsDatasetFacet(assertions=assertions)


def metrics_of(document: Mapping[str, Any]) -> InputDatasetFacet:
    """Return how many rows were judged and how many values are missing in the columns that checks counted."""
    from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as quality

    rows = document["meta"]["dataops"]["rows"]
    columns = {
        column: quality.ColumnMetrics(nullCount=missing, count=rows - missing)
        for column, missing in missing_values(document["results"], rows).items()
    }
    return quality.DataQualityMetricsInputDatasetFacet(columnMetrics=columns, rowCount=rows, fileCount=1)


def missing_values(results: Sequence[Mapping[str, Any]], rows: int) -> dict[str, int]:
    """Return how many values are missing by column, where a check counted them in all rows."""
    missing: dict[str, int] = {}
    for found in results:
        config, figures = found["expectation_config"], found["result"]
        column, counted = config["kwargs"].get("column"), figures.get("missing_count")
        if config["type"] == NULLS:
            counted = figures.get("unexpected_count")
        if isinstance(column, str) and counted is not None and figures.get("element_count") == rows:
            missing[column] = int(counted)
    return missing


def asset_dataset(asset: Any, lineage_context: Any) -> Dataset:  # noqa: ARG001 - OpenLineage's provider gives both
    """Return the dataset of the asset that a publication updates; the provider asks for assets of our scheme."""
    from openlineage.client.event_v2 import Dataset

    namespace, _ = dataset_name("any")
    return Dataset(namespace, unquote(str(asset.uri).rsplit("/", 1)[-1]))
