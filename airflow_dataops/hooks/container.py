"""A Docker engine: models served by containers, and the images they are started from."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.common.compat.sdk import redact
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from airflow_dataops.core.deployment import Release, Running, example_request
from airflow_dataops.core.image import MODEL_FOLDER, SERVING_PORT
from airflow_dataops.exceptions import BrokenCheckError, DataOpsError
from airflow_dataops.hooks.container_errors import reaching, short

if TYPE_CHECKING:
    import docker

__all__ = ["ContainerHook"]

DEFAULT_URL = "unix:///var/run/docker.sock"
CALL_SECONDS = 30
DRAIN_SECONDS = 30
MAX_LOG_CHARACTERS = 16_000
PORT = f"{SERVING_PORT}/tcp"


class ContainerHook(BaseHook):
    """Talks to the Docker engine that a connection of type ``dataops_docker`` names.

    The extra fields ``engine_url``, ``tls_ca``, ``tls_cert`` and ``tls_key`` name the engine; without them
    ``DOCKER_HOST`` counts, and then ``unix:///var/run/docker.sock``. ``network`` names a network of the engine,
    where none is given to the hook. Host, port, login and password name a
    registry, as in a connection of Airflow's Docker provider, whose hook logs in when an image is pulled.

    Every call is bounded, for an engine can hang: it counts as down then.

    Args:
        docker_conn_id: The connection; the default one need not exist.
        timeout: Seconds that one call may take.
        bind: Address of the engine's host that containers are published on.
        port: Port there; 0 takes a free one. Old and new serve side by side, so a fixed one is only for
            deployments that are made once; "8100-8109" takes a free one of a range.
        network: A network of the engine to join; containers are asked by their names there, not published.
            Without it the connection's extra field ``network`` counts, so that DAGs need not know the place.
    """

    conn_name_attr = "docker_conn_id"
    default_conn_name = "dataops_docker"
    conn_type = "dataops_docker"
    hook_name = "DataOps Docker"
    kind = "docker"

    def __init__(
        self,
        docker_conn_id: str = default_conn_name,
        *,
        timeout: int = CALL_SECONDS,
        bind: str = "127.0.0.1",
        port: int | str = 0,
        network: str | None = None,
    ) -> None:
        super().__init__()
        self.docker_conn_id = docker_conn_id
        self.timeout = timeout
        self.bind = bind
        self.port = port
        self.given_network = network

    # -- the engine --------------------------------------------------------------------------------------

    @classmethod
    async def opened_async(cls, docker_conn_id: str = default_conn_name) -> Self:
        """Return a hook that has its connection; for triggers, which must not ask for connections in a thread."""
        hook = cls(docker_conn_id)
        try:
            hook.connection = await hook.aget_connection(docker_conn_id)
        except AirflowNotFoundException as error:
            hook.connection = hook.without_connection(error)
        return hook

    @cached_property
    def connection(self) -> Any:
        """The Airflow connection, or None when the default one does not exist."""
        try:
            return self.get_connection(self.docker_conn_id)
        except AirflowNotFoundException as error:
            return self.without_connection(error)

    def without_connection(self, error: Exception) -> None:
        """Go on without a connection, if it is the default one that does not exist."""
        if self.docker_conn_id != self.default_conn_name:
            raise BrokenCheckError(
                f"There is no Airflow connection {self.docker_conn_id!r}, so it is unknown where the engine runs.",
                hint="create it with type 'dataops_docker' and the extra field engine_url",
            ) from error

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The connection's extra fields."""
        return dict(self.connection.extra_dejson) if self.connection else {}

    @property
    def network(self) -> str | None:
        """The engine's network that containers join."""
        return self.given_network or self.settings.get("network") or None

    @property
    def engine_url(self) -> str:
        """Where the engine is."""
        return str(self.settings.get("engine_url") or os.environ.get("DOCKER_HOST") or DEFAULT_URL)

    @property
    def address(self) -> str:
        """Where the engine is, without credentials."""
        return re.sub(r"//.*@", "//", self.engine_url)

    @cached_property
    def engine(self) -> docker.APIClient:
        """The client, one per hook.

        Raises:
            OutageError: The engine does not answer. A retry helps.
        """
        return self.client(login=False)

    @cached_property
    def registry_engine(self) -> docker.APIClient:
        """The client after the login to the connection's registry, if it names one.

        Raises:
            BrokenCheckError: The registry refuses the login. A retry does not help.
            OutageError: The engine does not answer. A retry helps.
        """
        return self.client(login=True) if self.connection and self.connection.login else self.engine

    def get_conn(self) -> docker.APIClient:
        """Return the client."""
        return self.engine

    def client(self, *, login: bool) -> docker.APIClient:
        """Return a client made by the Docker provider's hook, which knows TLS and registries."""
        from airflow.providers.docker.hooks.docker import DockerHook

        extra = self.settings
        if password := re.search(r"://[^:]*:(.*)@", self.engine_url):
            mask_secret(password[1])  # the provider logs the address as it is
        with reaching(self.address, self.docker_conn_id):
            try:
                return DockerHook(
                    docker_conn_id=self.docker_conn_id if login else None,
                    base_url=self.engine_url,
                    version="auto",
                    tls=DockerHook.construct_tls_config(
                        extra.get("tls_ca"), extra.get("tls_cert"), extra.get("tls_key")
                    ),
                    timeout=self.timeout,
                ).api_client
            except ValueError:
                # What was given and what Python says of it are not repeated: they may hold a password.
                raise BrokenCheckError(
                    f"The connection {self.docker_conn_id!r} gives an address that names no Docker engine.",
                    hint="give engine_url as unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host",
                ) from None

    def reaching(self) -> Any:
        """Turn what the SDK raises inside the block into our errors, naming the engine."""
        return reaching(self.address, self.docker_conn_id)

    def test_connection(self) -> tuple[bool, str]:
        """Ask the engine for its version, for the Test button of the UI."""
        try:
            with self.reaching():
                version = self.registry_engine.version()["Version"]
        except DataOpsError as error:
            return False, str(error)
        return True, f"Docker engine {version} answers at {self.address}."

    # -- one release -------------------------------------------------------------------------------------

    def start(self, release: Release, labels: Mapping[str, str]) -> None:
        """Start the release; one that runs under its name already is adopted, a dead one replaced.

        Raises:
            BrokenCheckError: The engine refuses: no such image, a port that is taken. A retry does not help.
            OutageError: The engine does not answer. A retry helps.
        """
        import docker.errors

        found = self.inspect(release.name)
        if found and found["State"]["Running"]:
            return
        if found and found["State"]["Status"] != "created":
            self.stop(release.deployment, release.name)
            found = None
        with self.reaching():
            if not found:
                self.create_known(release, labels)
            try:
                self.engine.start(release.name)
            except docker.errors.APIError:
                # A container that could not start would keep the name and the port.
                self.engine.remove_container(release.name, force=True)
                raise

    def create_known(self, release: Release, labels: Mapping[str, str]) -> None:
        """Create the container, or say that its image is gone."""
        import docker.errors

        try:
            self.create(release, labels)
        except docker.errors.NotFound as error:
            raise BrokenCheckError(
                f"The image {release.image} is not on the engine at {self.address}, or a part it needs is not: "
                f"{short(error.explanation)}",
                hint="build it again: clear the task that built it",
            ) from error

    def create(self, release: Release, labels: Mapping[str, str]) -> None:
        """Create the container: no rights, nothing to write on but /tmp, and nothing of ours in its environment."""
        engine = self.engine
        network = self.network
        published = None if network else {PORT: (self.bind, str(self.port or ""))}
        host = engine.create_host_config(
            port_bindings=published,
            network_mode=network,
            read_only=True,
            tmpfs={"/tmp": "rw,noexec,nosuid,size=256m"},  # noqa: S108 - inside the container
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        )
        engine.create_container(
            release.image_id,
            name=release.name,
            labels=dict(labels),
            ports=[SERVING_PORT],
            host_config=host,
            stop_signal="SIGTERM",
        )

    def observe(self, deployment: str, name: str) -> Running | None:
        """Return what is there under the name, dead or alive; None when nothing is."""
        found = self.inspect(name)
        if found is None or found["Config"]["Labels"].get("dataops.deployment") != deployment:
            return None
        return self.running(found)

    def releases(self, deployment: str) -> list[Running]:
        """Return all releases of the deployment, dead or alive."""
        wanted = {"label": [f"dataops.deployment={deployment}", "dataops.release"]}
        with self.reaching():
            listed = self.engine.containers(all=True, filters=wanted)
        inspected = (self.inspect(one["Id"]) for one in listed)
        return [self.running(found) for found in inspected if found]

    def example(self, deployment: str, name: str) -> dict[str, Any] | None:
        """Return a request made from the example that the served model was logged with."""
        files = [self.read_file(name, f"{MODEL_FOLDER}/{file}") for file in EXAMPLES]
        return example_request(*files)

    def logs(self, deployment: str, name: str, lines: int = 50) -> str:
        """Return the last lines that the release wrote, without secrets; empty when there are none."""
        import docker.errors

        with suppress(docker.errors.NotFound), self.reaching():
            written: bytes = self.engine.logs(name, tail=lines)
            return str(redact(written.decode(errors="replace")[-MAX_LOG_CHARACTERS:].rstrip()))
        return ""

    def keep(self, deployment: str, name: str) -> None:
        """Let the engine start the proven release again when it crashes or the host restarts."""
        with self.reaching():
            self.engine.update_container(name, restart_policy={"Name": "unless-stopped"})

    def stop(self, deployment: str, name: str) -> None:
        """Let requests in flight finish, then stop and remove the container; nothing happens when it is gone."""
        import docker.errors

        with suppress(docker.errors.NotFound), self.reaching():
            self.engine.stop(name, timeout=DRAIN_SECONDS)
            self.engine.remove_container(name, force=True)

    # -- looking -----------------------------------------------------------------------------------------

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Return the engine's description of a container; None when there is none."""
        import docker.errors

        try:
            with self.reaching():
                return dict(self.engine.inspect_container(name))
        except docker.errors.NotFound:
            return None

    def running(self, found: Mapping[str, Any]) -> Running:
        """Return a described container as a release."""
        labels = found["Config"]["Labels"]
        alive = bool(found["State"]["Running"]) and not found["State"].get("Restarting")
        return Running(
            name=found["Name"].lstrip("/"),
            deployment=labels["dataops.deployment"],
            alive=alive,
            url=self.url(found) if alive else None,
            based_on=int(labels.get("dataops.based_on", 0)),
            run_key=labels.get("dataops.run_key", ""),
        )

    def url(self, found: Mapping[str, Any]) -> str | None:
        """Return where a container answers; None while its port is not open."""
        published = (found["NetworkSettings"].get("Ports") or {}).get(PORT)
        if not published:
            return f"http://{found['Name'].lstrip('/')}:{SERVING_PORT}"
        anywhere = published[0]["HostIp"] in {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
        host = self.engine_host() if anywhere else published[0]["HostIp"]
        return f"http://{host}:{published[0]['HostPort']}"

    def engine_host(self) -> str:
        """Return the host of a remote engine, or this host for a local one."""
        found = re.match(r"(?:tcp|https?|ssh)://([^:/]+)", self.address)
        return found.group(1) if found else "127.0.0.1"

    def read_file(self, name: str, path: str) -> bytes | None:
        """Return a small file out of a container; None when it is not there."""
        import docker.errors

        with suppress(docker.errors.NotFound), self.reaching():
            stream, _ = self.engine.get_archive(name, path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                member = archive.extractfile(archive.getmembers()[0])
                return member.read() if member else None
        return None


EXAMPLES: Sequence[str] = ("serving_input_example.json", "input_example.json")
