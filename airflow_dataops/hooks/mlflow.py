"""MLflow as an Airflow connection: runs, model versions, aliases and artifacts."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_dataops.exceptions import BrokenCheckError, DataOpsError
from airflow_dataops.hooks.mlflow_artifacts import fetch_through_proxy, folder_digest, reading_directly, settle
from airflow_dataops.hooks.mlflow_client import MlflowRefusalError, MlflowRest

__all__ = ["DIGEST_TAG", "MlflowHook", "import_mlflow", "pairs", "rest_client", "tags_of"]

DIGEST_TAG = "dataops.model_digest"
MAX_BATCH = 100


class MlflowHook(BaseHook):
    """Talks to the MLflow server that a connection of type ``mlflow`` names, without importing MLflow.

    Host, port and schema (``http`` or ``https``) make the address; login and password are for basic
    authentication. With the extra field ``auth`` set to ``bearer`` the password is a token.

    Args:
        mlflow_conn_id: The connection. There is no default server: MLflow's own default, a database in the
            current folder, would lose models with the worker.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = "mlflow_default"
    conn_type = "mlflow"
    hook_name = "MLflow"

    def __init__(self, mlflow_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.mlflow_conn_id = mlflow_conn_id

    @classmethod
    async def opened_async(cls, mlflow_conn_id: str = default_conn_name) -> Self:
        """Return a hook that knows its server; for triggers, which must not ask for connections in a thread."""
        hook = cls(mlflow_conn_id)
        try:
            connection = await cls.aget_connection(mlflow_conn_id)
        except AirflowNotFoundException as error:
            raise unknown_connection(mlflow_conn_id) from error
        hook.rest = rest_client(connection, mlflow_conn_id)
        return hook

    def get_conn(self) -> MlflowRest:
        """Return the client of the REST interface.

        Raises:
            BrokenCheckError: The connection does not exist or names no server. A retry does not help.
        """
        return self.rest

    @cached_property
    def rest(self) -> MlflowRest:
        """The client, one per hook."""
        try:
            connection = self.get_connection(self.mlflow_conn_id)
        except AirflowNotFoundException as error:
            raise unknown_connection(self.mlflow_conn_id) from error
        return rest_client(connection, self.mlflow_conn_id)

    def fresh(self) -> MlflowHook:
        """Return a hook to the same server with a session of its own, for signal handlers."""
        other = MlflowHook(self.mlflow_conn_id)
        other.rest = self.rest.fresh()
        return other

    def test_connection(self) -> tuple[bool, str]:
        """Ask the server for its version, for the Test button of the UI."""
        try:
            version = self.rest.health()
        except DataOpsError as error:
            return False, str(error)
        return True, f"MLflow {version} answers at {self.rest.address}."

    # -- experiments and runs ----------------------------------------------------------------------------

    def experiment(self, name: str) -> str:
        """Return the id of the experiment of this name, made if need be.

        Raises:
            BrokenCheckError: The experiment was deleted in MLflow. A retry does not help.
        """
        try:
            found = self.rest.get("experiments/get-by-name", experiment_name=name)["experiment"]
        except MlflowRefusalError as error:
            if not error.is_missing:
                raise
            return self._create_experiment(name)
        if found.get("lifecycle_stage") == "deleted":
            raise BrokenCheckError(
                f"The experiment {name!r} was deleted in MLflow.",
                hint=f"restore it (`mlflow experiments restore -x {found['experiment_id']}`) or name another one",
            )
        return str(found["experiment_id"])

    def _create_experiment(self, name: str) -> str:
        try:
            return str(self.rest.post("experiments/create", name=name)["experiment_id"])
        except MlflowRefusalError as error:
            if not error.is_duplicate:
                raise
            # Another task made it between our two calls.
            return str(self.rest.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"])

    def runs(self, experiment_id: str, tag: str, value: str) -> list[dict[str, Any]]:
        """Return all runs of the experiment that carry the tag; `value` holds only letters and digits."""
        wanted = f"tags.`{tag}` = '{value}'"
        found: list[dict[str, Any]] = []
        page = ""
        while True:
            answer = self.rest.post(
                "runs/search", experiment_ids=[experiment_id], filter=wanted, max_results=1000, page_token=page
            )
            found += answer.get("runs", [])
            page = answer.get("next_page_token", "")
            if not page:
                return found

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a run with its tags, parameters and last metrics."""
        return dict(self.rest.get("runs/get", run_id=run_id)["run"])

    def create_run(self, experiment_id: str, name: str, started: int, tags: Mapping[str, str]) -> str:
        """Start a run and return its id; `started` is in milliseconds since 1970."""
        body: dict[str, Any] = {"experiment_id": experiment_id, "run_name": name, "start_time": started}
        body["tags"] = pairs(tags)
        return str(self.rest.post("runs/create", **body)["run"]["info"]["run_id"])

    def log_batch(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        at: int = 0,
    ) -> None:
        """Write all of it, up to a hundred of each in one call; `at` is in milliseconds since 1970."""
        measured = [{"key": k, "value": v, "timestamp": at, "step": 0} for k, v in (metrics or {}).items()]
        given, marked = pairs(params or {}), pairs(tags or {})
        # MLflow takes a hundred of each at once.
        for start in range(0, max(len(measured), len(given), len(marked)), MAX_BATCH):
            part = slice(start, start + MAX_BATCH)
            self.rest.post(
                "runs/log-batch", run_id=run_id, params=given[part], tags=marked[part], metrics=measured[part]
            )

    def log_inputs(self, run_id: str, datasets: Sequence[Mapping[str, Any]]) -> None:
        """Tell which data went into a run."""
        self.rest.post("runs/log-inputs", run_id=run_id, datasets=list(datasets))

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set one tag of a run."""
        self.rest.post("runs/set-tag", run_id=run_id, key=key, value=value)

    def end_run(self, run_id: str, status: str, ended: int, *, timeout: float = 30.0) -> None:
        """Set how a run ended: FINISHED, FAILED or KILLED; `ended` in milliseconds, `timeout` in seconds."""
        self.rest.post("runs/update", timeout=timeout, run_id=run_id, status=status, end_time=ended)

    # -- models ------------------------------------------------------------------------------------------

    def ensure_model(self, model: str) -> None:
        """Make the registered model unless it exists."""
        try:
            self.rest.post("registered-models/create", name=model)
        except MlflowRefusalError as error:
            if not error.is_duplicate:
                raise

    def create_version(
        self, model: str, source: str, run_id: str, tags: Mapping[str, str], model_id: str | None = None
    ) -> str:
        """Register a version and return its number as text."""
        body: dict[str, Any] = {"name": model, "source": source, "run_id": run_id, "tags": pairs(tags)}
        if model_id:
            body["model_id"] = model_id
        return str(self.rest.post("model-versions/create", **body)["model_version"]["version"])

    def versions(self, model: str, tag: str, value: str) -> list[dict[str, Any]]:
        """Return the versions of the model that carry the tag; `value` holds only letters and digits."""
        answer = self.rest.get("model-versions/search", filter=f"tags.`{tag}` = '{value}'", max_results=1000)
        # Names are compared here, because MLflow's filter language cannot quote every name.
        return [dict(version) for version in answer.get("model_versions", []) if version["name"] == model]

    def model_version(self, model: str, version: str) -> dict[str, Any]:
        """Return a version as MLflow describes it: source, run_id, status, and tags as a list of pairs."""
        return dict(self.rest.get("model-versions/get", name=model, version=version)["model_version"])

    def aliases(self, model: str) -> dict[str, str]:
        """Return the version under each alias; empty when the model does not exist."""
        try:
            found = self.rest.get("registered-models/get", name=model)["registered_model"]
        except MlflowRefusalError as error:
            if not error.is_missing:
                raise
            return {}
        return {item["alias"]: str(item["version"]) for item in found.get("aliases", [])}

    def alias(self, model: str, name: str) -> str | None:
        """Return the version under an alias; None when there is none."""
        return self.aliases(model).get(name)

    def set_alias(self, model: str, name: str, version: str) -> None:
        """Let the alias name the version."""
        self.rest.post("registered-models/alias", name=model, alias=name, version=version)

    def delete_alias(self, model: str, name: str) -> None:
        """Remove the alias; harmless when there is none."""
        self.rest.delete("registered-models/alias", name=model, alias=name)

    # -- artifacts ---------------------------------------------------------------------------------------

    def download_model(self, model: str, version: str, folder: str | Path) -> Path:
        """Put the files of a version into `folder`, which must be new, and return it.

        The folder appears in one step when all files are there and verified.

        Raises:
            BrokenCheckError: The version or its files do not exist, or the files are not the ones that were
                registered. A retry does not help.
            OutageError: MLflow does not answer. A retry helps.
        """
        expected = tags_of(self.model_version(model, version)).get(DIGEST_TAG)
        where = self.rest.get("model-versions/get-download-uri", name=model, version=version)["artifact_uri"]
        return settle(Path(folder), lambda temporary: self._fetch(where, temporary), expected)

    def artifact_digest(self, uri: str) -> str:
        """Return the digest of the artifacts under `uri`; fails when they are not all there."""
        with tempfile.TemporaryDirectory(prefix="dataops-model-") as folder:
            return self._fetch(uri, Path(folder))

    def _fetch(self, uri: str, folder: Path) -> str:
        if urlsplit(uri).scheme == "mlflow-artifacts":
            return fetch_through_proxy(self.rest, uri, folder)
        # The server does not stand between us and this store, so MLflow's own readers have to.
        with self.environment(), reading_directly(uri):
            import_mlflow().artifacts.download_artifacts(
                artifact_uri=uri, dst_path=str(folder), tracking_uri=self.rest.address
            )
        return folder_digest(folder)

    @contextmanager
    def environment(self, run_id: str | None = None, experiment_id: str | None = None) -> Iterator[None]:
        """Let the MLflow library talk to this server, into this run, inside the block; restored after it."""
        wanted = {**self.rest.environment(), "MLFLOW_RUN_ID": run_id, "MLFLOW_EXPERIMENT_ID": experiment_id}
        wanted["MLFLOW_EXPERIMENT_NAME"] = None
        before = {name: os.environ.get(name) for name in wanted}
        set_environment(wanted)
        try:
            yield
        finally:
            set_environment(before)


def import_mlflow() -> Any:
    """Import the MLflow library, which costs seconds, and keep its warnings about itself to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.artifacts
        import mlflow.pyfunc
    return mlflow


def unknown_connection(conn_id: str) -> BrokenCheckError:
    """Return the error for a connection that nobody made."""
    return BrokenCheckError(
        f"There is no Airflow connection {conn_id!r}, so it is unknown where MLflow runs.",
        hint=f"create it with type 'mlflow', host and port, or set AIRFLOW_CONN_{conn_id.upper()}="
        '\'{"conn_type": "mlflow", "host": "127.0.0.1", "port": 5000}\'',
    )


def rest_client(connection: Any, conn_id: str) -> MlflowRest:
    """Return the client for a connection of type ``mlflow``.

    Raises:
        BrokenCheckError: It names no server. A retry does not help.
    """
    extra = connection.extra_dejson
    host = connection.host or ""
    try:
        parts = urlsplit(host if "://" in host else f"{connection.schema or 'http'}://{host}")
        port = connection.port or parts.port
    except ValueError:
        # What was given is not repeated, and neither is what the library says of it: it may hold a password.
        raise no_server(conn_id) from None
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise no_server(conn_id)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return MlflowRest(
        f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path}",
        conn_id=conn_id,
        login=connection.login,
        password=connection.password,
        bearer=str(extra.get("auth", "")).lower() == "bearer",
        verify=switch(extra.get("verify", True)),
    )


def no_server(conn_id: str) -> BrokenCheckError:
    """Return the error for a connection whose fields make no address."""
    return BrokenCheckError(
        f"The connection {conn_id!r} names no MLflow server: its host is empty or no address, or its schema is not "
        "http or https.",
        hint="give host, port and schema, such as 127.0.0.1, 5000 and http, and the password in its own field",
    )


def switch(value: Any) -> bool | str:
    """Return a yes or no that a form field may have made text; other text is a path."""
    known: dict[str, bool] = {"true": True, "": True, "none": True, "false": False}
    return known.get(str(value).lower(), str(value))


def pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a mapping in the form of MLflow's REST interface."""
    return [{"key": key, "value": value} for key, value in values.items()]


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a run's data or of a model version as a mapping."""
    return {item["key"]: item.get("value", "") for item in described.get("tags", [])}


def set_environment(values: Mapping[str, str | None]) -> None:
    """Set what has a value and unset the rest."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
