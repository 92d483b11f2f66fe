"""The one shape of VKScript that the sandbox runs: `return [API.<method>(<json object>), …];`."""

from __future__ import annotations

import json
import re
from typing import Any

_CALL = re.compile(r"\s*API\.([A-Za-z]+\.[A-Za-z]+)\(\s*")
_DECODER = json.JSONDecoder()


class CodeError(ValueError):
    """Code of another shape."""


def parse_code(code: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls in order, as (method, arguments)."""
    code = code.strip()
    opening = re.match(r"return\s*\[", code)
    if not opening:
        raise CodeError("expected `return [` at line 1")
    place = opening.end()
    calls: list[tuple[str, dict[str, Any]]] = []
    while not re.match(r"\s*\]\s*;?\s*$", code[place : place + 20]):
        call = _CALL.match(code, place)
        if not call:
            raise CodeError(f"expected API.<method>(…) at character {place}")
        try:
            arguments, place = _DECODER.raw_decode(code, call.end())
        except json.JSONDecodeError as error:
            raise CodeError(f"arguments are not a JSON object at character {error.pos}") from None
        closing = re.compile(r"\s*\)\s*(,?)").match(code, place)
        if not isinstance(arguments, dict) or not closing:
            raise CodeError(f"expected a JSON object and `)` at character {place}")
        place = closing.end()
        calls.append((call[1], arguments))
        if not closing[1] and not re.match(r"\s*\]", code[place:]):
            raise CodeError(f"expected `,` or `]` at character {place}")
    return calls
