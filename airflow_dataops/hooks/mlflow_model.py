"""Models in MLflow's own format: logged, loaded, and asked for predictions."""

from __future__ import annotations

import importlib.metadata
import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.metrics import Predictions
from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks.mlflow import MlflowHook, import_mlflow

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LoggedModel", "input_schema", "load_model", "log_model", "predictions_of", "requirements_of"]

HARMLESS_TYPES = ("numpy.dtype",)
EXAMPLE_ROWS = 5


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that lies in MLflow and is not registered yet.

    Args:
        id: MLflow's id ("m-…").
        uri: ``models:/m-…``, the source of a registered version.
        files: Where its files lie.
    """

    id: str
    uri: str
    files: str


def input_schema(features: pd.DataFrame) -> Any:
    """Return MLflow's schema of the features; taken before training, because a function may change its input."""
    mlflow = import_mlflow()
    with quietly():
        return mlflow.models.infer_signature(features).inputs


def log_model(
    hook: MlflowHook, run_id: str, model: Any, *, example: pd.DataFrame, schema: Any, options: Mapping[str, Any]
) -> LoggedModel:
    """Store the model under the run, with signature, example and pinned requirements.

    Args:
        hook: Where to.
        run_id: The run that made it.
        model: A scikit-learn estimator or an `mlflow.pyfunc.PythonModel`.
        example: A few rows of features.
        schema: What `input_schema` returned.
        options: Further arguments of MLflow's ``log_model``.

    Raises:
        BrokenCheckError: MLflow cannot store such a model. A retry does not help.
        OutageError: MLflow does not answer. A retry helps.
    """
    mlflow = import_mlflow()
    flavour = flavour_of(mlflow, model)
    with translated(hook), quietly():
        outputs = mlflow.models.infer_signature(example, example_answer(model, example)).outputs
        signature = mlflow.models.ModelSignature(inputs=schema, outputs=outputs)
        mlflow.set_tracking_uri(hook.rest.address)
        try:
            info = mlflow.models.Model.log(
                artifact_path=None,
                name="model",
                run_id=run_id,
                signature=signature,
                input_example=example,
                **flavour,
                **{"pip_requirements": requirements_of(model), **trusting_harmless_types(flavour, options)},
            )
        finally:
            mlflow.set_tracking_uri(None)
    return LoggedModel(info.model_id, info.model_uri, info.artifact_path)


def flavour_of(mlflow: Any, model: Any) -> dict[str, Any]:
    """Return the module that stores such a model, and under which argument it takes it."""
    if isinstance(model, mlflow.pyfunc.PythonModel):
        return {"flavor": mlflow.pyfunc, "python_model": model}
    if is_estimator(model):
        return {"flavor": mlflow.sklearn, "sk_model": model}
    raise BrokenCheckError(
        f"The training function returned {described(model)}, which is no model we can store.",
        hint="return a fitted scikit-learn estimator or pipeline, or wrap the model in an mlflow.pyfunc.PythonModel",
    )


