"""One outside system each; the only place of service clients."""

__all__: list[str] = []
