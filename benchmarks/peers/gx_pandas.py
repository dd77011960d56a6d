"""One validation with Great Expectations' pandas engine; prints what it cost and what it found."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from _told import cpu, tell

warnings.simplefilter("ignore")
path, suite = sys.argv[1:3]
import great_expectations as gx  # noqa: E402
import great_expectations.expectations  # noqa: E402
import pandas as pd  # noqa: E402
from great_expectations.data_context.types.base import (  # noqa: E402
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402

imported = cpu()
frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
bars = ProgressBarsConfig(globally=False, metric_calculations=False)
config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), progress_bars=bars)
context = gx.get_context(mode="ephemeral", project_config=config)
asset = context.data_sources.add_pandas("data").add_dataframe_asset("data")
batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
expectations = [
    ExpectationConfiguration(type=one["type"], kwargs=one["kwargs"], meta={"number": number}).to_domain_obj()
    for number, one in enumerate(json.loads(Path(suite).read_text())["expectations"])
]
validated = batch.validate(gx.ExpectationSuite(name="taxi", expectations=expectations), result_format="SUMMARY")
results = sorted(validated.results, key=lambda result: result.expectation_config.meta["number"])
tell(imported, [[bool(result.success), result.result.get("unexpected_count")] for result in results])
