# ruff: noqa: INP001, T201 - a program of its own
"""Prints what airflow-dataops needs, so that an image installs it in a layer of its own, before the sources.

python requirements.py pyproject.toml postgres,demo
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
wanted = [name for name in sys.argv[2].split(",") if name]
extras = [requirement for name in wanted for requirement in project["optional-dependencies"][name]]
print("\n".join([*project["dependencies"], *extras]))
