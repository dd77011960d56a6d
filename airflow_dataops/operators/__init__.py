"""The stations of the line."""

__all__: list[str] = []
