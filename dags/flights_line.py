"""The whole line: from a dirty file to a model that serves."""

from __future__ import annotations

import os
from pathlib import Path

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task

from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.deployment import DeployModelOperator
from airflow_dataops.operators.evaluation import EvaluateModelOperator
from airflow_dataops.operators.image import BuildModelImageOperator
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.registry import PromoteModelOperator
from flights.model import features_and_label, fit_late_arrivals

INBOX = os.environ.get("FLIGHTS_INBOX", "/data/flights")
TARGET = os.environ.get("FLIGHTS_TARGET", "process")
BASE_IMAGE = os.environ.get("FLIGHTS_BASE_IMAGE")
MONTH = "{{ params.month or data_interval_start.strftime('%Y-%m') }}"

with DAG(
    dag_id="flights_line",
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone=pendulum.UTC),
    start_date=pendulum.datetime(2013, 1, 1),
    end_date=pendulum.datetime(2014, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": pendulum.duration(seconds=10)},
    params={
        "month": Param(None, type=["null", "string"], pattern=r"^\d{4}-\d{2}$", description="Empty: the run's month."),
        "inbox": Param(INBOX, type="string", description="Folder of the deliveries flights-YYYY-MM.csv."),
    },
    tags=["dataops", "example"],
    doc_md="""
    ### Flights: will this flight arrive more than 15 minutes late?

    Each month a delivery is snapshotted, judged by the suite `flights/suite.json`, split into good and bad rows
    and published. On all published months before, and days 1 to 21 of this one, a model is trained; days 22 to the
    end are the sealed hold-out on which it meets the champion. A model that is not worse is promoted and deployed;
    the old one serves until the new one has proved itself.

    **When a month is held**, nothing after the gate runs: the data published before stay current and the model
    deployed before keeps serving. The red task's log says why in one sentence.
    Fill a year with `airflow backfill create --dag-id flights_line --from-date 2013-01-01 --to-date 2013-12-01
    --max-active-runs 1`.
    """,
) as dag:
    snapshot = SnapshotDatasetOperator(
        task_id="snapshot",
        dataset="flights",
        partition=MONTH,
        path="{{ params.inbox }}/flights-" + MONTH + ".csv",
    )
    gate = QualityGateOperator(
        task_id="gate",
        snapshot=snapshot.output,
        suite=str(Path(__file__).parent / "flights" / "suite.json"),
    )
    publish = PublishDatasetOperator(task_id="publish", dataset="flights", gate=gate.output)

    @task.train_model(
        model="flights",
        data={
            "dataset": "flights",
            "until": MONTH,
            "time_column": "flight_date",
            "holdout_from": MONTH + "-22",
        },
        prepare=features_and_label,
        params={"C": 0.3, "max_iter": 200},
        seed=13,
    )
    def train(features, label, *, params, seed):
        return fit_late_arrivals(features, label, params=params, seed=seed)

    trained = train()
    evaluate = EvaluateModelOperator(
        task_id="evaluate",
        model=trained,
        prepare=features_and_label,
        metric="roc_auc",
        margin=0.01,
        floors={"roc_auc": 0.55},
    )
    promote = PromoteModelOperator(task_id="promote", model="flights", evaluation=evaluate.output, on_reject="skip")
    deploy = DeployModelOperator(task_id="deploy", deployment="flights", model=promote.output, target=TARGET)
    publish >> trained
    if TARGET == "docker":
        build = BuildModelImageOperator(task_id="build", model=promote.output, base_image=BASE_IMAGE)
        deploy.image = build.output
        build >> deploy
