"""What a DAG file costs to parse that uses every operator and sensor, against the same file with bare operators.

python benchmarks/parsing.py [--quick] [--json FILE]
"""

from __future__ import annotations

import inspect
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from _measure import PYTHON, Row, alternate, clean_environment, options, report, run_process
from airflow.sdk import BaseOperator

import airflow_dataops.operators
import airflow_dataops.sensors
from airflow_dataops.operators.station import StationOperator
from airflow_dataops.sensors.waiting import WaitingSensor

LIMIT = 1.10
FUNCTIONS = {"prepare", "python_callable"}
PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert len(bag.dags) == 1, bag.import_errors
"""


def operator_classes() -> list[type[BaseOperator]]:
    """Return every operator and sensor of the package."""
    found: set[type[BaseOperator]] = set()
    for package in (airflow_dataops.operators, airflow_dataops.sensors):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            for _, member in inspect.getmembers(import_module(module.name), inspect.isclass):
                ours = member.__module__ == module.name and issubclass(member, BaseOperator)
                if ours and member not in {StationOperator, WaitingSensor}:
                    found.add(member)
    return sorted(found, key=lambda member: member.__name__)


def required_arguments(operator: type[BaseOperator]) -> str:
    """Return source text that gives each required argument a plausible value."""
    ours = [base for base in operator.__mro__ if base.__module__.startswith("airflow_dataops.")]
    parameters = [p for base in ours for p in inspect.signature(base.__init__).parameters.values()]
    required = {p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY}
    return "".join(f", {name}={'print' if name in FUNCTIONS else repr('x')}" for name in sorted(required))


def dag_file(lines: list[str], imports: list[str]) -> str:
    """Return the text of a DAG file."""
    tasks = "\n".join(f"    {line}" for line in lines)
    return "\n".join(
        ["from airflow.sdk import DAG, BaseOperator", *imports, "", "with DAG('line', schedule=None):", tasks]
    )


def main() -> int:
    """Measure and compare."""
    chosen = options(str(__doc__))
    classes = operator_classes()
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = Path(folder, "ours.py"), Path(folder, "bare.py")
        imports = [f"from {member.__module__} import {member.__name__}" for member in classes]
        calls = [f"{c.__name__}(task_id='t{n}'{required_arguments(c)})" for n, c in enumerate(classes)]
        ours.write_text(dag_file(calls, imports))
        bare.write_text(dag_file([f"BaseOperator(task_id='t{n}')" for n in range(len(classes))], []))
        environment = clean_environment(Path(folder, "home"))
        costs = alternate(
            {
                "bare": lambda: run_process([PYTHON, "-c", PARSE, str(bare)], environment),
                "ours": lambda: run_process([PYTHON, "-c", PARSE, str(ours)], environment),
            },
            rounds=5 if chosen.quick else 15,
        )
    cpu = costs["ours"].cpu_seconds / costs["bare"].cpu_seconds
    memory = costs["ours"].peak_megabytes / costs["bare"].peak_megabytes
    rows = [
        Row(f"CPU to parse {len(classes)} of our operators and sensors against bare ones", cpu, "×", LIMIT),
        Row("peak memory of the same", memory, "×", LIMIT),
        Row("CPU of the bare file, Airflow's start included", costs["bare"].cpu_seconds, "s"),
    ]
    return report(rows, chosen)


if __name__ == "__main__":
    sys.exit(main())
