"""Weighted kernel ridge regression of one class against the rest, and what it would say without each text.

With fewer texts than columns the solution lies in the span of the texts, so one n × n system solves all
classes at once; and its inverse gives what each text would have been taken for had it not been learnt from.
These leave-one-out scores choose the shrinkage and calibrate confidence, without a text set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

Doubles = NDArray[np.float64]
Numbers = NDArray[np.intp]
# How far rare classes are weighed up: 0 not at all, 1 until all classes weigh the same. Half way is best for
# accuracy and F1 together on every set we tried (docs/labels.md).
BALANCE = 0.5
SHRINKAGES = (0.25, 0.5, 1.0)
_SHARPEST = 60.0


@dataclass(frozen=True)
class Ridge:
    """One fitted task. `classes` sorted; `weights` (columns × classes); `left_out` (texts × classes)."""

    classes: list[str]
    weights: NDArray[np.float32]
    left_out: Doubles
    truth: Numbers
    sharpness: float


def fit(rows: sparse.csr_matrix, labels: Sequence[str], names: sparse.csr_matrix | None) -> Ridge:
    """Learn classes from rows of features; the shrinkage is that of the least leave-one-out loss.

    `names` are rows for what the classes are called, in the order of the sorted classes: a text that says
    little more than its topic's name. They are used if that makes the leave-one-out loss less.
    """
    classes, truth = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
    best: _Solved | None = None
    for extra in (None, names) if names is not None else (None,):
        every = rows if extra is None else sparse.vstack([rows, extra], format="csr")
        own = truth if extra is None else np.concatenate([truth, np.arange(len(classes))])
        kernel = np.asarray((every @ every.T).todense(), dtype=np.float64) / 2
        for shrinkage in SHRINKAGES:
            solved = _solve(every, kernel, own, len(truth), shrinkage)
            if best is None or solved.loss < best.loss:
                best = solved
    assert best is not None  # noqa: S101 - there is a shrinkage
    weights = np.asarray(best.rows.T @ best.dual / 2, dtype=np.float32)
    names_of = [str(each) for each in classes]
    return Ridge(names_of, weights, best.left_out, truth, best.sharpness)


@dataclass(frozen=True)
class _Solved:
    rows: sparse.csr_matrix
    dual: Doubles
    left_out: Doubles
    sharpness: float
    loss: float


def _solve(rows: sparse.csr_matrix, kernel: Doubles, truth: Numbers, texts: int, shrinkage: float) -> _Solved:
    counts = np.bincount(truth)
    importance = (counts[truth] / counts[truth].mean()) ** -BALANCE
    inverse = _inverse(kernel + np.diag(shrinkage * importance.mean() / importance))
    wanted = np.zeros((len(truth), len(counts)))
    wanted[np.arange(len(truth)), truth] = 1
    dual = inverse @ wanted
    left_out = (wanted - dual / np.diag(inverse)[:, None])[:texts]
    return _Solved(rows, dual, left_out, *sharpen(left_out, truth[:texts]))


def _inverse(system: Doubles) -> Doubles:
    """Of a symmetric positive definite matrix, in a third of the time of any other's."""
    factor, _ = linalg.lapack.dpotrf(system, lower=1, overwrite_a=1)
    lower, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    below = np.tril(lower)
    return below + np.tril(below, -1).T


def sharpen(scores: Doubles, truth: Numbers) -> tuple[float, float]:
    """The factor that makes scores the logits of honest probabilities, and the loss per text it leaves."""

    def loss(sharpness: float) -> float:
        return -float(log_softmax(sharpness * scores, axis=1)[np.arange(len(truth)), truth].mean())

    best = minimize_scalar(loss, bounds=(0.5, _SHARPEST), method="bounded", options={"xatol": 0.05})
    return float(best.x), float(best.fun)


def blend(own: Doubles, parent: Doubles, truth: Numbers) -> tuple[float, float]:
    """The factors of a topic's own score and of its group's that together make honest logits."""

    def loss(logs: NDArray[np.float64]) -> float:
        factors = np.exp(np.clip(logs, -5, 5))
        logits = factors[0] * own + factors[1] * parent
        return -float(log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())

    best = minimize(loss, np.log([7.0, 7.0]), method="Nelder-Mead", options={"maxiter": 60, "xatol": 0.02})
    one, other = np.exp(np.clip(best.x, -5, 5))
    return float(one), float(other)
