from __future__ import annotations

import hashlib
import json
import logging
import secrets
import subprocess
import sys
import textwrap

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.operators.registry import PromoteModelOperator, model_asset
from airflow_dataops.testing.processes import free_port
from tests.support.deaths import dying
from tests.support.mlflow import stored_model


@pytest.fixture(scope="module")
def hook(mlflow_server):
    return MlflowHook()


@pytest.fixture(scope="module")
def stored(hook):
    """Store one model's files; versions of any name may point at them."""
    run = hook.create_run(hook.experiment("registry"), "run", 1, {})
    return run, stored_model(hook, run)


@pytest.fixture
def version(hook, stored):
    run, info = stored

    def make(model):
        hook.ensure_model(model)
        return hook.create_version(model, info.model_uri, run, {}, info.model_id)

    return make


@pytest.fixture
def verdict(store_path, version):
    """Make what an evaluation returns: ``verdict(model, pointer_version=1)``."""

    def make(model, pointer_version=0, decision="promote", **changed):
        content = secrets.token_bytes(8)
        return {
            "model": model,
            "version": version(model),
            "decision": decision,
            "sentence": f"{model} was judged.",
            "metrics": {},
            "champion": None,
            "pointer_version": pointer_version,
            "evidence": DatasetHook().put_evidence(content, ".json"),
            "evidence_hash": hashlib.sha256(content).hexdigest(),
            **changed,
        }

    return make


def promote_operator(evaluation, **changed):
    return PromoteModelOperator(task_id="promote", evaluation=evaluation, **changed)


@pytest.fixture
def promote(make_context):
    def do(evaluation, **changed):
        context = make_context("promote", run_id=f"promote-{secrets.token_hex(4)}")
        return promote_operator(evaluation, **changed).execute(context)

    return do


def test_promotions_move_pointer_aliases_and_history(ledger, hook, verdict, promote, model_name):
    first = promote(verdict(model_name))
    assert first | {"evidence_hash": ""} == {
        "model": model_name,
        "version": "1",
        "previous": None,
        "pointer_version": 1,
        "evidence_hash": "",
    }
    assert hook.aliases(model_name) == {"champion": "1"}
    second = promote(verdict(model_name, 1))
    assert (second["version"], second["previous"]) == ("2", "1")
    assert hook.aliases(model_name) == {"champion": "2", "previous": "1"}
    pointer = ledger.pointer(f"model/{model_name}/champion")
    assert pointer.value == {"version": "2", "previous": "1", "evidence_hash": second["evidence_hash"]}
    told = [event.event.payload for event in ledger.events(kind="model.promoted")]
    assert [(item["version"], item["previous"]) for item in told] == [("1", None), ("2", "1")]
    assert all(len(item["evidence_hash"]) == 64 for item in told)


def test_the_models_asset_tells_which_version(ledger, verdict, make_context, model_name):
    context = make_context("promote")
    operator = promote_operator(verdict(model_name), model=model_name)
    operator.execute(context)
    (asset,) = operator.outlets
    assert isinstance(asset, Asset)
    assert asset.asset_type == "model"
    assert context["outlet_events"][model_asset(model_name)].extra["version"] == "1"


def test_the_asset_must_be_the_evaluated_model(ledger, verdict, promote, model_name):
    with pytest.raises(AirflowFailException, match="this task promotes 'other'"):
        promote(verdict(model_name), model="other")
    assert ledger.pointer(f"model/{model_name}/champion").version == 0


def test_a_champion_that_changed_meanwhile_is_a_conflict(ledger, hook, verdict, promote, model_name):
    late = verdict(model_name)
    promote(verdict(model_name))
    with pytest.raises(AirflowFailException, match="changed since the evidence was made: it is version 2 now"):
        promote(late)
    assert hook.aliases(model_name) == {"champion": "2"}
    assert len(ledger.events(kind="model.promoted")) == 1


def test_a_slower_promotion_leaves_the_aliases_at_what_the_ledger_says(
    ledger, hook, verdict, promote, model_name, monkeypatch
):
    set_alias = MlflowHook.set_alias
    slow, fast = verdict(model_name), verdict(model_name, pointer_version=1)

    def overtaken(mlflow, *arguments):
        monkeypatch.setattr(MlflowHook, "set_alias", set_alias)
        promote(fast)
        set_alias(mlflow, *arguments)

    monkeypatch.setattr(MlflowHook, "set_alias", overtaken)
    promote(slow)
    assert ledger.pointer(f"model/{model_name}/champion").value["version"] == fast["version"]
    assert hook.aliases(model_name) == {"champion": fast["version"], "previous": slow["version"]}


@pytest.mark.parametrize(("on_reject", "error"), [("skip", AirflowSkipException), ("fail", AirflowFailException)])
def test_a_rejected_model_skips_or_fails_and_is_remembered_once(
    on_reject, error, ledger, hook, verdict, make_context, model_name
):
    rejected = verdict(model_name, decision="reject")
    for number in (1, 2):
        with pytest.raises(error, match="was judged"):
            promote_operator(rejected, on_reject=on_reject).execute(make_context("promote", number=number))
    assert hook.aliases(model_name) == {}
    assert len(ledger.events(kind="model.rejected")) == 1


