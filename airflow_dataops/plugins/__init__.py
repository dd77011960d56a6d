"""What the Airflow UI shows of us."""

__all__: list[str] = []
