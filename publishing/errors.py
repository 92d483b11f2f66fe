"""What can go wrong while publishing. Each error is one sentence that ends in the next step."""

from __future__ import annotations


class PublishError(Exception):
    """A release could not be made; what readers see is unchanged."""

    def __init__(self, problem: str, next_step: str) -> None:
        self.problem = problem.rstrip(". ")
        self.next_step = next_step.rstrip(". ")
        super().__init__(f"{self.problem}; {self.next_step}.")
