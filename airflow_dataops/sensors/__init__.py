"""What waits for a state."""

__all__: list[str] = []
