"""Files of suites: read, recognised and translated into Great Expectations' form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["read_document"]


def read_document(path: Path) -> tuple[Mapping[str, Any], str]:
    """Return the suite document of a file and how messages call it."""
    text = path.read_text("utf-8")
    return (json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)), path.name
