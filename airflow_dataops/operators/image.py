"""Serving images, built from registered model versions."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from airflow_dataops.core.deployment import model_version
from airflow_dataops.core.image import image_labels, image_reference, refuse_credentials
from airflow_dataops.core.ledger import Claim, Event
from airflow_dataops.core.words import plain
from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.hooks.image import ImageHook, build_context
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.hooks.mlflow_artifacts import folder_digest
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["BuildModelImageOperator"]

CLAIM_LABELS = ("dataops.run_key", "dataops.generation")


class BuildModelImageOperator(StationOperator):
    """Build a slim image that serves one registered version of a model.

    The model's own requirements are a layer of their own under the model's files, so the next version with the
    same requirements builds in a second. The server runs as user 10001 and needs no network to start. Labels tell
    the model, its version, the digest of its files and the run key.

    Args:
        model: The output of a promotion, an evaluation or a training, or "models:/name/version". (templated)
        base_image: An image with Python and its venv module, which the engine has or can pull; by default the
            official image of the Python version that the model was trained with. (templated)
        index_url: Where pip finds packages; without a login, which would stay readable in the image. (templated)
        ca_bundle: File on the worker with the certificate authorities that pip trusts. (templated)
        prefix: Registry and folder before the image's name. (templated)
        docker_conn_id: The engine's connection.
        mlflow_conn_id: The model registry's connection.

    Returns:
        ``{"image": "dataops/flights:3-0a1b2c3d", "image_id": "sha256:…", "model": str, "version": str}``.

    Raises:
        AirflowFailException: A requirement, the base image or an option is wrong. A retry does not help.
        OutageError: The engine, MLflow or the package index does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("model", "base_image", "index_url", "ca_bundle", "prefix")

    def __init__(
        self,
        *,
        model: Mapping[str, Any] | str,
        base_image: str | None = None,
        index_url: str | None = None,
        ca_bundle: str | None = None,
        prefix: str = "dataops",
        docker_conn_id: str = ContainerHook.default_conn_name,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.base_image = base_image
        self.index_url = index_url
        self.ca_bundle = ca_bundle
        self.prefix = prefix
        self.docker_conn_id = docker_conn_id
        self.mlflow_conn_id = mlflow_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Adopt the image that a dead try built, else build it; check it; remove what is left over."""
        model, version = model_version(self.model)
        refuse_credentials("index_url", self.index_url or "")
        owner = {label: claim.tags[label] for label in CLAIM_LABELS}
        reference = image_reference(model, version, claim, self.prefix)
        images = ImageHook(self.docker_conn_id)
        found = images.find({**owner, "dataops.model": model, "dataops.version": version})
        if found:
            image_id = found[0]["Id"]
            self.log.info("An earlier try built %s already.", reference)
        else:
            image_id = self.build(images, model, version, reference, owner)
        images.settle(image_id, reference, owner)
        result = {"image": reference, "image_id": image_id, "model": model, "version": version}
        sentence = f"The image {reference} serves {plain(model)} version {plain(version)}."
        self.log.info(sentence)
        return Outcome(result, events=[Event("image.built", f"model/{model}", {**result, "sentence": sentence})])

    def build(self, images: ImageHook, model: str, version: str, reference: str, owner: Mapping[str, str]) -> str:
        """Fetch the model and build its image; return the image's id."""
        registry = MlflowHook(self.mlflow_conn_id)
        ca_bundle = Path(self.ca_bundle) if self.ca_bundle else None
        with tempfile.TemporaryDirectory(prefix="dataops-image-") as folder:
            files = registry.download_model(model, version, Path(folder) / "model")
            labels = image_labels(model, version, folder_digest(files), owner)
            with build_context(files, self.base_image, ca_bundle) as archive:
                return images.build(archive, reference, labels, self.index_url)
