"""What can go wrong while reading a source. Each error is one sentence that ends in the next step."""

# ruff: noqa: N818 - a name that says what happened reads better than a suffix

from __future__ import annotations


class IngestionError(Exception):
    """Base of every expected failure: `str(error)` is fit for a person, and holds no secrets or texts."""

    def __init__(self, problem: str, next_step: str) -> None:
        self.problem = problem.rstrip(". ")
        self.next_step = next_step.rstrip(". ")
        super().__init__(f"{self.problem}; {self.next_step}.")

    def __reduce__(self) -> tuple[type[IngestionError], tuple[str, str]]:
        return type(self), (self.problem, self.next_step)


class ConfigError(IngestionError):
    """Settings or a region file are wrong, or name something that is not there."""


class UsageError(IngestionError):
    """The caller asks for something this source cannot do."""


class SourceDown(IngestionError):
    """The source does not answer, or answers with server errors, after all retries."""


class ClockWrong(IngestionError):
    """Our clock and the source's differ by more than they may; which is wrong nobody here can know."""


class AccessRefused(IngestionError):
    """The source refuses our token or the token lacks a right we need."""


class RequestRefused(IngestionError):
    """The source understood us and says that the request itself is wrong."""


class ContractBroken(IngestionError):
    """A page no longer has the shape that was agreed: nothing of this load is kept."""


class UnreadableFile(IngestionError):
    """A delivered file cannot be read as what it should be."""


class AccountingBroken(IngestionError):
    """received ≠ landed + quarantined + skipped: a defect of ours, so the load is refused."""


class WarehouseError(IngestionError):
    """The warehouse cannot be opened or written."""


class Busy(IngestionError):
    """Another process is writing the warehouse."""
