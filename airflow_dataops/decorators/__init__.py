"""TaskFlow forms of the operators."""

__all__: list[str] = []
