"""One validation of a table with Great Expectations' PostgreSQL engine; prints what it cost and what it found."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from _told import cpu, tell

warnings.simplefilter("ignore")
url, schema, table, suite = sys.argv[1:5]
import great_expectations as gx  # noqa: E402
import great_expectations.expectations  # noqa: E402
from great_expectations.data_context.types.base import (  # noqa: E402
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402

imported = cpu()
bars = ProgressBarsConfig(globally=False, metric_calculations=False)
config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), progress_bars=bars)
context = gx.get_context(mode="ephemeral", project_config=config)
source = context.data_sources.add_postgres("database", connection_string=url.replace("://", "+psycopg2://", 1))
batch = source.add_table_asset("taxi", table_name=table, schema_name=schema)
batch = batch.add_batch_definition_whole_table("whole").get_batch()
expectations = [
    ExpectationConfiguration(type=one["type"], kwargs=one["kwargs"], meta={"number": number}).to_domain_obj()
    for number, one in enumerate(json.loads(Path(suite).read_text())["expectations"])
]
validated = batch.validate(gx.ExpectationSuite(name="taxi", expectations=expectations), result_format="SUMMARY")
results = sorted(validated.results, key=lambda result: result.expectation_config.meta["number"])
broken = [result.exception_info for result in results if result.exception_info.get("raised_exception")]
if broken:
    sys.exit(f"Great Expectations could not run {len(broken)} checks: {broken[0]}")
tell(imported, [[bool(result.success), result.result.get("unexpected_count")] for result in results])
