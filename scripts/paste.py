"""Replaces what stands between two markers of a document, so that its tables come from a script.

    python scripts/paste.py README.md flights-2013 TABLE_FILE

replaces the text between ``<!-- flights-2013 -->`` and ``<!-- /flights-2013 -->``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def paste(document: Path, name: str, text: str) -> None:
    """Put `text` between the markers called `name`."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(\n?<!-- /{re.escape(name)} -->)", re.DOTALL)
    replaced, found = pattern.subn(lambda match: f"{match[1]}{text.strip()}\n{match[2].lstrip()}", document.read_text())
    if found != 1:
        sys.exit(f"{document} has {found} places marked {name!r}; exactly one is needed")
    document.write_text(replaced)


if __name__ == "__main__":
    paste(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text())
