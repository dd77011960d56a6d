"""What the benchmarks keep between runs: generated data, environments of peers. DATAOPS_BENCHMARKS names the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("DATAOPS_BENCHMARKS") or HERE.parent / ".cache" / "benchmarks").absolute()
UV = [sys.executable, "-m", "uv"]
SHOWN_LINES = 3


class PeerError(Exception):
    """A peer could not be installed, or did not run to its end."""


def data(name: str, rows: int, kind: str = "plain") -> Path:
    """Return a file of the cache with so many rides; it is made where it is missing.

    Another process makes it, because this one's memory would count as that of the programs it starts.
    """
    path = CACHE / "data" / name
    if not path.exists():
        print(f"writing {path}", file=sys.stderr)
        subprocess.run([sys.executable, str(HERE / "_taxi.py"), str(path), str(rows), kind], check=True)
    return path


def environment(name: str, packages: Sequence[str]) -> str:
    """Make an environment with these packages and compiled bytecode, and return its Python.

    Raises:
        PeerError: It cannot be made.
    """
    folder = CACHE / "peers" / name
    python, wanted, stamp = folder / "bin" / "python", "\n".join(packages), folder / "packages.txt"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"installing {name} into {folder}", file=sys.stderr)
        told([*UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        told([*UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *packages])
        stamp.write_text(wanted)
    return str(python)


def told(command: Sequence[str]) -> None:
    """Run a command; what it says becomes the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerError(last_words(done.stderr))


def last_words(text: str) -> str:
    """Return the last lines of what a program said."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[-SHOWN_LINES:])
