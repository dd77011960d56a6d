"""What Airflow's provider manager is told of us. Every Airflow process calls it: it imports nothing."""

from __future__ import annotations

from typing import Any

__all__ = ["get_provider_info"]

NAME = "DataOps"
NOUNS = {
    "operators": [
        "dataset",
        "dataset_rollback",
        "reading",
        "table",
        "table_rollback",
        "quality",
        "quality_table",
        "quarantine",
        "training",
        "evaluation",
        "registry",
        "image",
        "deployment",
    ],
    "sensors": ["dataset", "registry", "deployment"],
    "hooks": ["ledger", "dataset", "expectations", "mlflow", "container", "image", "process"],
    "triggers": ["dataset", "registry", "deployment", "quality"],
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-dataops",
        "name": NAME,
        "description": "A production line for data and models: gate, publish, train, promote, deploy, roll back.",
        "integrations": [{"integration-name": NAME, "tags": ["software"]}],
        **{layer: [modules(layer)] for layer in NOUNS},
        "connection-types": connection_types(),
        "task-decorators": [
            {"name": "quality_gate", "class-name": "airflow_dataops.decorators.quality.quality_gate_task"},
            {"name": "train_model", "class-name": "airflow_dataops.decorators.training.train_model_task"},
        ],
        "extra-links": ["airflow_dataops.operators.quality_link.QualityReportLink"],
        "asset-uris": [
            {
                "schemes": ["dataops"],
                "handler": None,
                "to_openlineage_converter": "airflow_dataops.operators.quality_lineage.asset_dataset",
            }
        ],
        "config": {"dataops": {"description": "Options of airflow-dataops.", "options": options()}},
    }


def modules(layer: str) -> dict[str, Any]:
    """Return the modules of a layer."""
    return {
        "integration-name": NAME,
        "python-modules": [f"airflow_dataops.{layer}.{noun}" for noun in NOUNS[layer]],
    }


def connection_types() -> list[dict[str, Any]]:
    """Return our connection types with their form fields."""
    return [
        connection_type(
            "dataops_ledger",
            "ledger.LedgerHook",
            "DataOps Ledger",
            {"sqlite_path": text_field("SQLite file (instead of PostgreSQL)")},
            relabeling={"schema": "Database"},
            placeholders={"host": "postgres", "port": "5432", "schema": "dataops"},
        ),
        folder_type("dataops_store", "dataset.DatasetHook", "DataOps Store", "Folder that all workers see"),
        folder_type(
            "dataops_expectations", "expectations.ExpectationsHook", "DataOps Expectations", "Folder of the suites"
        ),
        mlflow_type(),
        docker_type(),
    ]


def mlflow_type() -> dict[str, Any]:
    """Return the connection type of an MLflow server."""
    return connection_type(
        "mlflow",
        "mlflow.MlflowHook",
        "MLflow",
        {
            "auth": text_field("basic, or bearer: the password is a token"),
            "verify": text_field("true, false, or the file of the certificate authorities"),
        },
        relabeling={"schema": "http or https", "password": "Password or token"},
        placeholders={"host": "mlflow", "port": "5000", "schema": "http"},
    )


def docker_type() -> dict[str, Any]:
    """Return the connection type of a Docker engine and a registry."""
    return connection_type(
        "dataops_docker",
        "container.ContainerHook",
        "DataOps Docker",
        {
            "engine_url": text_field("Engine, unix:///… or tcp://…"),
            "tls_ca": text_field("File of the certificate authority"),
            "tls_cert": text_field("File of the client's certificate"),
            "tls_key": text_field("File of the client's key"),
            "network": text_field("Network that containers join"),
        },
        hidden=("schema",),
        relabeling={"host": "Registry", "login": "Registry login", "password": "Registry password"},
        placeholders={"host": "registry.example.com"},
    )


def folder_type(kind: str, hook: str, name: str, label: str) -> dict[str, Any]:
    """Return a connection type that only names a folder."""
    hidden = ("host", "port", "schema", "login", "password")
    return connection_type(kind, hook, name, {"path": text_field(label)}, hidden=hidden)


def connection_type(
    kind: str,
    hook: str,
    name: str,
    fields: dict[str, Any],
    *,
    hidden: tuple[str, ...] = (),
    relabeling: dict[str, str] | None = None,
    placeholders: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a connection type in the form of Airflow's provider schema."""
    return {
        "connection-type": kind,
        "hook-class-name": f"airflow_dataops.hooks.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {
            "hidden-fields": list(hidden),
            "relabeling": relabeling or {},
            "placeholders": placeholders or {},
        },
        "conn-fields": fields,
    }


def text_field(label: str) -> dict[str, Any]:
    """Return the form field of an optional text."""
    return {"label": label, "schema": {"type": ["string", "null"]}}


def options() -> dict[str, Any]:
    """Return the options of the ``[dataops]`` section."""
    return {
        "instance": option("Name of this deployment of Airflow; part of every run key.", "default", "production"),
        "ledger_url": option(
            "SQLAlchemy URL of the ledger, where no connection 'dataops_ledger' exists.",
            "",
            "postgresql://dataops@postgres/dataops",
            sensitive=True,
        ),
        "store_path": option("Folder of snapshots and evidence that all workers see.", "", "/shared/dataops"),
        "suites_path": option("Folder of suites; Airflow's DAGs folder by default.", "", "/shared/suites"),
    }


def option(description: str, default: str, example: str, *, sensitive: bool = False) -> dict[str, Any]:
    """Return one option in the form of Airflow's configuration schema."""
    described = {
        "description": description,
        "version_added": "0.1.0",
        "type": "string",
        "default": default,
        "example": example,
    }
    return {**described, "sensitive": True} if sensitive else described
