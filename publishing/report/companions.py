"""The release's own front page and what stands beside the report: every check, every column, every measure.

    index.html      what the release holds and where to look
    quality.html    every expectation and dbt test of the release: what, why, result
    tables.html     every published table and column with its label and meaning
    measures.html   docs/measures.md, where the checkout has it

Plain HTML without scripts, made of the release's manifest and dbt's alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from publishing.catalogue import PublishedTable
from publishing.watermarks import sources_read

QUALITY, TABLES, MEASURES = "quality.html", "tables.html", "measures.html"
_SUITES = {
    "gate": "Проверки фактов перед витринами (Great Expectations)",
    "audit": "Проверки выпуска перед публикацией (Great Expectations)",
    "dbt_facts": "Тесты dbt: источники и факты",
    "dbt_marts": "Тесты dbt: витрины",
}


def write_companions(
    folder: Path,
    manifest: Mapping[str, Any],
    tables: Sequence[PublishedTable],
    dbt_manifest: Path,
    measures: Path | None,
) -> list[Path]:
    """Write the release's front page and its companions into `folder`; returns them.

    measures: the Markdown page of definitions; left out where there is none.
    """
    meanings = check_meanings(dbt_manifest)
    pages = {
        QUALITY: _page("Качество выпуска", manifest, quality_tables(manifest, meanings)),
        TABLES: _page("Таблицы и столбцы", manifest, _tables(tables)),
    }
    if measures is not None and measures.is_file():
        pages[MEASURES] = _page("Показатели", manifest, markdown(measures.read_text("utf-8")))
    pages["index.html"] = _page("Выпуск", manifest, _front(manifest, MEASURES in pages))
    written = []
    for name, content in pages.items():
        path = folder / name
        path.write_text(content, "utf-8")
        written.append(path)
    return written


def check_meanings(dbt_manifest: Path) -> dict[str, tuple[str, str]]:
    """What each dbt test asks and why, by its unique_id."""
    nodes: Mapping[str, Any] = json.loads(dbt_manifest.read_text("utf-8"))["nodes"]
    return {key: meaning_of(node, nodes) for key, node in nodes.items() if node["resource_type"] == "test"}


def quality_tables(
    manifest: Mapping[str, Any],
    meanings: Mapping[str, tuple[str, str]],
    trends: Mapping[str, str] | None = None,
) -> str:
    """Every check of the release as tables; `trends` are cells of a further column by the check's name."""
    parts = []
    for suite, title in _SUITES.items():
        checks = manifest["checks"].get(suite, ())
        if not checks:
            continue
        rows = [_check_row(check, meanings) for check in checks]
        if trends is not None:
            rows = [
                [*row, Raw(trends.get(check["name"], ""))] for row, check in zip(rows, checks, strict=True)
            ]
        held = sum(_held(check) for check in checks)
        parts.append(f"<h2>{text(title)}</h2><p>Выполнено {held} из {len(checks)}.</p>")
        heads = ["Что", "Зачем", "Результат", "Нарушений", *(["По выпускам"] if trends is not None else [])]
        parts.append(table(heads, rows, numeric=(3,), ids=[check["name"] for check in checks]))
    return "".join(parts)


class Raw(str):
    """Markup of our own, not to be escaped."""

    __slots__ = ()


