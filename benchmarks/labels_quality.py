"""How much better the model is than letters with a linear machine, in the same folds of the same file.

    python -m benchmarks.labels_quality [FILE.csv] [--folds 5]

The file as `otklik labels evaluate` reads it; without one, 2,000 invented appeals (tests/labels/appeals.py).
The other side is what such tasks are commonly begun with: runs of 2 to 5 letters, tf-idf, a linear SVM.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC

from labels.evaluate import SEED, cross_validate
from labels.model import Example
from labels.tables import read_examples


def letters(examples: Sequence[Example], task: str, folds: int) -> tuple[float, float, float]:
    """Accuracy, weighted and macro F1 of the common beginning, in the folds of `cross_validate`."""
    truth = np.asarray([getattr(one, task) for one in examples], dtype=object).astype(str)
    texts = np.asarray([one.text for one in examples], dtype=object)
    said = truth.astype(object)
    for learnt, left in KFold(folds, shuffle=True, random_state=SEED).split(texts):
        vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
        rows = vectors.fit_transform(texts[learnt])
        said[left] = LinearSVC(tol=0.01).fit(rows, truth[learnt]).predict(vectors.transform(texts[left]))
    known = truth != ""
    truth, told = truth[known], said[known].astype(str)
    return (
        float(accuracy_score(truth, told)),
        float(f1_score(truth, told, average="weighted", zero_division=0)),
        float(f1_score(truth, told, average="macro", zero_division=0)),
    )


def main() -> int:
    """Exit code 1 where letters alone are as good."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--folds", type=int, default=5)
    chosen = parser.parse_args()
    if chosen.file:
        examples = read_examples(chosen.file)
    else:
        from tests.labels.appeals import appeals

        examples = appeals(2000, seed=2)
    better = True
    print("| task | model | accuracy | F1 weighted | F1 macro |\n|---|---|---|---|---|")
    for score in cross_validate(examples, chosen.folds):
        other = letters(examples, score.task, chosen.folds)
        ours = (score.accuracy, score.weighted_f1, score.macro_f1)
        for name, figures in (("labels/", ours), ("letters, linear SVM", other)):
            print(f"| {score.task} | {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
        better = better and ours[0] > other[0] and ours[1] > other[1]
    return 0 if better else 1


if __name__ == "__main__":
    sys.exit(main())