POINTS = [
    (LedgerStore, "move_pointer", "before"),
    (LedgerStore, "move_pointer", "after"),
    (MlflowHook, "set_alias", "before"),
    (MlflowHook, "set_alias", "after"),
    (LedgerStore, "complete", "before"),
    (LedgerStore, "complete", "after"),
]


@pytest.mark.parametrize(("owner", "method", "when"), POINTS)
def test_a_kill_anywhere_and_a_retry_make_one_promotion(
    owner, method, when, ledger, hook, verdict, promote, make_context, model_name
):
    promote(verdict(model_name))
    challenger = verdict(model_name, 1)
    with dying(owner, method, when):
        promote_operator(challenger).execute(make_context("promote"))
    result = promote_operator(challenger).execute(make_context("promote", number=2))
    assert (result["version"], result["previous"], result["pointer_version"]) == ("2", "1", 2)
    assert hook.aliases(model_name) == {"champion": "2", "previous": "1"}
    assert ledger.pointer(f"model/{model_name}/champion").version == 2
    assert len(ledger.events(kind="model.promoted")) == 2


KILLED = """
    import json, os, signal
    from airflow_dataops.hooks.mlflow import MlflowHook
    from airflow_dataops.operators.registry import PromoteModelOperator
    from tests.support.fixtures import OutletEvents, TaskInstanceStub

    whole = MlflowHook.set_alias
    def dying(self, model, alias, version):
        whole(self, model, alias, version)
        if alias == "champion":
            os.kill(os.getpid(), signal.SIGKILL)
    MlflowHook.set_alias = dying
    context = {{"ti": TaskInstanceStub("promote", {run_id!r}, 1, 2, -1), "outlet_events": OutletEvents()}}
    PromoteModelOperator(task_id="promote", evaluation=json.loads({evaluation!r})).execute(context)
"""


def test_a_process_that_is_really_killed_makes_one_promotion(ledger, hook, verdict, make_context, model_name):
    challenger, context = verdict(model_name), make_context("promote")
    script = textwrap.dedent(KILLED).format(run_id=context["run_id"], evaluation=json.dumps(challenger))
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr[-3000:]
    assert ledger.events(kind="model.promoted") == []
    result = promote_operator(challenger).execute(make_context("promote", number=2))
    assert result["pointer_version"] == 1
    assert hook.aliases(model_name) == {"champion": "1"}
    assert len(ledger.events(kind="model.promoted")) == 1


def test_a_cleared_promotion_changes_nothing(ledger, hook, verdict, make_context, model_name):
    challenger = verdict(model_name)
    first = promote_operator(challenger).execute(make_context("promote"))
    again = promote_operator(challenger).execute(make_context("promote", number=2, max_tries=3))
    assert again == first
    assert hook.aliases(model_name) == {"champion": "1"}


def test_mlflow_down_is_an_outage_and_a_retry_finishes(
    ledger, hook, verdict, make_context, mlflow_server, monkeypatch, model_name
):
    challenger, port = verdict(model_name), free_port()
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(port=port))
    with pytest.raises(OutageError, match=str(port)):
        promote_operator(challenger).execute(make_context("promote"))
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection())
    promote_operator(challenger).execute(make_context("promote", number=2))
    assert hook.alias(model_name, "champion") == "1"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": "99"}, "version=99\\) not found"),
        ({"evidence_hash": "0" * 64}, "edited after the decision"),
        ({"evidence": "file:///nowhere/at/all.json"}, "cannot be read"),
    ],
)
def test_what_a_person_must_mend_moves_nothing(changed, said, ledger, hook, verdict, promote, model_name):
    with pytest.raises(AirflowFailException, match=said):
        promote({**verdict(model_name), **changed})
    assert hook.aliases(model_name) == {}
    assert ledger.pointer(f"model/{model_name}/champion").version == 0


def test_what_is_no_evaluation_is_said(ledger, mlflow_server, promote):
    with pytest.raises(AirflowFailException, match="pass the output of an EvaluateModelOperator"):
        promote("flights")


@pytest.mark.parametrize("name", ['"; DROP TABLE models; --', "Flüge ✈ 'späte'"])
def test_hostile_names_are_only_names(name, ledger, hook, verdict, promote):
    name = f"{name} {secrets.token_hex(4)}"
    assert promote(verdict(name), model=name)["model"] == name
    assert hook.alias(name, "champion") == "1"


def test_the_password_appears_nowhere(ledger, verdict, promote, mlflow_server, monkeypatch, caplog, model_name):
    challenger = verdict(model_name)
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(login="ada", password="s3cr3t-word"))
    with caplog.at_level(logging.DEBUG):
        result = promote(challenger)
    assert "s3cr3t-word" not in caplog.text + json.dumps(result) + str(ledger.events())
