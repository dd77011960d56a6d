"""What OpenLineage is told, by its own provider's extraction and in its client's classes."""

from __future__ import annotations

import json

import attr
import pyarrow as pa
import pytest
from airflow.providers.openlineage.extractors.base import DefaultExtractor
from airflow.providers.openlineage.utils.utils import translate_airflow_asset
from airflow.sdk.exceptions import AirflowFailException
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import data_quality_assertions_dataset, data_quality_metrics_input_dataset
from openlineage.client.serde import Serde

from airflow_dataops.operators.dataset import SnapshotDatasetOperator, dataset_asset
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.quality_lineage import dataset_name

NOT_NULL = "expect_column_values_to_not_be_null"
HOSTILE = '"; DROP TABLE x; --\n☂'


@pytest.fixture
def gate(tmp_path, ledger, store_path, make_context, monkeypatch):
    monkeypatch.setenv("AIRFLOW__DATAOPS__INSTANCE", "north")

    def make(severity: str = "quarantine", **options) -> QualityGateOperator:
        rows = {"amount": [1.0, None, 3.0], HOSTILE: ["secret-a", "secret-b", "secret-c"]}
        snapshot = SnapshotDatasetOperator(
            task_id="snapshot", dataset="orders", partition="2026-01", python_callable=lambda: pa.table(rows)
        ).execute(make_context("snapshot"))
        checks = [
            {"type": NOT_NULL, "kwargs": {"column": "amount"}, "meta": {"dataops": {"severity": severity}}},
            {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": HOSTILE, "value_set": ["x"]},
                "meta": {"dataops": {"severity": "info"}},
            },
            {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}},
        ]
        path = tmp_path / "suite.json"
        path.write_text(json.dumps({"expectations": checks}))
        return QualityGateOperator(task_id="gate", snapshot=snapshot, suite=str(path), **options)

    return make


def event_of(lineage) -> dict:
    """Return the event that the client would send, as JSON."""
    event = RunEvent(
        eventTime="2026-11-25T00:00:00Z",
        eventType=RunState.COMPLETE,
        run=Run("018f3a3e-0000-7000-8000-000000000000"),
        job=Job("airflow", "line.gate"),
        inputs=lineage.inputs,
        outputs=lineage.outputs,
        producer="https://github.com/airflow-dataops",
    )
    return json.loads(Serde.to_json(event))


def test_a_verdict_is_told_with_assertions_metrics_and_both_outputs(gate, make_context):
    operator = gate()
    result = operator.execute(make_context("gate"))
    lineage = DefaultExtractor(operator).extract_on_complete(None)
    (judged,) = lineage.inputs
    assertions, metrics = (judged.inputFacets[name] for name in ("dataQualityAssertions", "dataQualityMetrics"))
    assert isinstance(assertions, data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet)
    assert isinstance(metrics, data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet)
    attr.validate(assertions)
    attr.validate(metrics)
    assert (judged.namespace, judged.name) == ("dataops://north", "orders")
    assert judged.facets["version"].datasetVersion == f"2026-01@{operator.snapshot['version']}"
    told = [(one.assertion, one.success, one.column, one.severity, one.actual) for one in assertions.assertions]
    assert told == [
        ("column_values_to_not_be_null", False, "amount", "error", "1 failing rows"),
        ("column_values_to_be_in_set", False, HOSTILE, "warn", "3 failing rows"),
        ("table_row_count_to_equal", True, None, "error", None),
    ]
    assert (metrics.rowCount, metrics.columnMetrics["amount"].nullCount) == (3, 1)
    assert metrics.columnMetrics[HOSTILE].nullCount == 0
    assert [(output.name, output.outputFacets["outputStatistics"].rowCount) for output in lineage.outputs] == [
        ("orders", 2),
        ("orders.quarantine", 1),
    ]
    assert lineage.outputs[1].facets["version"].datasetVersion.endswith(result["quarantine"]["version"])
    text = json.dumps(event_of(lineage))
    assert "secret" not in text
    assert "DataQualityAssertionsDatasetFacet.json" in text


def test_a_hold_is_told_when_the_task_fails(gate, make_context):
    operator = gate("block")
    with pytest.raises(AirflowFailException):
        operator.execute(make_context("gate"))
    lineage = DefaultExtractor(operator).extract_on_failure(None)
    assert [one.success for one in lineage.inputs[0].inputFacets["dataQualityAssertions"].assertions] == [
        False,
        False,
        True,
    ]
    assert [output.name for output in lineage.outputs] == ["orders.quarantine"]


def test_a_replayed_verdict_tells_the_same(gate, make_context):
    first, second = gate(), gate()
    first.execute(make_context("gate"))
    second.execute(make_context("gate", number=2))
    said = [event_of(DefaultExtractor(operator).extract_on_complete(None)) for operator in (first, second)]
    assert said[0] == said[1]


def test_a_broken_check_tells_nothing_and_breaks_nothing(gate, make_context):
    operator = gate(on_fail="nonsense")
    with pytest.raises(AirflowFailException):
        operator.execute(make_context("gate"))
    assert DefaultExtractor(operator).extract_on_failure(None) is None


@pytest.mark.parametrize("dataset", ["orders", "orders/é", "x" * 200])
def test_the_asset_of_a_publication_is_the_same_dataset(dataset):
    found = translate_airflow_asset(dataset_asset(dataset), None)
    assert (found.namespace, found.name) == dataset_name(dataset)
