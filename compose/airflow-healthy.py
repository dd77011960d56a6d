#!/usr/bin/env python3
# ruff: noqa: T201 - a program of its own
"""Ends with 0 when the API server calls a part of Airflow healthy: ``airflow-healthy triggerer``.

One cheap request instead of ``airflow jobs check``, which costs seconds of CPU each time.
"""

import json
import sys
from urllib.request import urlopen

part = sys.argv[1]
address = sys.argv[2] if len(sys.argv) > 2 else "http://airflow-api-server:8080"  # noqa: PLR2004 - the second argument
with urlopen(f"{address}/api/v2/monitor/health", timeout=8) as answer:  # noqa: S310 - always http
    status = (json.load(answer).get(part) or {}).get("status")
print(f"{part}: {status}")
sys.exit(status != "healthy")
