"""The 24 checks in Soda's language, by soda-core 3.5.6 on DuckDB 1.0: the last release under the Apache licence."""

from __future__ import annotations

import sys

from _told import cpu, tell

path = sys.argv[1]
import duckdb  # noqa: E402
from soda.common.config_helper import ConfigHelper  # noqa: E402

ConfigHelper.send_anonymous_usage_stats = property(lambda _: False)  # nothing is sent home
from soda.scan import Scan  # noqa: E402

imported = cpu()
CHECKS = r"""
checks for taxi:
  - row_count between 1000 and 100000000: {name: "0"}
  - missing_count(trip_id) = 0: {name: "1"}
  - duplicate_count(trip_id) = 0: {name: "2"}
  - duplicate_count(trip_id, vendor_id) = 0: {name: "3"}
  - invalid_count(vendor_id) = 0: {name: "4", valid values: [1, 2, 3, 4, 5, 6]}
  - missing_count(pickup) = 0: {name: "5"}
  - missing_percent(payment) <= 1: {name: "6"}
  - invalid_count(payment) = 0: {name: "7", valid values: [card, cash, free, dispute]}
  - invalid_count(passengers) = 0: {name: "8", valid min: 0, valid max: 6}
  - invalid_count(distance) = 0: {name: "9", valid min: 0, valid max: 100}
  - invalid_count(fare) = 0: {name: "10", valid min: 0, valid max: 500}
  - invalid_count(tip) = 0: {name: "11", valid min: 0, valid max: 100}
  - invalid_percent(score) <= 1: {name: "12", valid min: 0, valid max: 100}
  - invalid_count(zone_code) = 0: {name: "13", valid regex: '^Z\d{3}$'}
  - invalid_count(zone_code) = 0: {name: "14", valid length: 4}
  - avg(fare) between 1 and 100: {name: "15"}
  - stddev(fare) between 0 and 100: {name: "16"}
  - percentile(distance, 0.05) between 0 and 5: {name: "17"}
  - percentile(distance, 0.5) between 5 and 25: {name: "17 too"}
  - percentile(distance, 0.95) between 20 and 40: {name: "17 as well"}
  - percentile(tip, 0.5) between 0 and 20: {name: "18"}
  - max(passengers) between 1 and 9: {name: "19"}
  - sum(total) >= 0: {name: "20"}
  - tips_above_total = 0: {name: "21", tips_above_total expression: "count(case when total < tip then 1 end)"}
  - other_payments = 0:
      name: "22"
      other_payments expression: "count(case when payment not in ('card', 'cash', 'free', 'dispute') then 1 end)"
  - zones between 1 and 300: {name: "23", zones expression: "count(distinct pickup_zone)"}
"""
connection = duckdb.connect(config={"threads": 2})
connection.execute(f"CREATE VIEW taxi AS SELECT * FROM '{path}'")
scan = Scan()
scan.add_duckdb_connection(connection, "files")
scan.set_data_source_name("files")
scan.add_sodacl_yaml_str(CHECKS)
scan.execute()
if scan.has_error_logs():
    sys.exit(f"soda could not run: {scan.get_error_logs_text()}")
found: list[list[object]] = [[True, None] for _ in range(24)]
for check in scan.get_scan_results()["checks"]:
    number = int(check["name"].split()[0])
    found[number][0] = found[number][0] and check["outcome"] == "pass"
    if number in {1, 4, 5, 7, 8, 9, 10, 11, 13, 14, 21}:
        found[number][1] = int(check["diagnostics"]["value"])
tell(imported, found)
