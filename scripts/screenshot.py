"""Takes the README's pictures of a demo that has run: starts its Airflow again and opens pages in Chromium.

make demo ONESHOT=1 && .venv/bin/python scripts/screenshot.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from airflow_dataops.testing.local_airflow import LocalAirflow

ROOT = Path(__file__).parents[1]
HELD_MONTH = "2013-02"
CHROMIUM = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars",
    "--window-size=1500,800", "--virtual-time-budget=20000",
]  # fmt: skip


def main() -> int:
    """Start, shoot, stop."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".demo").resolve()
    everybody = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "FLIGHTS_INBOX": str(home / "inbox"),
        "AIRFLOW__DATAOPS__INSTANCE": "demo",
    }
    with LocalAirflow(home / "airflow", ROOT / "dags", environment=everybody) as airflow:
        held = next(run for run in airflow.runs("flights_line") if run["logical_date"].startswith(HELD_MONTH))
        pages = {
            "flights_line": "dags/flights_line",
            "held_month": f"dags/flights_line/runs/{quote(held['dag_run_id'])}/tasks/gate",
        }
        for name, page in pages.items():
            shoot(f"{airflow.url}/{page}", ROOT / "docs" / "screenshots" / f"{name}.png")
    return 0


def shoot(url: str, picture: Path) -> None:
    """Open a page and save what it looks like."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        command = [*CHROMIUM, f"--user-data-dir={profile}", f"--screenshot={picture}", url]
        subprocess.run(command, check=True, timeout=120, capture_output=True)
    print(picture)


if __name__ == "__main__":
    sys.exit(main())
