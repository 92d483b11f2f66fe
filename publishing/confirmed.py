"""What the last run that ended well had read, where it found the figures that stand already published.

Such a run makes no release. Without this note its rows would count as waiting for ever, and figures that
still hold as old ones: one run would follow the other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from publishing.release import MANIFEST, Shelf

NOTE = "confirmed.json"
_TOLD = ("as_of", "watermarks")


def read_candidate(shelf: Shelf) -> dict[str, Any]:
    """The manifest of the candidate; empty where none stands."""
    path = shelf.candidate / MANIFEST
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return content


def confirm(shelf: Shelf, release_id: str, candidate: Mapping[str, Any]) -> None:
    """Note that the release holds for what the candidate was made of and at its as_of."""
    fresh = shelf.root / f".{NOTE}"
    note = {"release": release_id, **{name: candidate[name] for name in _TOLD if name in candidate}}
    fresh.write_text(json.dumps(note) + "\n", "utf-8")
    os.replace(fresh, shelf.root / NOTE)


def confirmed_manifest(shelf: Shelf) -> dict[str, Any] | None:
    """The current release's manifest, with as_of and watermarks of the run that last confirmed it."""
    manifest = shelf.current_manifest()
    path = shelf.root / NOTE
    if manifest is None or not path.is_file():
        return manifest
    note = json.loads(path.read_text("utf-8"))
    if note["release"] != manifest["id"]:
        return manifest
    return manifest | {name: note[name] for name in _TOLD if name in note}
