"""Serving images on a Docker engine: built from a model's folder, found again, cleaned up."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import yaml
from airflow.providers.common.compat.sdk import redact

from airflow_dataops.core.image import (
    SERVING_USER,
    ImageRecipe,
    dockerfile,
    looks_like_an_outage,
    official_base_image,
    refuse_credentials,
    serving_requirements,
)
from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.runtime import serve

__all__ = ["ImageHook", "build_context"]

SILENT_SECONDS = 900
LAST_LINES = 30


class ImageHook(ContainerHook):
    """Builds and finds serving images through the Docker SDK, that is with the engine's classic builder.

    The arguments are those of `ContainerHook`, but the time-out is how long a build may be silent: packages are
    downloaded without a word.
    """

    def find(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the images that carry all labels, the youngest first."""
        with self.reaching():
            wanted = {"label": [f"{key}={value}" for key, value in labels.items()]}
            return sorted(self.engine.images(filters=wanted), key=lambda image: -image["Created"])

    def build(self, context: IO[bytes], reference: str, labels: Mapping[str, str], index_url: str | None = None) -> str:
        """Build the image of a context and return its id.

        Args:
            context: A tar archive with a Dockerfile.
            reference: Name and tag.
            labels: What the image tells of itself.
            index_url: Where packages come from, without a login.

        Raises:
            BrokenCheckError: A step failed: no such base image, no such package. A retry does not help.
            OutageError: The engine or the package index does not answer. A retry helps.
        """
        arguments = {"PIP_INDEX_URL": index_url} if index_url else {}
        last: deque[str] = deque(maxlen=LAST_LINES)
        with self.reaching():
            answers = self.registry_engine.build(
                fileobj=context,
                custom_context=True,
                tag=reference,
                labels=dict(labels),
                buildargs=arguments,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=SILENT_SECONDS,
            )
            return self.follow(answers, last, reference)

    def follow(self, answers: Iterable[Mapping[str, Any]], last: deque[str], reference: str) -> str:
        """Log the steps of a build, and return the image's id or raise what went wrong."""
        built = ""
        for answer in answers:
            built = answer.get("aux", {}).get("ID", built)
            for line in str(answer.get("stream", "")).splitlines():
                if line.strip():
                    last.append(str(redact(line))[:300])
                if line.startswith("Step "):
                    self.log.info("%s", redact(line)[:300])
            if "error" in answer:
                raise self.failure(str(redact(answer["error"])), list(last), reference)
        return built

    def failure(self, error: str, last: list[str], reference: str) -> BrokenCheckError | OutageError:
        """Return what a failed build means; its last lines go to the log."""
        self.log.error("The build of %s failed after:\n%s", reference, "\n".join(last))
        if looks_like_an_outage([*last, error]):
            return OutageError("The network of the image build", self.address, self.docker_conn_id, error[:300])
        return BrokenCheckError(
            f"The image {reference} cannot be built: {error[:500]}",
            hint="the task's log holds the last lines of the build; the base image must be known to the engine and "
            "have Python with its venv module, and the index must have the model's requirements",
        )

    def settle(self, image_id: str, reference: str, labels: Mapping[str, str]) -> None:
        """Check that the image is what it should be, give it its name, and remove other images of the same labels.

        Raises:
            BrokenCheckError: It is not. A retry does not help.
        """
        with self.reaching():
            described = self.engine.inspect_image(image_id)
            told = {key: (described["Config"]["Labels"] or {}).get(key) for key in labels}
            if told != dict(labels) or described["Config"]["User"] != SERVING_USER:
                raise BrokenCheckError(
                    f"The image {reference} does not carry the labels and the user it was built with."
                )
            repository, _, tag = reference.rpartition(":")
            self.engine.tag(image_id, repository, tag)
        for other in self.find(labels):
            if other["Id"] != image_id:
                self.remove(other["Id"])

    def remove(self, image: str) -> None:
        """Remove an image, unless a container uses it or it is gone."""
        import docker.errors

        with suppress(docker.errors.NotFound, BrokenCheckError), self.reaching():
            self.engine.remove_image(image, force=True)


@contextmanager
def build_context(model: Path, base_image: str | None, ca_bundle: Path | None) -> Iterator[IO[bytes]]:
    """Give a tar archive with everything a build needs; the same inputs make the same bytes.

    Args:
        model: The folder that holds ``MLmodel``.
        base_image: What the image is based on; None for the official image of the model's Python version.
        ca_bundle: A file of certificate authorities that packages are fetched with.
    """
    listed = model / "requirements.txt"
    described = yaml.safe_load((model / "MLmodel").read_text())
    requirements = serving_requirements(
        listed.read_text().splitlines() if listed.is_file() else [], str(described.get("mlflow_version", "3.0.0"))
    )
    constraints = model / "constraints.txt"
    python_version = described.get("flavors", {}).get("python_function", {}).get("python_version", "3.11")
    recipe = ImageRecipe(
        base_image or official_base_image(python_version), constraints.is_file(), ca_bundle is not None
    )
    files: dict[str, bytes | Path] = {
        "Dockerfile": dockerfile(recipe).encode(),
        "requirements.txt": "".join(f"{line}\n" for line in requirements).encode(),
        "serve.py": Path(serve.__file__),
    }
    if constraints.is_file():
        refuse_credentials("The model's constraints.txt", constraints.read_text())
        files["constraints.txt"] = constraints
    if ca_bundle is not None:
        files["ca-bundle.crt"] = ca_bundle
    files |= {f"model/{path.relative_to(model).as_posix()}": path for path in model.rglob("*") if path.is_file()}
    with tempfile.TemporaryFile() as archive:
        write_archive(archive, files)
        archive.seek(0)
        yield archive


def write_archive(archive: IO[bytes], files: Mapping[str, bytes | Path]) -> None:
    """Write the files as a tar archive: sorted, readable for all, owned by root, without times."""
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.mode = 0o644
            if isinstance(content, bytes):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.size = content.stat().st_size
                with content.open("rb") as file:
                    tar.addfile(member, file)
