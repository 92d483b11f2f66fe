"""`otklik maintain` and models of labels: what is in force, was so before, or is named by a label stays."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from ingestion.config import load_settings
from orchestration.maintenance import Removed, maintain
from tests.orchestration.test_label_messages import MARCH, land
from tests.orchestration.test_label_messages import data as data

NOW = datetime(2026, 6, 1)
IN_FORCE, BEFORE, NAMED, NAMED_ONCE, OLD, YOUNG = (digit * 16 for digit in "abcdef")


def models(data: Path, now: datetime, *, dry_run: bool = False) -> Removed:
    (found,) = (one for one in maintain(load_settings(), dry_run=dry_run, now=now) if one.what == "models")
    return found


def label(told_by: str, ref: str = "vk_comment|-7|1") -> dict[str, object]:
    told = {"needs_answer": True, "tone": "neutral", "confidence": 0.9, "label_version": "v"}
    return {"object_ref": ref, "source": "vk", "told_by": told_by, **told}


def test_a_model_goes_when_nothing_names_it(data: Path) -> None:
    folder = data / "labels" / "far"
    written = (MARCH - datetime(1970, 1, 1)).total_seconds()
    for name in (IN_FORCE, BEFORE, NAMED, NAMED_ONCE, OLD, YOUNG, ".new-1"):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.json").write_text("{}" * 10)
        os.utime(folder / name, (written, written))
    late = (NOW - timedelta(hours=1) - datetime(1970, 1, 1)).total_seconds()
    os.utime(folder / YOUNG, (late, late))
    note = {"label_version": IN_FORCE, "learnt_until": "2026-03-01", "previous": BEFORE}
    (folder / "current.json").write_text(json.dumps(note))
    land(data, "labels", {"labels": [label(NAMED_ONCE), label(NAMED, "vk_comment|-7|2")]})
    land(data, "labels", {"labels": [label(IN_FORCE)]})

    assert models(data, NOW, dry_run=True) == Removed("models", 3, 60)
    assert (folder / OLD).exists()
    assert models(data, NOW).count == 3
    left = {IN_FORCE, BEFORE, NAMED, YOUNG, "current.json"}
    assert {path.name for path in folder.iterdir()} == left
    assert models(data, NOW).count == 0
    # What was about to come into force and did not, goes a day later.
    assert models(data, NOW + timedelta(days=1)).count == 1


def test_nothing_goes_before_anything_was_learnt(data: Path) -> None:
    assert models(data, NOW) == Removed("models", 0, 0)
    land(data, "labels", {"labels": [label("dictionary")]})
    assert models(data, NOW) == Removed("models", 0, 0)
