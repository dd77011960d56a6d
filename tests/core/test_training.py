from __future__ import annotations

import pytest

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.training import TrainingData, bounded_params, bounded_tags, result_of, training_digest
from airflow_dataops.exceptions import BrokenCheckError

WHOLE = {"dataset": "flights", "until": "2013-02", "time_column": "day", "holdout_from": "2013-02-22"}


def snapshot(partition, digest="d"):
    return Snapshot("flights", partition, "v", "file:///x", digest, "s", 3)


def published(*partitions):
    return {partition: {"snapshot": snapshot(partition).to_xcom()} for partition in partitions}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "data is NoneType"),
        ("flights", "data is str"),
        ({}, "no dataset and no until and no time_column and no holdout_from"),
        ({**WHOLE, "until": " "}, "data has no until"),
        ({**WHOLE, "untill": "x"}, "unknown field 'untill'"),
    ],
)
def test_a_wrong_description_of_data_is_said(value, said):
    with pytest.raises(BrokenCheckError, match=said):
        TrainingData.from_dict(value)


def test_partitions_up_to_the_last_count_in_order():
    data = TrainingData.from_dict(WHOLE)
    chosen = data.snapshots(published("2013-03", "2013-02", "2012-12", "2013-01"))
    assert [snapshot.partition for snapshot in chosen] == ["2012-12", "2013-01", "2013-02"]


def test_nothing_published_in_time_is_a_clear_error():
    with pytest.raises(BrokenCheckError, match="published up to '2013-02'"):
        TrainingData.from_dict(WHOLE).snapshots(published("2013-03"))


def test_the_digest_tells_other_rows_and_other_cuts_apart():
    data = TrainingData.from_dict(WHOLE)
    later = TrainingData.from_dict({**WHOLE, "holdout_from": "2013-02-23"})
    digests = {
        training_digest(data, [snapshot("2013-01")]),
        training_digest(data, [snapshot("2013-01", "e")]),
        training_digest(data, [snapshot("2013-01"), snapshot("2013-02")]),
        training_digest(later, [snapshot("2013-01")]),
    }
    assert len(digests) == 4
    assert training_digest(data, [snapshot("2013-01")]) in digests


def test_tags_and_params_keep_mlflows_limits_visibly():
    tags = bounded_tags({"k" * 300: "v" * 9000})
    assert [(len(key), len(value), value[-1]) for key, value in tags.items()] == [(250, 5000, "…")]
    params = bounded_params({"depth": 3, "layers": [1, 2], "name": "é", "none": None, "odd": object})
    assert params["depth"] == "3"
    assert params["layers"] == "[1, 2]"
    assert params["name"] == "é"
    assert params["none"] == "null"
    assert len(bounded_params({"long": "x" * 7000})["long"]) == 6000


def test_a_kept_result_becomes_the_result_of_its_version():
    assert result_of('{"model": "m", "rows": 3}', "7") == {
        "model": "m",
        "rows": 3,
        "version": "7",
        "uri": "models:/m/7",
    }
