"""Contract drift between DAGs and data, told from files alone: nothing is imported, connected or read of the data.

::

    codes        what can be found, each with a code that stays
    finding      one thing found, where, and what to do; what people chose to see
    values       what an expression of a DAG file will be, as far as that can be told without running it
    uses         the stations that a DAG file makes
    document     what is wrong in a suite or contract by itself
    line         what does not go together: DAG with DAG, DAG with file, suite with contract
    report       text, JSON, JUnit, SARIF
"""

from __future__ import annotations

__all__: list[str] = []
