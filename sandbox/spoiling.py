"""What data faults do to the JSON of an answer, whichever server gave it."""

from __future__ import annotations

from typing import Any

# Each strikes every `field` of the answer.
FIELD_KINDS = frozenset(
    {
        "type_flip",
        "missing_key",
        "null_value",
        "big_id",
        "unknown_field",
        "emoji_text",
        "nul_text",
        "long_text",
    }
)
# Each strikes the answer's list.
PAGE_KINDS = frozenset({"page_repeated", "page_lost", "items_moved"})
_EMOJI = " 👩‍👩‍👧‍👦🏳️‍🌈🇷🇺"
_LONG = 200_000  # bytes; a Russian letter takes two


def spoiled(kind: str, field: str, answer: Any) -> Any:
    """The answer (changed in place) with `field` spoiled wherever it stands, or without its items."""
    if kind == "page_lost":
        main_list(answer).clear()
    else:
        _walk(kind, field, answer)
    return answer


def main_list(answer: Any) -> list[Any]:
    """The longest list of objects in the answer: its page of items. An empty one where there is none."""
    best: list[Any] = []
    waiting = [answer]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list) and len(node) > len(best) and all(isinstance(one, dict) for one in node):
            best = node
    return best


def moved(answer: Any, before: list[Any]) -> Any:
    """The page as it reads after something new came in at the front while a client was paging: it begins
    with what the page before ended with, and its items have changed places."""
    items = main_list(answer)
    items[:] = [*before[-1:], *reversed(items)]
    return answer


def _walk(kind: str, field: str, node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(kind, field, item)
    elif isinstance(node, dict):
        if field in node:
            if kind == "missing_key":
                del node[field]
            elif kind == "unknown_field":
                node["sandbox_news"] = {"since": "tomorrow"}
            else:
                node[field] = _changed(kind, node[field])
        for item in node.values():
            _walk(kind, field, item)


def _changed(kind: str, value: Any) -> Any:
    if kind == "type_flip":
        return _flipped(value)
    if kind == "null_value":
        return None
    if kind == "big_id":
        return _enlarged(value)
    if not isinstance(value, str):
        return value
    if kind == "emoji_text":
        return value + _EMOJI
    if kind == "nul_text":
        return f"{value[:3]}\x00{value[3:]}\x00"
    return (value + " " + "ы" * (_LONG // 2))[: _LONG // 2]


def _enlarged(value: Any) -> Any:
    """An id beyond 2^53, which JavaScript and floats would round."""
    if isinstance(value, str) and value.isdigit():
        return str(int(value) + (1 << 62))
    # Negative ones are pages and groups, which are asked for by their number.
    return value + (1 << 62) if type(value) is int and value > 0 else value


def _flipped(value: Any) -> Any:
    if isinstance(value, str):
        return {"value": value}
    if isinstance(value, list | dict):
        return "flipped"
    return f"flipped {value}"
