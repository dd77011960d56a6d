"""The whole deployment half on a real engine: build, serve, replace, fail, roll back, die, come back."""

from __future__ import annotations

import base64
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.deployment import Release, pointer_name, release_labels
from airflow_dataops.core.image import SERVING_USER
from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.hooks.image import ImageHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.serving import invoke, ping
from airflow_dataops.operators.deployment import DeployModelOperator, RollbackModelOperator
from airflow_dataops.operators.image import BuildModelImageOperator
from airflow_dataops.operators.rollout import Rollout
from airflow_dataops.testing.processes import wait_until
from tests.support.deaths import killed
from tests.support.docker import BASE_IMAGE, docker_connection
from tests.support.served_models import BODY, EXAMPLE

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SECRET = "hunter2hunter2"


def build(models, version, **options):
    model = {"model": models.name, "version": version}
    return BuildModelImageOperator(task_id="build", model=model, base_image=BASE_IMAGE, **options)


def deploy(deployment, models, image, **options):
    model = {"model": models.name, "version": image["version"]}
    return DeployModelOperator(task_id="deploy", deployment=deployment, model=model, image=image, **options)


def containers(engine, deployment):
    filters = {"label": [f"dataops.deployment={deployment}"]}
    return [one["Names"][0].lstrip("/") for one in engine.containers(all=True, filters=filters)]


def images_of(engine, image):
    key = image["Labels"]["dataops.run_key"]
    return [one["Id"] for one in engine.images(filters={"label": [f"dataops.run_key={key}"]})]


