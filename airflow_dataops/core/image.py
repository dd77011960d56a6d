"""What goes into a serving image: its Dockerfile, requirements, name and labels. Values only, no engine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow_dataops.core.ledger import Claim
from airflow_dataops.exceptions import BrokenCheckError

__all__ = [
    "MODEL_FOLDER",
    "SERVING_PORT",
    "SERVING_USER",
    "ImageRecipe",
    "dockerfile",
    "image_labels",
    "image_reference",
    "looks_like_an_outage",
    "official_base_image",
    "refuse_credentials",
    "serving_requirements",
    "slug",
]

ROOT = "/opt/dataops"
MODEL_FOLDER = f"{ROOT}/model"
SERVING_PORT = 8080
SERVING_USER = "10001:10001"
MAX_SLUG_LENGTH = 60


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """What an image is made of, apart from the files.

    Args:
        base_image: An image with Python and its ``venv`` module.
        has_constraints: Whether the model brings a ``constraints.txt``.
        has_ca_bundle: Whether an own bundle of certificate authorities is used while packages are installed.
    """

    base_image: str
    has_constraints: bool = False
    has_ca_bundle: bool = False


def dockerfile(recipe: ImageRecipe) -> str:
    """Return a Dockerfile for the classic builder, which is all that the Docker SDK can drive.

    What changes seldom comes first: a new version of a model with the same requirements re-uses every layer
    but the last. Nothing in it needs the network when the container starts.

    Raises:
        BrokenCheckError: The base image's name is not one.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", recipe.base_image):
        raise BrokenCheckError(
            f"The base image {recipe.base_image[:200]!r} is not the name of an image.",
            hint="give it as repository:tag or repository@sha256:digest",
        )
    files = "requirements.txt constraints.txt" if recipe.has_constraints else "requirements.txt"
    trust = f"PIP_CERT={ROOT}/ca-bundle.crt SSL_CERT_FILE={ROOT}/ca-bundle.crt " if recipe.has_ca_bundle else ""
    install = f"{ROOT}/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check -r requirements.txt"
    program = [f"{ROOT}/venv/bin/python", f"{ROOT}/serve.py"]
    check = json.dumps([*program, "--check", f"http://127.0.0.1:{SERVING_PORT}/ping"])
    # All addresses of the container; which of the host's it is published on is the deployment's choice.
    command = json.dumps([*program, "--model", MODEL_FOLDER, "--host", "0.0.0.0", "--port", str(SERVING_PORT)])  # noqa: S104
    lines = [
        f"FROM {recipe.base_image}",
        f"WORKDIR {ROOT}",
        f"ENV HOME=/tmp PATH={ROOT}/venv/bin:$PATH PYTHONUNBUFFERED=1 MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true",
        "RUN python3 -m venv venv",
        f"COPY ca-bundle.crt {ROOT}/" if recipe.has_ca_bundle else "",
        f"COPY {files} {ROOT}/",
        "ARG PIP_INDEX_URL",
        f"RUN {trust}{install}",
        f"COPY serve.py {ROOT}/",
        f"USER {SERVING_USER}",
        f"EXPOSE {SERVING_PORT}",
        f"HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD {check}",
        f"ENTRYPOINT {command}",
        f"COPY model {MODEL_FOLDER}",
    ]
    return "".join(f"{line}\n" for line in lines if line)


def official_base_image(python_version: str) -> str:
    """Return the official image with the Python that the model was trained with: pickles are particular about it."""
    return f"python:{'.'.join(python_version.split('.')[:2])}-slim"


def serving_requirements(lines: Iterable[str], mlflow_version: str) -> list[str]:
    """Return what the image installs: the model's own requirements, with the light mlflow instead of the whole.

    ``mlflow-skinny`` brings the scoring server's app and uvicorn, and about 800 MB less; the app needs pandas.

    Args:
        lines: The model's ``requirements.txt``.
        mlflow_version: The version that wrote the model, for models that do not name one.

    Raises:
        BrokenCheckError: A line holds a password or a token, which would stay in the image's layers.
    """
    wanted = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    for line in wanted:
        refuse_credentials("The model's requirements.txt", line)
    wanted = [re.sub(r"^mlflow(\[[^\]]*\])?(?=\s*($|[=<>!~;@]))", "mlflow-skinny", line) for line in wanted]
    names = {distribution(line) for line in wanted}
    if "mlflow-skinny" not in names:
        wanted.append(f"mlflow-skinny=={mlflow_version}")
    return wanted + [name for name in ("pandas", "uvicorn", "fastapi") if name not in names]


def distribution(requirement: str) -> str:
    """Return the normalised name at the beginning of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def refuse_credentials(where: str, text: str) -> None:
    """Refuse a URL with a login in it: build arguments and files are readable in the image for ever.

    Raises:
        BrokenCheckError: There is one. Its text does not repeat it.
    """
    for url in re.findall(r"[a-z+]+://[^\s'\"]+", text, flags=re.IGNORECASE):
        parts = urlsplit(url)
        is_secret = parts.password is not None or (parts.username and parts.scheme.lower().endswith(("http", "https")))
        if is_secret:
            raise BrokenCheckError(
                f"{where} names {parts.scheme}://…@{parts.hostname}, and its login would stay readable in the image.",
                hint="use an index or mirror that needs no login from the build host, or a base image that has the "
                "packages installed already",
            )


def image_reference(model: str, version: str, claim: Claim, prefix: str = "dataops") -> str:
    """Return the image's name and tag: ``dataops/flights:3-0a1b2c3d``.

    Args:
        model: Any text; different names make different images.
        version: Of the model.
        claim: Under which it is built: each build has its own tag, so no build takes an image's name away while
            that image still serves.
        prefix: Registry and folder before the name.
    """
    owner = hashlib.sha256(f"{claim.key}:{claim.generation}".encode()).hexdigest()[:8]
    return f"{prefix}/{slug(model)}:{slug(version)}-{owner}"


def slug(name: str) -> str:
    """Return `name` as lower-case letters, digits and ``-``; a name that is changed gets a hash of the original.

    A name that looks as if it had such a hash gets one too, so that no two names meet.
    """
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG_LENGTH].strip("-")
    if short and short == name and not re.search(r"-[0-9a-f]{12}$", name):
        return short
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{short or 'x'}-{digest}"


def image_labels(model: str, version: str, digest: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return what the image tells of itself; the tags are those of the claim under which it is built."""
    return {"dataops.model": model, "dataops.version": version, "dataops.model_digest": digest, **tags}


def looks_like_an_outage(lines: Sequence[str]) -> bool:
    """Whether a failed build failed because the network did, so that a retry helps."""
    signs = ("temporary failure", "connection", "timed out", "max retries", "network is unreachable", "tls handshake")
    said = "\n".join(lines).lower()
    return any(sign in said for sign in signs)
