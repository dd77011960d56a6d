"""``python -m airflow_dataops.cli``."""

from __future__ import annotations

import sys

from airflow_dataops.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
