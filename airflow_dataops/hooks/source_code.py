"""Which code is running: the git commit of a folder and whether files differ from it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

__all__ = ["git_state", "installed_packages"]

GIT_SECONDS = 10
UNKNOWN = "unknown"


def git_state(folder: Path) -> tuple[str, str]:
    """Return the commit of the repository around `folder` and whether it is dirty; "unknown" where it is."""
    commit = git(folder, "rev-parse", "HEAD")
    if commit is None:
        return UNKNOWN, UNKNOWN
    changes = git(folder, "status", "--porcelain")
    return commit, UNKNOWN if changes is None else str(bool(changes)).lower()


def git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None when it fails, is not there or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=True,
            timeout=GIT_SECONDS,
            # Looking must not write into a repository that may belong to somebody else.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def installed_packages() -> dict[str, str]:
    """Return the version of Python and of every installed package, by name."""
    found = {"python": platform.python_version()}
    for distribution in importlib.metadata.distributions():
        found[distribution.metadata["Name"]] = distribution.version
    return dict(sorted(found.items()))
