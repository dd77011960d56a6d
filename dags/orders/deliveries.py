"""Writes a delivery of orders as the shop exports it: the same day, the same file.

    python dags/orders/deliveries.py INBOX 2026-11-24
    python dags/orders/deliveries.py INBOX 2026-11-25 --unknown 0.1

A few orders have a status that nobody agreed on; with ``--unknown 0.1`` too many have one.
"""

from __future__ import annotations

import argparse
import csv
import random
from datetime import date, datetime, time, timedelta
from pathlib import Path

__all__ = ["write_delivery"]

COLUMNS = ("order_id", "ordered_at", "customer", "status", "quantity", "amount", "coupon")
STATUSES = ("open", "paid", "shipped", "returned")
ORDERS_A_DAY = 400
UNKNOWN = "parked"


def write_delivery(inbox: Path, day: date, unknown: float = 0.005) -> Path:
    """Write ``orders-YYYY-MM-DD.csv``: all orders of the month up to this day, a share of them with a new status."""
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / f"orders-{day.isoformat()}.csv"
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(orders(day, unknown))
    return unfinished.replace(path)


def orders(day: date, unknown: float) -> list[tuple[object, ...]]:
    """Return the month's orders; which rows have the new status is drawn once for each day."""
    chance = random.Random(day.isoformat())  # noqa: S311 - an example's data, no secret
    rows: list[tuple[object, ...]] = []
    for number in range(day.day * ORDERS_A_DAY):
        at = datetime.combine(day.replace(day=1), time(8)) + timedelta(minutes=3.6 * number)
        quantity = chance.randint(1, 9)
        rows.append(
            (
                day.year * 10_000_000 + day.month * 100_000 + number + 1,
                at.isoformat(sep=" ", timespec="seconds"),
                f"C-{chance.randint(0, 99_999):05}",
                UNKNOWN if chance.random() < unknown else chance.choice(STATUSES),
                quantity,
                f"{quantity * chance.randint(500, 9_999) / 100:.2f}",
                chance.choice(("", "", "", "AUTUMN")),
            )
        )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inbox", type=Path)
    parser.add_argument("day", type=date.fromisoformat)
    parser.add_argument("--unknown", type=float, default=0.005)
    given = parser.parse_args()
    print(write_delivery(given.inbox, given.day, given.unknown))  # noqa: T201 - this is the program's output
