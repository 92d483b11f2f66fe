"""Files of labelled texts: CSV with `;`, `,` or tab, in UTF-8 or cp1251."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from labels.errors import UnreadableTable
from labels.model import Example

# The names our documentation uses, and those such exports carry.
_NAMES = {
    "text": ("text", "текст", "текст инцидента", "текст обращения", "текст сообщения", "сообщение"),
    "topic_group": ("topic_group", "группа тем", "группа", "категория"),
    "topic": ("topic", "тема", "подкатегория"),
}


def read_examples(path: Path) -> list[Example]:
    """The rows that have a text and at least one label, in the order of the file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableTable(f"{path} cannot be read", "check the path") from error
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("cp1251", "replace")
    head = content.split("\n", 1)[0]
    delimiter = max(";,\t", key=head.count)
    csv.field_size_limit(10_000_000)
    rows = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter)
    known = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    columns = {
        column: next((known[name] for name in names if name in known), None)
        for column, names in _NAMES.items()
    }
    if columns["text"] is None or not (columns["topic"] or columns["topic_group"]):
        raise UnreadableTable(
            f"{path} has no column text, or neither topic nor topic_group",
            "name the columns so in its first row",
        )

    def value(row: dict[str, str | None], column: str) -> str:
        name = columns[column]
        return (row.get(name) or "").strip() if name else ""

    try:
        found = [Example(*(value(row, column) for column in _NAMES)) for row in rows]
    except csv.Error as error:
        raise UnreadableTable(f"{path} is no CSV ({error})", "save it as CSV in UTF-8") from error
    return [one for one in found if one.text and (one.topic or one.topic_group)]
