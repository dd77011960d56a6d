"""Serves the reports of gates to people who may read the DAG that made them. Only the API server imports this."""

from __future__ import annotations

import hashlib
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import FastAPI, HTTPException, Path, Query, Response

from airflow_dataops.core.quality_report_page import signature_of
from airflow_dataops.exceptions import DataOpsError
from airflow_dataops.hooks.connection import existing_connection
from airflow_dataops.hooks.dataset import DatasetHook

__all__ = ["app"]

DIGEST = r"^[0-9a-f]{64}$"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
"""A report needs no script; whatever a name in it says, the browser runs nothing."""

Digest = Annotated[str, Path(pattern=DIGEST)]
Store = Annotated[str, Query(max_length=250)]

app = FastAPI(title="DataOps", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/reports/{digest}/report.html")
def report(digest: Digest, user: GetUserDep, store: Store = DatasetHook.default_conn_name) -> Response:
    """Serve the page."""
    page, _ = readable(digest, user, store)
    return Response(page, media_type="text/html; charset=utf-8", headers=HEADERS)


@app.get("/reports/{digest}/evidence.json")
def evidence(digest: Digest, user: GetUserDep, store: Store = DatasetHook.default_conn_name) -> Response:
    """Serve the figures that the page under this digest was made of."""
    _, named = readable(digest, user, store)
    return Response(verified(named, ".json", store), media_type="application/json", headers=HEADERS)


def readable(digest: str, user: GetUserDep, store: str) -> tuple[str, str]:
    """Return a report and the digest of its evidence, if the user may read what the DAG that made it did."""
    page = verified(digest, ".html", store).decode("utf-8", "replace")
    dag_id, named = signature_of(page)
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    if not dag_id or not get_auth_manager().is_authorized_dag(
        method="GET", access_entity=DagAccessEntity.TASK_INSTANCE, details=details, user=user
    ):
        raise HTTPException(403, "You may not read the DAG that made this report.")
    return page, named


def verified(digest: str, suffix: str, store: str) -> bytes:
    """Return evidence whose bytes have the digest it is called by."""
    try:
        content = hook_of(store).evidence_path(f"{digest}{suffix}").read_bytes()
    except (OSError, DataOpsError):
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise HTTPException(404, "There is no such report in the store that this server sees, or it was changed.")
    return content


def hook_of(store: str) -> DatasetHook:
    """Return the store; whatever else a connection is for, it opens no folder here.

    Raises:
        BrokenCheckError: There is no such connection.
    """
    is_default = store == DatasetHook.default_conn_name
    if not is_default and existing_connection(store, "name a store").conn_type != DatasetHook.conn_type:
        raise HTTPException(404, "There is no such store.")
    return DatasetHook(store)
