"""Cells of delivered tables as values. Each raises ValueError with a reason that holds no value."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[,\sT]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[,\sT]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?")
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - wall time, made UTC later
_EXCEL_DAYS = range(38_353, 80_000)  # 2005 to 2119
_BREAK = re.compile(r"<(?:br|/p|/div)\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
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


def whole_number(value: object, what: str) -> int | None:
    """A cell as whole number from 0; `what` is named in the reason."""
    try:
        found = number(value)
    except ValueError:
        raise ValueError(f"{what} is unreadable") from None
    if found is None:
        return None
    if found < 0 or found != int(found):
        raise ValueError(f"{what} is no whole number")
    return int(found)


def day_of(value: object, what: str) -> date | None:
    """A cell as local day, between 2005 and 2100; `what` is named in the reason."""
    if value is None or value == "":
        return None
    moment = _wall_time(value)
    if moment is None:
        raise ValueError(f"{what} is no date")
    if not 2005 <= moment.year <= 2100:
        raise ValueError(f"{what} is before 2005 or after 2100")
    return moment.date()


def yes(text: str | None, field: str) -> bool | None:
    """«да» and «нет» as bool; `field` is named in the reason."""
    if text is None:
        return None
    answer = _YES_NO.get(text.casefold())
    if answer is None:
        raise ValueError(f"{field} is neither да nor нет")
    return answer


def to_utc(cell: Any, zone: ZoneInfo) -> datetime | None:
    """A cell with local wall time → naive UTC; None where it is no date."""
    local = _wall_time(cell)
    if local is None or not 1900 < local.year < 9999:
        return None
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def _wall_time(cell: Any) -> datetime | None:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - calamine gives a date for midnight
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        # An Excel date whose cell lost its date format.
        return _EXCEL_EPOCH + timedelta(seconds=round(cell * 86_400)) if int(cell) in _EXCEL_DAYS else None
    text = str(cell).strip()
    if match := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
    elif match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    else:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - wall time, made UTC by the caller
    except ValueError:
        return None


def plain(text: str | None) -> str | None:
    """Text without HTML: tags and entities could hide a phone number from the masks."""
    if text is None:
        return None
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    return html.unescape(text) if "&" in text else text
