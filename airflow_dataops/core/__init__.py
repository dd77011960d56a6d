"""Decisions: frozen dataclasses and pure functions; no Airflow, no client, no I/O."""

__all__: list[str] = []
