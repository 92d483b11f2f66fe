"""Pseudo-random numbers and exact shares that come out the same on every machine.

numpy's generators may change their streams between versions and Python's `hash` changes between
processes, so the sandbox draws from splitmix64, counted from (seed, salt, index), in integers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def key(seed: int, salt: str) -> int:
    """A 64-bit key for one purpose of one seed."""
    return int.from_bytes(blake2b(f"{seed}:{salt}".encode(), digest_size=8).digest(), "big")


def mix(value: int) -> int:
    """splitmix64's finaliser for one Python integer."""
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def stream(seed: int, salt: str, count: int) -> Bits:
    """`count` independent 64-bit numbers for (seed, salt)."""
    value = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.full(
        count, key(seed, salt), dtype=np.uint64
    )
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def below(bits: Bits, limit: int | Ints) -> Ints:
    """Numbers in [0, limit); the bias of the modulo is below 1e-9 for every limit used here."""
    top = (bits >> np.uint64(12)).astype(np.int64)
    return top % limit


def integer_weights(weights: Sequence[float]) -> Ints:
    """Weights in millionths: from here on only integers, so that no platform rounds differently."""
    return np.array([round(float(weight) * 1_000_000) for weight in weights], dtype=np.int64)


def apportion(total: int, weights: Ints) -> Ints:
    """Split `total` in proportion to integer `weights`, exactly (largest remainder, ties to the first)."""
    whole = int(weights.sum())
    if total == 0 or len(weights) == 0:
        return np.zeros(len(weights), dtype=np.int64)
    if whole <= 0:
        raise ValueError("weights must not all be zero")
    # Python's integers: total × weight can pass 2^63.
    products = [int(weight) * total for weight in weights]
    shares = np.array([product // whole for product in products], dtype=np.int64)
    remainders = np.array([product % whole for product in products], dtype=np.int64)
    missing = total - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:missing]] += 1
    return shares


def apportion_within(total: int, weights: Ints, room: Ints) -> Ints:
    """As `apportion`, but no share exceeds its `room`; what does not fit moves to cells that have room."""
    result = np.zeros(len(weights), dtype=np.int64)
    left = total
    while left:
        free = room - result
        open_weights = np.where(free > 0, np.maximum(weights, 1), 0)
        if not open_weights.any():
            raise ValueError(f"{left} of {total} do not fit")
        step = np.minimum(apportion(left, open_weights), free)
        result += step
        left -= int(step.sum())
    return result


def dealt(seed: int, salt: str, counts: Ints) -> Ints:
    """Codes 0..len(counts)-1, each exactly counts[code] times, in a shuffled order."""
    codes = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return codes[np.argsort(stream(seed, salt, len(codes)), kind="stable")]


def drawn(bits: Bits, weights: Ints) -> Ints:
    """One code per number, with probability in proportion to `weights`."""
    edges = np.cumsum(weights)
    return np.searchsorted(edges, below(bits, int(edges[-1])), side="right").astype(np.int64)
