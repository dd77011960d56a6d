"""Waits of deferred tasks and sensors."""

__all__: list[str] = []