@pytest.fixture(scope="module")
def built(engine, served_models, tmp_path_factory):
    """Build the images of all four versions, each under a run key of its own, with the operator."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_DATAOPS_DOCKER", docker_connection())
        folder = tmp_path_factory.mktemp("images")
        extra = {"sqlite_path": str(folder / "ledger.db")}
        patch.setenv("AIRFLOW_CONN_DATAOPS_LEDGER", json.dumps({"conn_type": "dataops_ledger", "extra": extra}))
        for key in ("good", "better", "raises", "dies"):
            context = new_context("build", key)
            made[key] = build(served_models, getattr(served_models, key)).execute(context)
    return made


def new_context(task_id, run_id):
    from tests.support.fixtures import TaskInstanceStub

    ti = TaskInstanceStub(task_id, f"{os.getpid()}-{run_id}", 1, 2, -1)
    return {"ti": ti, "run_id": ti.run_id, "outlet_events": {}, "params": {}}


def test_the_image_is_labelled_unprivileged_and_small(engine, built, served_models):
    image = engine.inspect_image(built["good"]["image_id"])
    labels = image["Config"]["Labels"]
    assert labels["dataops.model"] == served_models.name
    assert labels["dataops.version"] == served_models.good
    assert len(labels["dataops.model_digest"]) == len(labels["dataops.run_key"]) == 64
    assert labels["dataops.generation"] == "1"
    assert image["Config"]["User"] == SERVING_USER
    assert image["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert built["good"]["image"] in image["RepoTags"]
    base = engine.inspect_image(BASE_IMAGE)
    assert image["Size"] - base["Size"] < 800e6
    # The requirements are a layer of their own: another version shares everything but the model's files.
    other = engine.inspect_image(built["better"]["image_id"])
    shared = zip(image["RootFS"]["Layers"], other["RootFS"]["Layers"], strict=True)
    assert [one == two for one, two in shared].count(False) == 1


def health(engine, release: str) -> str:
    return engine.inspect_container(release)["State"]["Health"]["Status"]


def test_serve_replace_fail_and_roll_back(docker_engine, built, deployment, served_models, ledger, make_context, capfd):
    first = deploy(deployment, served_models, built["good"]).execute(make_context(run_id="1"))
    status, answer = invoke(first["url"], BODY)
    assert (status, len(json.loads(answer)["predictions"])) == (200, len(EXAMPLE))
    described = docker_engine.inspect_container(first["release"])
    assert described["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert described["HostConfig"]["ReadonlyRootfs"]
    assert set(described["NetworkSettings"]["Ports"]["8080/tcp"][0].values()) >= {"127.0.0.1"}

    second = deploy(deployment, served_models, built["better"]).execute(make_context(run_id="2"))
    assert containers(docker_engine, deployment) == [second["release"]]
    assert not ping(first["url"])

    for key, said in (("raises", "status 400"), ("dies", "it ended by itself")):
        with pytest.raises(AirflowFailException, match=said):
            deploy(deployment, served_models, built[key]).execute(make_context(run_id=key))
        assert containers(docker_engine, deployment) == [second["release"]]
        assert ping(second["url"])
    shown = capfd.readouterr().out
    assert "this model always fails" in shown
    assert "the model ends its server" in shown

    # The image's own check runs every ten seconds, without anything but Python in the container.
    wait_until(lambda: health(docker_engine, second["release"]) == "healthy", 40, "the engine to call it healthy")

    back = RollbackModelOperator(task_id="back", model=served_models.name, deployment=deployment)
    result = back.execute(make_context("back"))
    assert (result["version"], result["image"]) == (served_models.good, built["good"]["image"])
    assert containers(docker_engine, deployment) == [result["release"]]
    assert ping(result["url"])


def test_after_a_kill_in_the_middle_of_a_build_the_retry_leaves_one_image(
    docker_engine, built, served_models, ledger, make_context
):
    station = build(served_models, served_models.better)
    killed(ImageHook, "follow", "before", lambda: station.execute(make_context("build")))
    killed(ImageHook, "build", "after", lambda: station.execute(make_context("build", number=2)))
    result = station.execute(make_context("build", number=3))
    image = docker_engine.inspect_image(result["image_id"])
    assert images_of(docker_engine, image["Config"]) == [result["image_id"]]
    assert image["RepoTags"] == [result["image"]]
    assert station.execute(make_context("build", number=4)) == result
    assert len(ledger.events(kind="image.built")) == 1


DEATHS = [(ContainerHook, "create", "after"), (Rollout, "switch", "after"), (LedgerStore, "complete", "before")]


def test_tries_that_die_one_after_the_other_leave_one_container(
    docker_engine, built, deployment, served_models, ledger, make_context
):
    deploy(deployment, served_models, built["good"]).execute(make_context(run_id="1"))
    station = deploy(deployment, served_models, built["better"])
    for number, (owner, step, when) in enumerate(DEATHS, start=1):
        context = make_context("deploy", run_id="2", number=number, max_tries=9)
        killed(owner, step, when, lambda context=context: station.execute(context))
        assert ping(ledger.pointer(pointer_name(deployment)).value["url"])
    result = station.execute(make_context("deploy", run_id="2", number=9, max_tries=9))
    assert containers(docker_engine, deployment) == [result["release"]]
    assert ping(result["url"])
    assert ledger.pointer(pointer_name(deployment)).version == 2


def test_a_taken_port_and_a_missing_image_are_clear_and_leave_nothing(
    docker_engine, built, deployment, served_models, ledger, make_context
):
    serving = deploy(deployment, served_models, built["good"]).execute(make_context(run_id="1"))
    port = int(serving["url"].rpartition(":")[2])
    with pytest.raises(AirflowFailException, match="its port is taken"):
        deploy(deployment, served_models, built["better"], port=port).execute(make_context(run_id="2"))
    gone = {**built["better"], "image_id": f"sha256:{'0' * 64}"}
    with pytest.raises(AirflowFailException, match="is not on the engine"):
        deploy(deployment, served_models, gone).execute(make_context(run_id="3"))
    assert containers(docker_engine, deployment) == [serving["release"]]
    assert ping(serving["url"])


def test_on_a_network_of_the_engine_a_release_is_asked_by_its_name(docker_engine, built, deployment, served_models):
    name = f"dataops-test-{os.getpid()}"
    docker_engine.create_network(name)
    hook = ContainerHook(network=name)
    release = Release(deployment, name, served_models.name, served_models.good, "docker", **image_of(built["good"]))
    try:
        hook.start(release, release_labels(release, {"dataops.run_key": "ab"}))
        assert hook.observe(deployment, name).url == f"http://{name}:8080"
        assert hook.example(deployment, name) == BODY
    finally:
        hook.stop(deployment, name)
        docker_engine.remove_network(name)
    assert hook.observe(deployment, name) is None
    hook.stop(deployment, name)


def image_of(built):
    return {"image": built["image"], "image_id": built["image_id"]}


class Registry(BaseHTTPRequestHandler):
    """As much of a registry as a login needs."""

    def do_GET(self):
        expected = base64.b64encode(f"robot:{SECRET}".encode()).decode()
        allowed = self.headers.get("Authorization") == f"Basic {expected}"
        self.send_response(200 if allowed else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def registry():
    """Run a registry that wants a login."""
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_registry_password_is_used_and_is_nowhere(
    docker_engine, built, registry, served_models, ledger, make_context, monkeypatch, capfd
):
    def login(password):
        connection = docker_connection(host=registry, login="robot", password=password)
        monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DOCKER", connection)

    login(SECRET + "-wrong")
    with pytest.raises(AirflowFailException, match="refuses") as caught:
        build(served_models, served_models.good).execute(make_context("wrong"))
    login(SECRET)
    assert ContainerHook().test_connection()[0]
    result = build(served_models, served_models.good).execute(make_context("right"))
    image = docker_engine.inspect_image(result["image_id"])
    history = docker_engine.history(result["image_id"])
    events = ledger.events()
    assert events
    assert SECRET not in repr([str(caught.value), capfd.readouterr(), result, image, history, events])


def test_what_cannot_be_built_says_why(docker_engine, served_models, ledger, make_context):
    unknown = BuildModelImageOperator(
        task_id="build", model=f"models:/{served_models.name}/1", base_image="nowhere.invalid/python:0"
    )
    with pytest.raises(Exception, match="nowhere"):
        unknown.execute(make_context("a"))
    secret = build(served_models, served_models.good, index_url=f"https://me:{SECRET}@index.example/simple")
    with pytest.raises(AirflowFailException, match="login would stay readable") as caught:
        secret.execute(make_context("b"))
    assert SECRET not in str(caught.value)
