"""Messages to people."""

__all__: list[str] = []
