"""Cells of delivered tables as values. Each raises ValueError with a reason that holds no value."""

from __future__ import annotations

import re

_YES_NO = {"да": True, "нет": False, "true": True, "false": False, "1": True, "0": False}


def number(value: object) -> float | None:
    """A cell as number: «1 234», «12,5» and «70 %» are understood."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    text = re.sub(r"[\s%]", "", str(value)).replace(",", ".").replace("−", "-")
    if text in ("", "-", "–", "—"):
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError("a number is unreadable") from None


def percent(value: object) -> float | None:
    """A cell as percentage, 0 to 100."""
    share = number(value)
    if share is not None and not 0 <= share <= 100:
        raise ValueError("a percentage is not within 0 to 100")
    return share


def yes(text: str | None, field: str) -> bool | None:
    """«да» and «нет» as bool; `field` is named in the reason."""
    if text is None:
        return None
    answer = _YES_NO.get(text.casefold())
    if answer is None:
        raise ValueError(f"{field} is neither да nor нет")
    return answer
