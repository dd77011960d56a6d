"""Programs that run outside Airflow; importable without it."""

__all__: list[str] = []
