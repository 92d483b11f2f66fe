"""Where a benchmark works."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace(parent: Path | None) -> Iterator[Path]:
    """A new folder, gone at the end; in a named `parent` it stays when the benchmark fails."""
    folder = Path(tempfile.mkdtemp(prefix="otklik-bench-", dir=parent))
    succeeded = False
    try:
        yield folder
        succeeded = True
    finally:
        if succeeded or parent is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"It failed; what it worked on is left in {folder}: remove it.", file=sys.stderr)
