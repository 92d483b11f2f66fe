"""What can go wrong while labelling. Each error is one sentence that ends in the next step."""

# ruff: noqa: N818 - a name that says what happened reads better than a suffix

from __future__ import annotations


class LabelsError(Exception):
    """Base of every expected failure: `str(error)` is fit for a person, and holds no texts."""

    def __init__(self, problem: str, next_step: str) -> None:
        self.problem = problem.rstrip(". ")
        self.next_step = next_step.rstrip(". ")
        super().__init__(f"{self.problem}; {self.next_step}.")

    def __reduce__(self) -> tuple[type[LabelsError], tuple[str, str]]:
        return type(self), (self.problem, self.next_step)


class UnreadableTable(LabelsError):
    """A file of labelled texts has no such columns, or no rows to learn from."""


class TooFewTexts(LabelsError):
    """There is too little to learn from."""


class UnreadableModel(LabelsError):
    """A stored model is not whole, or was made by another version of this room."""