def trusting_harmless_types(flavour: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with types trusted that hold no code but that skops does not know.

    Without them no pipeline with scikit-learn's own `SimpleImputer` can be stored.
    """
    name = "skops_trusted_types"
    if name not in inspect.signature(flavour["flavor"].save_model).parameters:
        return dict(options)
    return {**options, name: [*HARMLESS_TYPES, *(options.get(name) or [])]}


def is_estimator(model: Any) -> bool:
    """Whether the model is a scikit-learn estimator; a class is none."""
    return not isinstance(model, type) and any(
        base.__module__.startswith("sklearn.") and base.__name__ == "BaseEstimator" for base in type(model).__mro__
    )


def described(value: Any) -> str:
    """Return what a value is, never what it holds."""
    if value is None:
        return "nothing"
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


def example_answer(model: Any, example: pd.DataFrame) -> Any:
    """Return what the model says of the example; one that cannot is of no use to anybody."""
    try:
        return answer_of(model, example)
    except Exception as error:
        raise BrokenCheckError(
            f"The model cannot predict from the features it was trained on: {type(error).__name__}.",
            hint="let prepare do the whole preparation, or return a pipeline that takes the features as they come",
        ) from error


def answer_of(model: Any, features: pd.DataFrame) -> Any:
    """Return the model's predictions for the example."""
    if "context" in inspect.signature(model.predict).parameters:
        return model.predict(None, features)
    return model.predict(features)


@contextmanager
def translated(hook: MlflowHook) -> Iterator[None]:
    """Turn MLflow's exceptions into ours."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        said = str(error).strip().splitlines()[0][:800]
        status = getattr(error, "get_http_status_code", lambda: 0)()
        from_server = type(error).__name__ == "RestException" and status >= 500  # noqa: PLR2004
        if from_server or said.startswith("API request to"):
            raise OutageError("MLflow", hook.rest.address, hook.mlflow_conn_id, said) from error
        hint = None
        if "untrusted types" in said:
            hint = (
                "name the types you trust in the operator, model_options={'skops_trusted_types': [...]}, or store "
                "with pickle, model_options={'serialization_format': 'cloudpickle'}"
            )
        raise BrokenCheckError(f"MLflow cannot store the model: {said}", hint=hint) from error


@contextmanager
def quietly() -> Iterator[None]:
    """Keep out of task logs what MLflow advises, and what skops stirs up by looking into every module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def requirements_of(model: Any) -> list[str]:
    """Return what must be installed to load the model, pinned to what is installed here."""
    modules = {"numpy", "pandas"} | {top_module(part) for part in parts_of(model)}
    known = importlib.metadata.packages_distributions()
    names = {known[module][0] for module in modules if module in known}
    if is_estimator(model) and "skops" in known:
        names.add("skops")
    return sorted(f"{name}=={importlib.metadata.version(name)}" for name in names)


def parts_of(model: Any) -> list[Any]:
    """Return the model and, for a pipeline, the estimators inside it."""
    if not is_estimator(model):
        return [model]
    return [model, *(part for part in model.get_params(deep=True).values() if is_estimator(part))]


def top_module(value: Any) -> str:
    """Return the name of the package a value's class comes from."""
    return type(value).__module__.split(".", 1)[0]


# -- loaded again ------------------------------------------------------------------------------------------


def load_model(folder: Path, called: str) -> Any:
    """Return the model in a folder: the estimator itself where possible, because it gives probabilities.

    Args:
        folder: Where its files lie.
        called: How errors call it, at the beginning of a sentence.

    Raises:
        BrokenCheckError: It cannot be loaded here. A retry does not help.
    """
    mlflow = import_mlflow()
    try:
        with quietly():
            flavours = mlflow.models.Model.load(str(folder)).flavors
            if "sklearn" in flavours:
                return mlflow.sklearn.load_model(str(folder))
            return mlflow.pyfunc.load_model(str(folder))
    except Exception as error:
        raise BrokenCheckError(
            f"{called} cannot be loaded here: {type(error).__name__}: {str(error)[:500]}",
            hint="install what the model's requirements.txt names, or train it again with what is installed",
        ) from error


def predictions_of(model: Any, features: pd.DataFrame, called: str) -> Predictions:
    """Return the model's answers and, where it gives one, the probability of class 1.

    Raises:
        BrokenCheckError: It cannot answer, or its answers are no figures. A retry does not help.
    """
    try:
        return asked(model, features)
    except BrokenCheckError:
        raise
    except Exception as error:
        raise BrokenCheckError(
            f"{called} cannot predict from these features: {type(error).__name__}.",
            hint="prepare makes other features than the ones it was trained on; name the new model differently, or "
            "let prepare make the old features too",
        ) from error


def asked(model: Any, features: pd.DataFrame) -> Predictions:
    """Return answers and probabilities."""
    import numpy as np

    answers = np.asarray(answer_of(model, features)).reshape(len(features), -1)[:, 0]
    try:
        figures = answers.astype("float64")
    except (TypeError, ValueError):
        raise BrokenCheckError(
            f"The model answers with {answers.dtype}, but only figures can be judged.",
            hint="let prepare return labels 0 and 1, or figures for a regression",
        ) from None
    classes = list(getattr(model, "classes_", ()))
    if classes and set(classes) <= {0, 1} and hasattr(model, "predict_proba"):
        chances = model.predict_proba(features)
        scores = chances[:, classes.index(1)] if 1 in classes else np.zeros(len(features))
        return Predictions(figures, np.asarray(scores, dtype="float64"))
    chances_themselves = bool(np.all((figures >= 0) & (figures <= 1))) and not np.isin(figures, (0, 1)).all()
    return Predictions(figures, figures if chances_themselves else None)
