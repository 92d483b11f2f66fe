"""Suites: GATE stands between facts and marts, AUDIT on the candidate release."""

from quality.suites.audit import AUDIT
from quality.suites.gate import GATE

__all__ = ["AUDIT", "GATE"]
