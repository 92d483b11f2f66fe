"""The agreed shape of objects in a page: a breach stops the load, an unknown field is only named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ingestion.errors import ContractBroken

TEXT: tuple[type, ...] = (str,)
NUMBER: tuple[type, ...] = (int,)
FLAG: tuple[type, ...] = (bool,)
OBJECT: tuple[type, ...] = (dict,)
LIST: tuple[type, ...] = (list,)
NULL = type(None)
_JSON_NAMES = {
    str: "text",
    int: "whole number",
    float: "fraction",
    bool: "true/false",
    dict: "object",
    list: "list",
    NULL: "null",
}


def names(text: str) -> frozenset[str]:
    """Field names, written as words of one text."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Shape:
    """What an object must hold (`required`), may hold (`optional`), and holds but we do not read.

    Values are the types allowed; true/false never passes as a number.
    """

    required: Mapping[str, tuple[type, ...]]
    optional: Mapping[str, tuple[type, ...]]
    ignored: frozenset[str] = frozenset()

    @cached_property
    def known(self) -> frozenset[str]:
        """Every field name we have heard of."""
        return self.ignored | self.required.keys() | self.optional.keys()

    def check(self, where: str, page: Sequence[Any]) -> set[str]:
        """Names of unknown fields on the page; ContractBroken (`where`: source.resource) on a breach."""
        unknown: set[str] = set()
        known = self.known
        required, optional = tuple(self.required.items()), tuple(self.optional.items())
        for record in page:
            if type(record) is not dict:
                raise self._breach(where, page, "(the object itself)", OBJECT, record)
            for name, types in required:
                if name not in record or type(record[name]) not in types:
                    raise self._breach(where, page, name, types, record)
            for name, types in optional:
                value = record.get(name)
                if value is not None and type(value) not in types:
                    raise self._breach(where, page, name, types, record)
            if not record.keys() <= known:
                unknown |= record.keys() - known
        return unknown

    def _breach(
        self, where: str, page: Sequence[Any], name: str, types: tuple[type, ...], record: Any
    ) -> ContractBroken:
        if not isinstance(record, dict):
            came, broken = _name(record), sum(type(other) is not dict for other in page)
        else:
            needed = name in self.required
            came = _name(record[name]) if name in record else "nothing"
            broken = sum(
                type(other) is dict
                and (name not in other if name not in record else type(other.get(name)) not in types)
                and (needed or other.get(name) is not None)
                for other in page
            )
        expected = " or ".join(_JSON_NAMES[one] for one in types)
        return ContractBroken(
            f"{where}: the field {name} came as {came} instead of {expected} in {broken} of the "
            f"{len(page)} objects of a page",
            "ask the source's owner what changed, or adapt the shape in ingestion; the cursor has not moved "
            "and nothing of this load was kept",
        )


def page_items(where: str, body: Any, key: str = "items") -> list[Any]:
    """The list under `key` of an answer, or ContractBroken."""
    items = body.get(key) if isinstance(body, dict) else None
    if not isinstance(items, list):
        came = _name(items) if isinstance(body, dict) and key in body else "nothing"
        raise ContractBroken(
            f"{where}: the list {key} of the answer came as {came}",
            "ask the source's owner what changed; the cursor has not moved and nothing was kept",
        )
    return items


def _name(value: Any) -> str:
    return _JSON_NAMES.get(type(value), type(value).__name__)
