"""Messages a second that are labelled on one core, as they are received: all parts of a label.

    python -m benchmarks.labels [--messages 20000]

Texts and labels are those of the tests' generator; the model knows 139 topics in 27 groups. Training is timed
beside it. Processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

MUST_REACH = 2000
_TRAINED_ON = 2000


def measure(messages: int) -> dict[str, float]:
    """{"per_second", "train_seconds"}, in a process of its own that may use one thread."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "benchmarks.labels", "--alone", "--messages", str(messages)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, **alone},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure_here(messages: int) -> dict[str, float]:
    from labels.dictionary import Dictionary
    from labels.labeller import Labeller
    from labels.model import train
    from labels.places import Gazetteer, Place
    from tests.labels.appeals import SEEDS, appeals

    told = appeals(_TRAINED_ON + messages, seed=1)
    started = time.process_time()
    model = train(told[:_TRAINED_ON])
    trained = time.process_time()
    towns = [
        "Тюмень",
        "Тобольск",
        "Ишим",
        "Заводоуковск",
        "Ялуторовск",
        "Сургут",
        "Надым",
        "Ноябрьск",
        "Урай",
        "Югорск",
    ]
    gazetteer = Gazetteer.of(Place(str(number), name) for number, name in enumerate(towns))
    labeller = Labeller(Dictionary.read(SEEDS / "label_words.csv"), gazetteer, 0.6, model)
    for _ in labeller.label([one.text for one in told[_TRAINED_ON:]]):
        pass
    labelled = time.process_time()
    return {
        "per_second": round(messages / (labelled - trained)),
        "train_seconds": round(trained - started, 1),
        "letters_a_message": round(sum(len(one.text) for one in told) / len(told)),
    }


def main() -> int:
    """Exit code 1 where the figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    found = _measure_here(chosen.messages) if chosen.alone else measure(chosen.messages)
    print(json.dumps(found))
    return 0 if chosen.alone or found["per_second"] >= MUST_REACH else 1


if __name__ == "__main__":
    sys.exit(main())
