"""Real registered models for the tests of serving: two good ones and two that fail in their own ways."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_dataops.hooks.mlflow import MlflowHook, import_mlflow

PACKAGES = ("mlflow", "numpy", "pandas", "scikit-learn", "skops")
EXAMPLE = pd.DataFrame({"distance": np.arange(5.0), "hour": np.arange(5.0)[::-1]})
BODY = {"dataframe_split": EXAMPLE.to_dict(orient="split", index=False)}


@dataclass(frozen=True)
class ServedModels:
    """One registered model; its versions by what they do."""

    name: str
    good: str
    better: str
    raises: str
    dies: str


def requirements() -> list[str]:
    """All versions pin the same packages, so that their images share the layer that costs minutes."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES]


def classifier(threshold: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    features = pd.DataFrame({"distance": np.arange(20.0), "hour": np.arange(20.0)[::-1]})
    return LogisticRegression().fit(features, (features["distance"] > threshold).astype(int))


def raising() -> Any:
    """Pickled by value, because it is made inside a function."""

    class Raising(import_mlflow().pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            sys.stdout.write("about to fail, with the password hunter2hunter2\n")
            sys.stdout.flush()
            raise RuntimeError("this model always fails")

    return Raising()


def dying() -> Any:
    class Dying(import_mlflow().pyfunc.PythonModel):
        def load_context(self, context):
            sys.stdout.write("the model ends its server\n")
            sys.stdout.flush()
            os._exit(7)

        def predict(self, context, model_input, params=None):
            return [0] * len(model_input)

    return Dying()


def save_model(model: Any, folder: Path) -> Path:
    """Write a model as MLflow does, with signature and example."""
    mlflow = import_mlflow()
    signature = mlflow.models.infer_signature(EXAMPLE, np.array([0, 1]))
    common: dict[str, Any] = {"signature": signature, "pip_requirements": requirements()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(model, mlflow.pyfunc.PythonModel):
            # MLflow would try the example out, which these models do not survive; it is written by hand.
            mlflow.pyfunc.save_model(folder, python_model=model, **common)
            (folder / "serving_input_example.json").write_text(json.dumps(BODY))
        else:
            import mlflow.sklearn as flavour

            flavour.save_model(model, folder, input_example=EXAMPLE, **common)
    return folder


def register(hook: MlflowHook, name: str, folder: Path) -> str:
    """Upload a model's folder and register it; return the version."""
    mlflow = import_mlflow()
    run = hook.create_run(hook.experiment("serving"), "run", 1, {})
    with hook.environment(run), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(hook.rest.address)
        client.log_artifacts(run, str(folder), "model")
        source = f"{client.get_run(run).info.artifact_uri}/model"
    hook.ensure_model(name)
    return hook.create_version(name, source, run, {})


@pytest.fixture(scope="session")
def served_models(mlflow_server: Any, tmp_path_factory: pytest.TempPathFactory) -> ServedModels:
    """Register four versions of one model."""
    hook = MlflowHook()
    name = f'Flüge "{secrets.token_hex(3)}" session={os.getpid()}'
    folder = tmp_path_factory.mktemp("models")
    with warnings.catch_warnings():
        # MLflow asks for type hints already when such a class is made.
        warnings.simplefilter("ignore")
        made = {"good": classifier(10), "better": classifier(5), "raises": raising(), "dies": dying()}
    versions = {key: register(hook, name, save_model(model, folder / key)) for key, model in made.items()}
    return ServedModels(name, **versions)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a good model into a folder, without any server."""
    return save_model(classifier(10), tmp_path_factory.mktemp("model") / "model")
