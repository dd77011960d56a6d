"""One step back: the previous model serves again."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Param

from airflow_dataops.operators.deployment import RollbackModelOperator

with DAG(
    dag_id="rollback_model",
    schedule=None,
    start_date=pendulum.datetime(2013, 1, 1),
    max_active_runs=1,
    params={
        "model": Param("flights", type="string", minLength=1, description="Name of the registered model."),
        "deployment": Param("flights", type="string", minLength=1, description="Name of the deployment."),
        "reason": Param("", type="string", description="Why; kept in the history."),
    },
    tags=["dataops", "example"],
    doc_md="""
    ### Roll a model back

    Starts the release that served before, waits until it is healthy, gives it the traffic and moves the alias
    `champion` back. Nothing is rebuilt. *Trigger* asks for the model and the deployment.
    """,
):
    RollbackModelOperator(
        task_id="rollback",
        model="{{ params.model }}",
        deployment="{{ params.deployment }}",
        reason="{{ params.reason }}",
    )
