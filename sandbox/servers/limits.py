"""A rate limit per token: at most so many requests in any one second."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable


class RateLimit:
    """A sliding window. `clock` gives seconds; tests pass their own, the servers the real one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def allows(self, token: str, per_second: int) -> bool:
        """Count one request of `token`; a refused request is not counted."""
        now, seen = self._clock(), self._seen[token]
        while seen and now - seen[0] >= 1.0:
            seen.popleft()
        if len(seen) >= per_second:
            return False
        seen.append(now)
        return True
