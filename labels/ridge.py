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
MOST_EXACT = 6_000  # n³: a minute; beyond that, the solution is found step by step
_PRECISION, _MOST_STEPS = 1e-3, 100


@dataclass(frozen=True)
class Ridge:
    """One fitted task. `classes` sorted; `weights` (columns × classes).

    `left_out` (texts × classes) and `truth` are of the texts from number `first` on: the newest ones.
    """

    classes: list[str]
    weights: NDArray[np.float32]
    left_out: Doubles
    truth: Numbers
    sharpness: float
    first: int


def fit(
    rows: sparse.csr_matrix,
    labels: Sequence[str],
    names: sparse.csr_matrix | None,
    most_exact: int = MOST_EXACT,
) -> Ridge:
    """Learn classes from rows of features; the shrinkage is that of the least leave-one-out loss.

    `names` are rows for what the classes are called, in the order of the sorted classes: a text that says
    little more than its topic's name. They are used if that makes the leave-one-out loss less. Of more than
    `most_exact` texts the newest choose and calibrate; all are then learnt from.
    """
    classes, truth = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
    first = max(0, len(truth) - most_exact)
    best: _Solved | None = None
    for extra in (None, names) if names is not None else (None,):
        every, own = _with_names(rows[first:], truth[first:], extra)
        kernel = np.asarray((every @ every.T).todense(), dtype=np.float64) / 2
        for shrinkage in SHRINKAGES:
            solved = _solve(kernel, own, len(classes), len(truth) - first, shrinkage, extra)
            if best is None or solved.loss < best.loss:
                best = solved
    assert best is not None  # noqa: S101 - there is a shrinkage
    every, own = _with_names(rows, truth, best.extra)
    dual = best.dual if first == 0 else _descend(every, own, len(classes), best.shrinkage)
    weights = np.asarray(every.T @ dual / 2, dtype=np.float32)
    return Ridge(
        [str(each) for each in classes], weights, best.left_out, truth[first:], best.sharpness, first
    )


@dataclass(frozen=True)
class _Solved:
    dual: Doubles
    left_out: Doubles
    shrinkage: float
    extra: sparse.csr_matrix | None
    sharpness: float
    loss: float


def _with_names(
    rows: sparse.csr_matrix, truth: Numbers, names: sparse.csr_matrix | None
) -> tuple[sparse.csr_matrix, Numbers]:
    if names is None:
        return rows, truth
    every = sparse.vstack([rows, names], format="csr")
    return every, np.concatenate([truth, np.arange(names.shape[0])])


def _ridge(truth: Numbers, shrinkage: float) -> Doubles:
    """What is added to the diagonal: less for texts of rare classes, which so weigh more."""
    counts = np.bincount(truth)
    importance = (counts[truth] / counts[truth].mean()) ** -BALANCE
    added: Doubles = shrinkage * importance.mean() / importance
    return added


def _wanted(truth: Numbers, classes: int) -> Doubles:
    wanted = np.zeros((len(truth), classes))
    wanted[np.arange(len(truth)), truth] = 1
    return wanted


def _solve(
    kernel: Doubles,
    truth: Numbers,
    classes: int,
    texts: int,
    shrinkage: float,
    extra: sparse.csr_matrix | None,
) -> _Solved:
    inverse = _inverse(kernel + np.diag(_ridge(truth, shrinkage)))
    wanted = _wanted(truth, classes)
    dual = inverse @ wanted
    left_out = (wanted - dual / np.diag(inverse)[:, None])[:texts]
    return _Solved(dual, left_out, shrinkage, extra, *sharpen(left_out, truth[:texts]))


def _descend(rows: sparse.csr_matrix, truth: Numbers, classes: int, shrinkage: float) -> Doubles:
    """The same solution by conjugate gradients, all classes at once, without the n × n matrix."""
    added = _ridge(truth, shrinkage)[:, None]
    columns = rows.T.tocsr()
    left = _wanted(truth, classes)
    dual = np.zeros_like(left)
    direction = left.copy()
    error = np.einsum("ij,ij->j", left, left)
    enough = error * _PRECISION**2
    for _ in range(_MOST_STEPS):
        image = (rows @ (columns @ direction)) / 2 + added * direction
        step = error / np.maximum(np.einsum("ij,ij->j", direction, image), 1e-300)
        dual += step * direction
        left -= step * image
        before, error = error, np.einsum("ij,ij->j", left, left)
        if (error <= enough).all():
            break
        direction = left + error / np.maximum(before, 1e-300) * direction
    return dual


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
