"""A production line for data and models in Apache Airflow 3.

Two words find a thing, the layer and the noun:

- ``core``: decisions as frozen dataclasses and pure functions; no Airflow, no client, no I/O
- ``runtime``: programs that run outside Airflow, such as the scoring server
- ``hooks``: one outside system each; the only place of service clients
- ``triggers``: waits of deferred tasks
- ``operators``, ``sensors``, ``decorators``: the stations of the line, and what waits for them
- ``plugins``, ``notifications``, ``cli``, ``testing``: what people see and call

This module imports nothing: every Airflow process loads it.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
