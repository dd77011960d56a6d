"""MLflow's REST interface through a small pooled session: importing MLflow itself costs seconds, this does not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_dataops.exceptions import BrokenCheckError, OutageError

if TYPE_CHECKING:
    import requests

__all__ = ["MlflowRefusalError", "MlflowRest"]

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
RETRIES = 2
CHUNK_BYTES = 1 << 20
OUTAGE_CODES = {429, 502, 503, 504}


class MlflowRefusalError(BrokenCheckError):
    """MLflow answered, and the answer is no.

    Args:
        code: MLflow's own code ("RESOURCE_DOES_NOT_EXIST").
        message: What MLflow said.
        hint: What to do.
    """

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code

    @property
    def is_missing(self) -> bool:
        """Whether the thing asked for does not exist."""
        return self.code == "RESOURCE_DOES_NOT_EXIST"

    @property
    def is_duplicate(self) -> bool:
        """Whether the thing to be made exists already."""
        return self.code == "RESOURCE_ALREADY_EXISTS"


class MlflowRest:
    """Calls an MLflow server; only what is safe to repeat is repeated.

    Args:
        address: Where the server listens, such as ``http://mlflow:5000``, without credentials.
        conn_id: The Airflow connection the address came from, named in errors.
        login: Name for basic authentication.
        password: Its password, or the bearer token when `bearer` is true.
        bearer: Whether the password is a token.
        verify: Whether to check the server's certificate, or the path of the authorities to check it with.
    """

    def __init__(
        self,
        address: str,
        *,
        conn_id: str | None = None,
        login: str | None = None,
        password: str | None = None,
        bearer: bool = False,
        verify: bool | str = True,
    ) -> None:
        self.address, self.conn_id = address.rstrip("/"), conn_id
        self.login, self.bearer, self.verify = login, bearer, verify
        # With the line break that files of secrets end with, libraries refuse a token and show it.
        self.password = "".join(password.split()) if bearer and password else password

    def fresh(self) -> MlflowRest:
        """Return the same client with a session of its own."""
        return MlflowRest(
            self.address,
            conn_id=self.conn_id,
            login=self.login,
            password=self.password,
            bearer=self.bearer,
            verify=self.verify,
        )

    @cached_property
    def session(self) -> requests.Session:
        """The pooled session. A POST is never sent twice: MLflow has no keys that would make it harmless."""
        import requests
        from requests.adapters import HTTPAdapter, Retry

        retry = Retry(
            RETRIES, backoff_factor=0.2, allowed_methods={"GET"}, status_forcelist=OUTAGE_CODES, raise_on_status=False
        )
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        session.auth = self._authorize
        session.verify = self.verify
        return session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # A callable, because requests lets a .netrc file override a header set by hand.
        from requests.auth import HTTPBasicAuth

        # As bytes, because requests would take text for Latin-1.
        login, password = (self.login or "").encode(), (self.password or "").encode()
        if self.bearer and password:
            request.headers["Authorization"] = b"Bearer " + password  # type: ignore[assignment]
        elif login or password:
            HTTPBasicAuth(login, password)(request)
        return request

    # -- calls -------------------------------------------------------------------------------------------

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask; asked again when the answer does not come."""
        return self._call("GET", f"/api/2.0/mlflow/{path}", params=query)

    def post(self, path: str, *, timeout: float = READ_SECONDS, **body: Any) -> dict[str, Any]:
        """Do once; `timeout` is in seconds."""
        return self._call("POST", f"/api/2.0/mlflow/{path}", json=body, timeout=timeout)

    def delete(self, path: str, **body: Any) -> dict[str, Any]:
        """Remove."""
        return self._call("DELETE", f"/api/2.0/mlflow/{path}", json=body)

    def health(self) -> str:
        """Return the server's version, asked with credentials so that wrong ones are noticed."""
        self.post("experiments/search", max_results=1)
        return self._send("GET", "/version").text.strip()

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._send(method, path, **options)
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BrokenCheckError(
                f"What answers at {self.address} is not MLflow: {path} did not return JSON.",
                hint=f"correct host, port and schema of the connection {self.conn_id!r}",
            )
        return answer

    def _send(self, method: str, path: str, *, timeout: float = READ_SECONDS, **options: Any) -> requests.Response:
        import requests

        try:
            response = self.session.request(
                method, self.address + path, timeout=(min(CONNECT_SECONDS, timeout), timeout), **options
            )
        except requests.RequestException as error:
            raise self.outage(short_reason(error)) from error
        if response.status_code in OUTAGE_CODES or response.status_code >= 500:  # noqa: PLR2004
            raise self.outage(f"HTTP {response.status_code}: {message_of(response)}")
        if not response.ok:
            raise refusal(response, self.address, self.conn_id)
        return response

    def outage(self, reason: str) -> OutageError:
        """Return the error for a server that does not answer as it should."""
        return OutageError("MLflow", self.address, self.conn_id, reason)

    # -- files -------------------------------------------------------------------------------------------

    def list_artifacts(self, folder: str) -> list[dict[str, Any]]:
        """Return what lies in a folder of the server's artifact proxy."""
        answer = self._call("GET", "/api/2.0/mlflow-artifacts/artifacts", params={"path": folder})
        return list(answer.get("files", []))

    def save_artifact(self, path: str, target: Path) -> None:
        """Stream one file of the artifact proxy to `target`."""
        import requests

        try:
            with (
                self._send("GET", f"/api/2.0/mlflow-artifacts/artifacts/{quote(path)}", stream=True) as response,
                target.open("wb") as file,
            ):
                for chunk in response.iter_content(CHUNK_BYTES):
                    file.write(chunk)
        except requests.RequestException as error:
            raise self.outage(short_reason(error)) from error

    def environment(self) -> dict[str, str | None]:
        """Return what makes the MLflow library talk to this server; None means to be unset."""
        basic = not self.bearer
        return {
            "MLFLOW_TRACKING_URI": self.address,
            "MLFLOW_REGISTRY_URI": self.address,
            "MLFLOW_TRACKING_USERNAME": self.login if basic else None,
            "MLFLOW_TRACKING_PASSWORD": self.password if basic else None,
            "MLFLOW_TRACKING_TOKEN": self.password if self.bearer else None,
            "MLFLOW_TRACKING_INSECURE_TLS": "true" if self.verify is False else None,
            "MLFLOW_TRACKING_SERVER_CERT_PATH": self.verify if isinstance(self.verify, str) else None,
            # By default MLflow waits four minutes for a server that is not there.
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(RETRIES),
            "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(int(READ_SECONDS)),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }


def refusal(response: requests.Response, address: str, conn_id: str | None) -> MlflowRefusalError:
    """Return the error for an answer that is no."""
    said = message_of(response)
    if response.status_code in {401, 403}:
        return MlflowRefusalError(
            "PERMISSION_DENIED",
            f"MLflow at {address} refused us (HTTP {response.status_code}): {said}",
            hint=f"correct login and password of the connection {conn_id!r}, or let the server accept this host name",
        )
    return MlflowRefusalError(json_of(response).get("error_code", ""), f"MLflow at {address} refused: {said}")


def message_of(response: requests.Response) -> str:
    """Return what the server said, in one bounded line."""
    said = json_of(response).get("message") or response.text or response.reason or ""
    lines = str(said).strip().splitlines()
    return lines[0][:500] if lines else ""


def json_of(response: requests.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer; empty when it is something else."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def short_reason(error: Exception) -> str:
    """Return the innermost cause; the outer ones repeat the address with objects around it."""
    inner: BaseException = error
    while (deeper := getattr(inner, "reason", None) or next(iter(inner.args), None)) is not None:
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    return str(inner).rsplit(": ", 1)[-1][:300]
