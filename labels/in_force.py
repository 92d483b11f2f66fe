"""Which model of a folder is in force, and what else the labels of a region depend on. Cheap to import."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from labels.errors import UnreadableModel, UnreadableTable
from labels.places import Place

CURRENT = "current.json"
PREVIOUS = "previous"
# Whatever a label can change with, beside the model: the code that reads a text, and pymorphy3's dictionary.
_READING = ("clean", "dictionary", "features", "labeller", "model", "places", "words")
_FORMS = ("pymorphy3", "pymorphy3-dicts-ru")


def models_of(data: Path, region_id: str) -> Path:
    """Where a deployment keeps the models of a region."""
    return data / "labels" / region_id


def note_of(folder: Path) -> dict[str, str] | None:
    """label_version of the model in force and learnt_until; None before the first training.

    `previous` is there once another model was in force before.
    """
    try:
        described = json.loads((folder / CURRENT).read_bytes())
        note = {key: str(described[key]) for key in ("label_version", "learnt_until")}
        note |= {PREVIOUS: str(described[PREVIOUS])} if PREVIOUS in described else {}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableModel(f"{folder / CURRENT} names no model", "delete it and train anew") from error
    if not re.fullmatch("[0-9a-f]{16}", note["label_version"]):
        raise UnreadableModel(f"{folder / CURRENT} names no model", "delete it and train anew")
    return note


def labeller_version(model: str | None, words: Path, places: Iterable[Place], threshold: float) -> str:
    """16 hex digits for model, word list, places, threshold and code: the same ones give the same labels."""
    digest = hashlib.sha256()
    try:
        for path in (words, *(Path(__file__).with_name(f"{name}.py") for name in _READING)):
            digest.update(path.read_bytes())
    except OSError as error:
        raise UnreadableTable(f"{path} cannot be read", "bring it back from the repository") from error
    known = sorted((one.territory_id, one.name, one.is_street) for one in places)
    forms = [version(name) for name in _FORMS]
    digest.update(json.dumps([model, known, threshold, forms], ensure_ascii=False).encode())
    return digest.hexdigest()[:16]


def copies_version() -> str:
    """16 hex digits for the code that compares texts and what it is built on: the same ones find the same."""
    return _version_of_code("clean", "copies", "words")


def answers_version() -> str:
    """The same of the code that looks at answers."""
    return _version_of_code("answers", "clean", "copies", "words")


def _version_of_code(*names: str) -> str:
    digest = hashlib.sha256()
    try:
        for name in names:
            digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    except OSError as error:
        raise UnreadableTable(
            f"{error.filename} cannot be read", "bring it back from the repository"
        ) from error
    digest.update(json.dumps([version(name) for name in (*_FORMS, "datasketch")]).encode())
    return digest.hexdigest()[:16]
