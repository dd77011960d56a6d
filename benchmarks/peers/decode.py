"""Decoding the same columns in the same engine: the limit of what any check of them can cost."""

from __future__ import annotations

import sys

import duckdb
from _told import cpu, tell

imported = cpu()
connection = duckdb.connect(config={"threads": 2})
source = f"'{sys.argv[1]}'"
names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
# A hash has to see every value; a count would be answered from statistics.
connection.execute(f"SELECT {', '.join(f'bit_xor(hash({name}))' for name in names)} FROM {source}").fetchall()
tell(imported, [])
