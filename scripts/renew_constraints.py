"""Renew constraints.txt: resolve every extra for the lowest Python and keep only ``name==version`` lines."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"[a-z0-9][a-z0-9._-]*==[0-9][^\s;@/]*")


def main() -> int:
    """Write the file; anything but a plain version is refused, so that no address gets in."""
    uv = Path(sys.executable).with_name("uv")
    command = [
        str(uv),
        "pip",
        "compile",
        "--quiet",
        "--upgrade",
        "--no-annotate",
        "--no-header",
        "--no-emit-find-links",
    ]
    command += ["--no-emit-index-url", "--python-version", "3.11", "--extra", "dev", str(ROOT / "pyproject.toml")]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    strange = [line for line in lines if not PINNED.fullmatch(line)]
    if strange:
        print(f"error: only name==version is allowed, got: {'; '.join(strange)}", file=sys.stderr)
        return 1
    (ROOT / "constraints.txt").write_text("\n".join(lines) + "\n")
    print(f"constraints.txt names {len(lines)} versions.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
