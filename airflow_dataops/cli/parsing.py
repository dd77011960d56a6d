"""How commands are named: a noun, then a verb."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no other name
else:
    Commands = object

__all__ = ["verbs"]


def verbs(nouns: Commands, noun: str, help_text: str) -> Commands:
    """Add a noun and return where its verbs go."""
    return nouns.add_parser(noun, help=help_text).add_subparsers(required=True, metavar="VERB")
