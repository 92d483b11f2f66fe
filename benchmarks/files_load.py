"""CSV → raw through a mapping, against DuckDB reading the same CSV into a table of a file of its own.

    python -m benchmarks.files_load --rows 1000000

Prints seconds of the wall and of the processor for both, and the ratios; a third of the rows carries a
number of more than four digits in its text, so that masking has to look, one in fifty a phone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks import KEY
from benchmarks.workplace import workplace

ROWS = """
COPY (
    SELECT
        'T-' || i AS "Номер",
        ['Сайт', 'Почта', 'Бот'][1 + i % 3] AS "Канал",
        ['Жалоба', 'Вопрос', 'Предложение'][1 + i % 3] AS "Вид",
        strftime(TIMESTAMP '2022-01-01' + to_minutes(i % 1500000), '%d.%m.%Y %H:%M') AS "Дата",
        strftime(TIMESTAMP '2022-01-01' + to_minutes(i % 1500000 + 90), '%d.%m.%Y %H:%M') AS "Дата закрытия",
        ['Решено', 'Не решено', 'Разъяснено'][1 + i % 3] AS "Итог",
        ['ЖКХ', 'Дороги', 'Благоустройство'][1 + i % 3] AS "Группа",
        'Тема ' || (i % 190) AS "Тема",
        'Район ' || (i % 40) AS "Муниципалитет",
        'Ленина' AS "Улица",
        CAST(i % 120 AS VARCHAR) AS "Дом",
        'user-' || (hash(i) % 6000000) AS "Автор",
        'Здравствуйте! Во дворе дома ' || (i % 120) || ' по улице Ленина третий день нет воды, управляющая'
        || ' компания не отвечает, просим помочь. '
        || CASE
            WHEN i % 50 = 0 THEN 'Звоните +7 900 ' || (100 + i % 900) || '-12-34'
            WHEN i % 3 = 0 THEN 'Обращение ' || (10000 + i % 80000)
            ELSE 'Заранее спасибо'
        END AS "Текст"
    FROM range({rows}) AS numbers(i)
) TO '{path}' (HEADER, DELIMITER ';')
"""
MAPPING = {
    "dates": ["%d.%m.%Y %H:%M"],
    "columns": {
        "ticket_id": "Номер",
        "channel": {"column": "Канал", "values": {"Сайт": "other", "Почта": "other", "Бот": "bot_telegram"}},
        "kind": {
            "column": "Вид",
            "values": {"Жалоба": "complaint", "Вопрос": "question", "Предложение": "proposal"},
        },
        "registered_at": "Дата",
        "closed_at": "Дата закрытия",
        "outcome": {
            "column": "Итог",
            "values": {"Решено": "solved", "Не решено": "not_solved", "Разъяснено": "explained"},
        },
        "topic_group": "Группа",
        "topic": "Тема",
        "municipality": "Муниципалитет",
        "street": "Улица",
        "house": "Дом",
        "author": "Автор",
        "text": "Текст",
    },
}
MUST_REACH = 1.6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="how often both are timed; the median counts")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with workplace(chosen.folder) as folder:
        found = measure(folder, chosen.rows, chosen.rounds)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{found['rows']:,} rows, {found['megabytes']} MB of CSV, {os.cpu_count()} processors")
    for name in ("duckdb", "otklik"):
        print(f"{name:<8} {found[name]['wall']:8.2f} s wall {found[name]['processor']:8.2f} s processor")
    print(f"ratio    {found['ratio']:8.2f} wall   {found['processor_ratio']:8.2f} processor (≤ {MUST_REACH})")
    print(f"rounds   {', '.join(f'{ratio:.2f}' for ratio in found['ratios'])}")


def measure(folder: Path, rows: int, rounds: int = 3) -> dict[str, Any]:
    """Both ways in turn, so that a machine that slows down slows both; of the rounds, the one of the median
    ratio. Making the file has put it into the page cache."""
    csv = folder / "in" / "appeals.csv"
    csv.parent.mkdir()
    duckdb.connect().execute(ROWS.format(rows=rows, path=csv))
    timed = [
        {"duckdb": _timed(lambda: _plain(folder, csv)), "otklik": _timed(lambda: _ours(folder, rows))}
        for _ in range(rounds)
    ]
    chosen = sorted(timed, key=lambda one: _ratio(one, "wall"))[rounds // 2]
    return {
        "rows": rows,
        "megabytes": csv.stat().st_size // 2**20,
        **chosen,
        "ratio": _ratio(chosen, "wall"),
        "processor_ratio": _ratio(chosen, "processor"),
        "ratios": [_ratio(one, "wall") for one in timed],
    }


def _ratio(one: dict[str, dict[str, float]], what: str) -> float:
    return round(one["otklik"][what] / one["duckdb"][what], 2)


def _timed(action: Callable[[], None]) -> dict[str, float]:
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    action()
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(time.perf_counter() - begun, 2), "processor": round(processor, 2)}


def _plain(folder: Path, csv: Path) -> None:
    target = folder / "plain.duckdb"
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"CREATE TABLE appeals AS FROM read_csv('{csv}')")
    target.unlink()


def _ours(folder: Path, rows: int) -> None:
    data, landed = ours(folder, MAPPING)
    if landed != rows:
        raise SystemExit(f"{landed} of {rows} rows landed")
    shutil.rmtree(data)


def ours(folder: Path, mapping: dict[str, Any]) -> tuple[Path, int]:
    """Load the files of `folder`/in; the deployment's data folder, and how many rows landed."""
    from ingestion.config import load_regions, load_settings
    from ingestion.pipeline import ingest

    regions = folder / "regions"
    regions.mkdir(exist_ok=True)
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping, allow_unicode=True), "utf-8")
    region = {
        "region_id": "bench",
        "name": "Bench",
        "time_zone": "Asia/Yekaterinburg",
        "sources": {"files": {"folder": "../in", "mapping": "../mapping.yaml"}},
    }
    (regions / "bench.yaml").write_text(yaml.safe_dump(region), "utf-8")
    settings = load_settings(
        {"OTKLIK_DATA": str(folder / "data"), "OTKLIK_REGIONS": str(regions), "OTKLIK_HMAC_KEY": KEY}
    )
    return settings.data, ingest("files", load_regions(settings)["bench"], settings).landed


if __name__ == "__main__":
    main()
