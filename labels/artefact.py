"""A model on disk: `model.json` and `weights.npz`. Loading runs no code that the files could hold.

The folder holds words that several texts share and numbers, no text and no person's name (docs/labels.md).
Its id is the hash of its content, so that the same examples give the same id.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labels.errors import UnreadableModel
from labels.features import Features
from labels.model import Head, Model

FORMAT = 1
_DESCRIPTION, _WEIGHTS = "model.json", "weights.npz"


def save(model: Model, folder: Path) -> str:
    """Write a model into `folder`/<id> and give the id. What stands there already is the same model."""
    arrays: dict[str, NDArray[np.generic]] = {"rarity": model.features.weights, "parents": model.parents}
    described: dict[str, object] = {"format": FORMAT, "names": model.features.names, "pull": model.pull}
    for task, head in (("groups", model.groups), ("topics", model.topics)):
        if head:
            # Half precision: a hundredth of a per cent of a score, and half of the disk.
            arrays[task] = head.weights.astype(np.float16)
            described[task] = {"classes": head.classes, "sharpness": head.sharpness}
    description = json.dumps(described, ensure_ascii=False, sort_keys=True).encode()
    model_id = _digest(description, arrays)
    target = folder / model_id
    if (target / _DESCRIPTION).is_file():
        os.utime(target)  # its age says when it was learnt last: `otklik maintain` deletes old ones
        return model_id
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        written = io.BytesIO()
        np.savez_compressed(written, allow_pickle=False, **arrays)
        (work / _WEIGHTS).write_bytes(written.getvalue())
        (work / _DESCRIPTION).write_bytes(description)
        os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return model_id


def load(folder: Path) -> Model:
    """Read a model that `save` wrote into `folder`."""
    try:
        description = (folder / _DESCRIPTION).read_bytes()
        described = json.loads(description)
        if described["format"] != FORMAT:
            raise UnreadableModel(f"{folder} is of another format", "train the model anew")
        with np.load(folder / _WEIGHTS, allow_pickle=False) as written:
            arrays = dict(written)
            if _digest(description, arrays) != folder.resolve().name:
                raise UnreadableModel(f"{folder} is not what was saved", "train the model anew")
            features = Features(described["names"], arrays["rarity"].astype(np.float32))
            heads = {
                task: Head(
                    described[task]["classes"],
                    arrays[task].astype(np.float32),
                    float(described[task]["sharpness"]),
                )
                for task in ("groups", "topics")
                if task in described
            }
            parents = arrays["parents"].astype(np.intp)
        pull = float(described["pull"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UnreadableModel(f"{folder} holds no whole model", "train the model anew") from error
    return Model(features, heads.get("groups"), heads.get("topics"), parents, pull)


def _digest(description: bytes, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    digest = hashlib.sha256(description)
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()[:16]