def text(value: object) -> str:
    """A value as text of a page."""
    return value if isinstance(value, Raw) else html.escape(str(value))


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Sequence[int] = (),
    ids: Sequence[str] = (),
) -> str:
    """A table; `ids` name its rows, so that links lead to them."""

    def cell(tag: str, at: int, value: object) -> str:
        marked = ' class="numeric"' if at in numeric else ""
        return f"<{tag}{marked}>{text(value)}</{tag}>"

    names = iter(ids)
    body = []
    for row in rows:
        name = next(names, "")
        marked = f' id="{text(name)}"' if name else ""
        body.append(f"<tr{marked}>{''.join(cell('td', at, value) for at, value in enumerate(row))}</tr>")
    head = "".join(cell("th", at, value) for at, value in enumerate(heads))
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def page(title: str, over: str, body: str, foot: str = "") -> str:
    """A whole page, with a policy that lets it load nothing."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'"
    return (
        '<!doctype html>\n<html lang="ru">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n'
        f'<body><div id="page"><header><div><p class="over">{text(over)}</p><h1>{text(title)}</h1>'
        "</div></header>\n"
        f"<main><section>{body}</section></main>\n<footer>{foot}</footer></div></body>\n</html>\n"
    )


def markdown(source: str) -> str:
    """Markdown of ours as HTML. HTML in it stays text; links lead into the repository and lose their ends."""
    from markdown_it import MarkdownIt

    made = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(source))
    return re.sub(r'<a href="[^"]*">(.*?)</a>', r"\1", made)


@cache
def _style() -> str:
    return files("publishing.report").joinpath("assets", "page.css").read_text("utf-8")


def _page(title: str, manifest: Mapping[str, Any], body: str) -> str:
    foot = f'<p class="release">Выпуск {text(manifest["id"])}, на момент {text(manifest["as_of"])}, '
    foot += f"код {text(manifest['git_commit'][:10])}.</p>"
    back = "" if title == "Выпуск" else '<p><a href="index.html">Каталог выпуска</a></p>'
    return page(title, f"Отклик · {manifest['id']}", back + body, foot)


def _front(manifest: Mapping[str, Any], has_measures: bool) -> str:
    links = [
        ("report/index.html", "Отчёт", "Первая страница руководителя: цифры, карта, темы, сроки."),
        ("report/report.xlsx", "Таблицы Excel", "Те же таблицы с фильтрами и листом определений."),
        (QUALITY, "Качество", "Каждая проверка этого выпуска: что, зачем, результат."),
        (TABLES, "Таблицы и столбцы", "Что лежит в выпуске и что значит каждый столбец."),
    ]
    if has_measures:
        links.insert(2, (MEASURES, "Показатели", "Одно определение на каждый показатель."))
    links.append(("manifest.json", "manifest.json", "Из каких загрузок, правил и кода выпуск сделан."))
    items = "".join(
        f'<li><a href="{href}"><b>{text(name)}</b></a>. {text(why)}</li>' for href, name, why in links
    )
    rows = [[path, content["rows"], len(content["files"])] for path, content in manifest["tables"].items()]
    marks = [[mark["region_id"], mark["source"], mark["fetched_at"]] for mark in sources_read(manifest)]
    return (
        f"<ul>{items}</ul><h2>Источники</h2>{table(['Регион', 'Источник', 'Прочитан, UTC'], marks)}"
        f"<h2>Таблицы</h2>{table(['Таблица', 'Строк', 'Файлов'], rows, numeric=(1, 2))}"
    )


def _tables(tables: Sequence[PublishedTable]) -> str:
    parts = []
    for each in tables:
        rows = [[column.name, column.label_ru, column.description] for column in each.columns]
        name = f"{each.schema}.{each.name}"
        parts.append(f'<h2 id="{text(name)}">{text(name)}</h2><p>{text(each.description)}</p>')
        parts.append(table(["Столбец", "Название", "Что это"], rows))
    return "".join(parts)


def _held(check: Mapping[str, Any]) -> bool:
    return bool(check["passed"]) if "passed" in check else check["status"] == "pass"


def _check_row(check: Mapping[str, Any], meanings: Mapping[str, tuple[str, str]]) -> list[object]:
    result = "✓ выполнено" if _held(check) else "✗ не выполнено"
    if "why" in check:
        what = f"{check['name']} ({check['table']})"
        return [what, check["why"], result, f"{check['failed']} из {check['checked']}"]
    what, why = meanings.get(check["name"], (check["name"], ""))
    return [what, why, result, check["failed"]]


def meaning_of(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> tuple[str, str]:
    """What a dbt test asks and why, from its node in the manifest's `nodes`."""
    subject = nodes.get(node.get("attached_node") or "", {})
    place = f"{subject['schema']}.{subject['name']}" if subject else ""
    arguments = (node.get("test_metadata") or {}).get("kwargs", {})
    kind = (node.get("test_metadata") or {}).get("name")
    column = node.get("column_name") or ""
    if kind == "unique_combination":
        return (
            f"{place}: {', '.join(arguments['columns'])}",
            "One row per key: the table's grain is what it says.",
        )
    if kind == "unique":
        return f"{place}.{column}", "One row per key: the table's grain is what it says."
    if kind == "not_null":
        return f"{place}.{column}", "Nothing is without it."
    if kind == "accepted_values":
        return f"{place}.{column}", f"Only these values: {', '.join(map(str, arguments['values']))}."
    if kind == "relationships":
        return f"{place}.{column}", f"Every value stands in {arguments['to']}."
    return node["name"], " ".join(node["description"].split())
