"""`otklik catalogue`: one page that leads to all a deployment says about its releases.

    published/catalogue/index.html     links to everything below and to each release that is kept
    published/catalogue/quality.html   the current release's checks, each with its results over the releases
    published/catalogue/dbt/           dbt's own documentation, one static page
    published/catalogue/lineage/       which column comes from which (dbt-colibri), one static page

Made on demand: dbt compiles the whole project for it (20 s), which no live run should wait for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingestion.config import Settings
from ingestion.lock import warehouse_lock
from orchestration.dbt_manifest import DBT_PROJECT_DIR, dbt_executable, ensure_manifest
from orchestration.operations import NoRelease
from publishing.errors import PublishError
from publishing.release import Shelf
from publishing.report.companions import QUALITY, Raw, check_meanings, page, quality_tables, table, text

FOLDER = "catalogue"
TREND_RELEASES = 30
LOCK_WAIT_SECONDS = 300
# Both pages come with everything they need; what they would fetch or tell somebody, they must not.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; worker-src blob:"
)


def build_catalogue(settings: Settings) -> Path:
    """Make the catalogue anew beside the one that stands and swap it in; returns its first page.

    Raises NoRelease before the first release, PublishError where dbt cannot document the project.
    """
    shelf = Shelf(settings.data / "published")
    if shelf.current_manifest() is None:
        raise NoRelease("There is no release yet", "make one with `otklik demo` or `otklik run`")
    fresh = shelf.root / f".{FOLDER}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _document(settings, fresh)
    manifests = [shelf.manifest(release_id) for release_id in shelf.release_ids()[-TREND_RELEASES:]]
    current = shelf.current_manifest() or manifests[-1]
    meanings = check_meanings(ensure_manifest())
    body = '<p><a href="index.html">Каталог</a></p>' + quality_tables(current, meanings, trends(manifests))
    (fresh / QUALITY).write_text(page("Качество по выпускам", "Отклик", body), "utf-8")
    (fresh / "index.html").write_text(page("Каталог", "Отклик", _front(current, manifests)), "utf-8")
    target = shelf.root / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    os.replace(fresh, target)
    return target / "index.html"


def trends(manifests: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Markup by a check's name: a mark for each release that asked it, oldest first, with its failures."""
    marks: dict[str, list[str]] = {}
    for manifest in manifests:
        for checks in manifest["checks"].values():
            for check in checks:
                held = check["passed"] if "passed" in check else check["status"] == "pass"
                hint = f"{manifest['id']}: {check['failed']}"
                mark = "✓" if held else "✗"
                marks.setdefault(check["name"], []).append(f'<span title="{text(hint)}">{mark}</span>')
    return {name: Raw("".join(found)) for name, found in marks.items()}


def _front(current: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]]) -> str:
    release = f"../releases/{current['id']}"
    links = (
        (f"{release}/report/index.html", "Отчёт", "Первая страница руководителя."),
        (f"{release}/report/report.xlsx", "Таблицы Excel", "Те же таблицы с фильтрами и определениями."),
        (f"{release}/measures.html", "Показатели", "Одно определение на каждый показатель."),
        (f"{release}/tables.html", "Таблицы и столбцы", "Что лежит в выпуске и что значит каждый столбец."),
        (QUALITY, "Качество", "Каждая проверка: что, зачем, результат и как она шла по выпускам."),
        ("dbt/index.html", "Документация dbt", "Модели, их SQL и тесты."),
        ("lineage/index.html", "Происхождение столбцов", "Из каких столбцов посчитан каждый столбец."),
    )
    items = "".join(
        f'<li><a href="{href}"><b>{text(name)}</b></a>. {text(why)}</li>' for href, name, why in links
    )
    rows = []
    for manifest in reversed(manifests):
        link = f'<a href="../releases/{text(manifest["id"])}/index.html">{text(manifest["id"])}</a>'
        # Releases made before the platform wrote pages have none.
        checks = sum(len(suite) for suite in manifest["checks"].values())
        name = Raw(link) if manifest.get("pages") else manifest["id"]
        rows.append([name, manifest["as_of"], checks, manifest["git_commit"][:10]])
    heads = ["Выпуск", "На момент", "Проверок", "Код"]
    return f"<ul>{items}</ul><h2>Выпуски</h2>{table(heads, rows, numeric=(2,))}"


def _document(settings: Settings, target: Path) -> None:
    """dbt's static page and the lineage of columns, made from the warehouse as it stands."""
    with tempfile.TemporaryDirectory(prefix="otklik-catalogue-") as scratch:
        made = Path(scratch) / "target"
        environment = {
            **os.environ,
            "OTKLIK_WAREHOUSE": str(settings.warehouse.resolve()),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }
        docs = [str(dbt_executable()), "--quiet", "docs", "generate", "--static"]
        docs += ["--profiles-dir", ".", "--target-path", str(made), "--log-path", scratch]
        with warehouse_lock(settings, "the catalogue", LOCK_WAIT_SECONDS):
            _run(docs, environment)
        (target / "dbt").mkdir()
        _guarded(made / "static_index.html", target / "dbt" / "index.html")
        lineage = [
            str(Path(sys.executable).with_name("colibri")),
            "generate",
            "--light",
            "--disable-telemetry",
        ]
        lineage += ["--manifest", str(made / "manifest.json"), "--catalog", str(made / "catalog.json")]
        _run([*lineage, "--output-dir", str(made / "lineage")], environment)
        (target / "lineage").mkdir()
        _guarded(made / "lineage" / "index.html", target / "lineage" / "index.html")


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, cwd=DBT_PROJECT_DIR, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no reason was given"]
        raise PublishError(
            f"{Path(command[0]).name} could not document the project: {last[0]}",
            "run `make check`, which parses it",
        )


def _guarded(source: Path, target: Path) -> None:
    """A foreign page under a policy that lets it ask nobody."""
    content = source.read_text("utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    before, head, after = content.partition("<head>")
    if not head:
        raise PublishError(f"{source.name} has no head to put its policy into", "look at its version")
    target.write_text(before + head + policy + after, "utf-8")
