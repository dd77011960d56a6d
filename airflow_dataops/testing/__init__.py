"""Helpers for users' own tests, and an Airflow of one's own to run DAGs in."""

__all__: list[str] = []
