"""Files with a mapping: formats, dates, value maps, privacy, quarantine, versions, what is refused, check."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ingestion.cells import plain
from ingestion.clock import Window, parse_utc
from ingestion.errors import ConfigError, UnreadableFile
from ingestion.files.check import check_file
from ingestion.files.mapping import load_mapping
from ingestion.files.suspicion import suspicious
from ingestion.pipeline import LoadReport, ingest
from ingestion.privacy import Pseudonyms, mask
from tests.ingestion.support import KEY, Deployment

COLUMNS: dict[str, Any] = {
    "ticket_id": ["Номер", "№"],
    "registered_at": "Дата",
    "closed_at": "Закрыто",
    "channel": {"value": "bot_telegram"},
    "kind": {"column": "Вид", "values": {"Жалоба": "complaint", "Вопрос": "question"}},
    "outcome": {"column": "Итог", "values": {"Решено": "solved", "-": None}},
    "author": "Автор",
    "text": "Текст",
    "authority": "Исполнитель",
    "rating": "Оценка",
    "latitude": "Широта",
}
HEADER = "Номер;Дата;Закрыто;Вид;Итог;Автор;Текст;Исполнитель;Оценка;Широта"
ROW = (
    "7;05.03.2026 09:30;06.03.2026;жалоба;Решено;user-1;"
    "Яма, звоните +7 912 345-67-89;Иванов И. И., ЖЭУ;5;56,8"
)


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    (deployment.root / "in").mkdir()
    write_mapping(deployment)
    deployment.sources["files"] = {"folder": "../in", "mapping": "../mapping.yaml"}
    return deployment.root / "in"


def write_mapping(deployment: Deployment, **changes: Any) -> Path:
    path = deployment.root / "mapping.yaml"
    path.write_text(yaml.safe_dump({"columns": COLUMNS, **changes}, allow_unicode=True), "utf-8")
    return path


def load(deployment: Deployment, window: Window | None = None) -> LoadReport:
    return ingest("files", deployment.region, deployment.settings, window)


def csv(folder: Path, *rows: str, name: str = "a.csv", header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\n".join([header, *rows, ""]).encode(encoding))
    return path


def test_a_row_lands_mapped_masked_and_in_utc(folder: Path, deployment: Deployment) -> None:
    csv(folder, ROW)
    report = load(deployment)
    assert (report.resources["appeals"].received, report.landed) == (1, 1)
    row = deployment.query(
        "select ticket_id, file_name, channel, intake, kind, registered_at, closed_at, outcome, authority,"
        " rating, latitude, text, author_key, _dlt_load_id, region_id from raw.files_appeals"
    )[0]
    assert row == (
        "7",
        "a.csv",
        "bot_telegram",
        None,
        "complaint",
        datetime(2026, 3, 5, 4, 30),
        datetime(2026, 3, 5, 19),
        "solved",
        "‹имя›, ЖЭУ",
        5,
        56.8,
        "Яма, звоните ‹телефон›",
        Pseudonyms(SecretStr(KEY)).author_key("files", "user-1"),
        report.load_id,
        "test",
    )


def test_a_file_is_read_once_and_a_corrected_one_is_a_new_version(
    folder: Path, deployment: Deployment
) -> None:
    path = csv(folder, ROW)
    load(deployment)
    path.rename(folder / "renamed.csv")
    again = load(deployment)
    assert (again.landed, again.resources["appeals"].notes) == (
        0,
        ["1 files were read by an earlier load and are unchanged."],
    )
    csv(folder, ROW.replace("Решено", "-"))
    assert load(deployment).landed == 1
    versions = deployment.query("select outcome from raw.files_appeals order by _dlt_load_id")
    assert versions == [("solved",), (None,)]


def test_a_corrected_mapping_reads_its_files_anew(folder: Path, deployment: Deployment) -> None:
    csv(folder, ROW)
    load(deployment)
    write_mapping(deployment, time_zone="Europe/Moscow")
    assert load(deployment).landed == 1
    newest = "select registered_at from raw.files_appeals order by _dlt_load_id desc"
    assert deployment.one(newest) == datetime(2026, 3, 5, 6, 30)


def test_what_cannot_be_used_is_set_aside_with_its_reason(folder: Path, deployment: Deployment) -> None:
    csv(
        folder,
        ROW,
        ";05.03.2026;;;;;без номера;;;",
        "8;;;;;;без даты, a@b.ru;;;",
        "9;вчера;;;;;;;;",
        "10;05.03.3020;;;;;;;;",
        "11;05.03.2026",
        '12;05.03.2026;никогда;Хвала;;;"две\nстроки; и ещё";;9;сто',
    )
    report = load(deployment)
    tally = report.resources["appeals"]
    assert (tally.received, tally.landed, tally.quarantined) == (7, 2, 5)
    reasons = deployment.query("select reason, count(*) from raw.quarantine group by 1 order by 1")
    assert reasons == [
        ("broken line", 1),
        ("impossible registration date", 1),
        ("no key", 1),
        ("no registration date", 1),
        ("unreadable registration date", 1),
    ]
    assert deployment.query("select source_ref from raw.quarantine where reason = 'broken line'") == [
        ("a.csv:line 7",)
    ]
    (payload,) = deployment.query("select payload from raw.quarantine where source_ref = 'a.csv:8'")[0]
    assert json.loads(payload)["text"] == "без даты, ‹почта›"
    assert deployment.query(
        "select text, kind, closed_at, rating, latitude from raw.files_appeals where ticket_id = '12'"
    ) == [("две\nстроки; и ещё", None, None, None, None)]
    assert sorted(tally.notes) == [
        f"a.csv: {field} had no usable value in 1 rows and was left empty."
        for field in ("closed_at", "kind", "latitude", "rating")
    ]


def test_all_formats_say_the_same(folder: Path, deployment: Deployment) -> None:
    csv(folder, ROW, name="1.csv")
    headers, cells = HEADER.split(";"), ROW.split(";")
    record = dict(zip(headers, cells, strict=True))
    (folder / "2.jsonl").write_text(json.dumps(record) + "\n\n[1]\n{broken\n", "utf-8")
    columns: dict[str, Any] = {name: pa.array([cell]) for name, cell in record.items()}
    columns["Дата"] = pa.array([datetime(2026, 3, 5, 9, 30)])
    columns["Закрыто"] = pa.array([datetime(2026, 3, 5, 19, tzinfo=UTC)])
    columns["Оценка"] = pa.array([5])
    pq.write_table(pa.table(columns), folder / "3.parquet")
    with xlsxwriter.Workbook(str(folder / "4.xlsx"), {"default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        sheet = book.add_worksheet("Лист")
        sheet.merge_range(0, 0, 0, 5, "Выгрузка")
        typed: list[Any] = [7, datetime(2026, 3, 5, 9, 30), 46_087, *cells[3:8], 5, 56.8]
        for place, (name, cell) in enumerate(zip(headers, typed, strict=True)):
            sheet.write(2, place, name)
            sheet.write(3, place, cell)
        sheet.write(3, 1, typed[1], book.add_format({"num_format": "dd.mm.yyyy hh:mm"}))
    tally = load(deployment).resources["appeals"]
    assert (tally.received, tally.landed, tally.quarantined) == (6, 4, 2)
    told = deployment.query(
        "select file_name, hash(columns(* exclude (file_name, fetched_at))) from raw.files_appeals order by 1"
    )
    assert [row[0] for row in told] == ["1.csv", "2.jsonl", "3.parquet", "4.xlsx"]
    assert len({row[1:] for row in told}) == 1


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8-sig", ";"), ("cp1251", ";"), ("utf-16", "\t"), ("utf-8", ",")]
)
def test_encodings_and_delimiters_are_recognised(
    encoding: str, delimiter: str, folder: Path, deployment: Deployment
) -> None:
    quoted = delimiter.join(f'"{cell}"' for cell in ROW.split(";"))
    csv(folder, quoted, header=HEADER.replace(";", delimiter), encoding=encoding)
    assert load(deployment).landed == 1
    assert deployment.one("select text from raw.files_appeals") == "Яма, звоните ‹телефон›"


def test_answers_stand_in_the_row_or_in_a_file_of_their_own(folder: Path, deployment: Deployment) -> None:
    answers = [
        {"kind": "interim", "at": "Первый ответ", "text": "Ответ 1"},
        {"kind": "final", "at": "Закрыто", "text": {"join": ["Ответ 1", "Итог"], "separator": " / "}},
    ]
    write_mapping(deployment, answers=answers, files="*.csv")
    csv(
        folder, f"{ROW};05.03.2026 10:00;Примем, тел. 8 912 345-67-89", "8;?;;;;;;;;;;",
        header=f"{HEADER};Первый ответ;Ответ 1",
    )  # fmt: skip
    own = {
        "rows": "answers",
        "files": "*.tsv",
        "columns": {
            "ticket_id": "Обращение",
            "answered_at": "Когда",
            "kind": {"column": "Какой", "values": {"Итоговый": "final"}},
            "text": "Что",
        },
    }
    (deployment.root / "answers.yaml").write_text(yaml.safe_dump(own, allow_unicode=True), "utf-8")
    deployment.sources["files"] = [
        {"folder": "../in", "mapping": "../mapping.yaml"},
        {"folder": "../in", "mapping": "../answers.yaml"},
    ]
    (folder / "b.tsv").write_text(
        "Обращение\tКогда\tКакой\tЧто\n7\t2026-03-07T08:00:00Z\tИтоговый\tСделано\n", "utf-8"
    )
    report = load(deployment)
    assert report.resources["answers"].landed == 3
    rows = deployment.query(
        "select ticket_id, answer_id, kind, answered_at, text from raw.files_answers order by answered_at"
    )
    assert rows[0] == ("7", "interim", "interim", datetime(2026, 3, 5, 5), "Примем, тел. ‹телефон›")
    assert rows[1] == ("7", "final", "final", datetime(2026, 3, 5, 19), "Примем, тел. ‹телефон› / Решено")
    assert (rows[2][0], rows[2][2:]) == ("7", ("final", datetime(2026, 3, 7, 8), "Сделано"))
    assert rows[2][1].startswith("h")


def test_rows_without_a_key_of_their_own_get_a_stable_one(folder: Path, deployment: Deployment) -> None:
    columns = {name: rule for name, rule in COLUMNS.items() if name != "ticket_id"}
    write_mapping(deployment, columns=columns, key=["Дата", "Текст"])
    csv(folder, ROW, name="1.csv")
    csv(folder, ROW.replace("жалоба", "вопрос"), ROW.replace("Яма", "Лужа"), name="2.csv")
    load(deployment)
    assert deployment.query("select count(*), count(distinct ticket_id) from raw.files_appeals") == [(3, 2)]


def test_a_window_reads_again_what_was_registered_in_it(folder: Path, deployment: Deployment) -> None:
    csv(folder, ROW, ROW.replace("05.03.2026 09", "07.03.2026 09").replace("7;", "8;", 1), "9;?;;;;;;;;")
    load(deployment)
    window = Window(parse_utc("2026-03-07"), parse_utc("2026-03-08"))
    report = load(deployment, window)
    assert (report.resources["appeals"].received, report.landed) == (1, 1)
    assert load(deployment).landed == 0


@pytest.mark.parametrize("zone", ["Asia/Yekaterinburg", "America/New_York", "Europe/Volgograd"])
def test_local_times_become_utc_as_python_does_it(zone: str, folder: Path, deployment: Deployment) -> None:
    write_mapping(deployment, time_zone=zone)
    hours = [
        datetime(year, month, 28, hour, 30)
        for year in range(2006, 2026)
        for month in (3, 10)
        for hour in (0, 2)
    ]
    hours += [datetime(2025, 3, 9, 2, 30), datetime(2025, 11, 2, 1, 30), datetime(2014, 10, 26, 1, 30)]
    csv(folder, *(f"{n};{hour:%d.%m.%Y %H:%M};;;;;;;;" for n, hour in enumerate(hours)))
    load(deployment)
    landed = dict(deployment.query("select ticket_id::int, registered_at from raw.files_appeals"))
    wanted = {
        n: hour.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
        for n, hour in enumerate(hours)
    }
    assert landed == wanted


@pytest.mark.parametrize(
    ("content", "changes", "sentence"),
    [
        (b"", {}, "is empty"),
        (HEADER.encode() + b"\n" + b"1;" * 600, {"max_bytes": 1000}, "more than the limit of 0 MB"),
        ("Номер;Что-то\n1;2".encode(), {}, "has no column «Дата»"),
        (f"{HEADER};Дата\n".encode(), {}, "has the column «Дата» more than once"),
        (f"{HEADER}\n{ROW}".encode("cp1251"), {"encoding": "utf-8"}, "is not in utf-8"),
        (f"{HEADER}\n".encode() + b"1;x;;;;;;;;\n" * 9, {"max_refused": 5}, "9 rows of .* cannot be used"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    content: bytes, changes: dict[str, Any], sentence: str, folder: Path, deployment: Deployment
) -> None:
    write_mapping(deployment, **changes)
    (folder / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableFile, match=sentence) as caught:
        load(deployment)
    assert "\n" not in str(caught.value)
    assert deployment.one("select count(*) from raw.loads") == 0


def test_drafts_and_broken_workbooks(folder: Path, deployment: Deployment) -> None:
    (folder / "a.csv.part").write_text("half")
    (folder / "~$b.xlsx").write_text("open")
    assert load(deployment).resources["appeals"].requests == 0
    (folder / "c.xlsx").write_text("no zip")
    with pytest.raises(UnreadableFile, match="no zip archive"):
        load(deployment)
    (folder / "c.xlsx").unlink()
    (folder / "c.parquet").write_text("no parquet")
    with pytest.raises(UnreadableFile, match="no Parquet"):
        load(deployment)


def test_a_line_cut_off_in_the_middle_of_a_quote_is_set_aside(folder: Path, deployment: Deployment) -> None:
    (folder / "a.csv").write_text(f'{HEADER}\n{ROW}\n8;05.03.2026;;;;;"сере', "utf-8")
    tally = load(deployment).resources["appeals"]
    assert (tally.landed, tally.quarantined) == (1, 1)


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"columns": {"ticket_id": "a"}}, "columns.registered_at is missing"),
        ({"columns": {"registered_at": "a"}}, "exactly one of columns.ticket_id and key"),
        ({"columns": {**COLUMNS, "phone": "x"}}, "columns.phone is no field of appeals"),
        ({"columns": {**COLUMNS, "kind": {"value": "anger"}}}, "columns.kind cannot be 'anger'"),
        ({"columns": {**COLUMNS, "text": {}}}, "exactly one of column, join and value"),
        ({"columns": COLUMNS, "dates": ["дд.мм"]}, "must be strptime's"),
        ({"columns": COLUMNS, "time_zone": "Moscow"}, "must be an IANA zone"),
        ({"columns": COLUMNS, "encodings": "x"}, "encodings: is not a known key"),
        ({"rows": "answers", "columns": {"answered_at": "a"}}, "columns.ticket_id is missing"),
    ],
)
def test_a_mapping_says_what_is_wrong_with_it(mapping: Any, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping, allow_unicode=True), "utf-8")
    with pytest.raises(ConfigError, match=sentence):
        load_mapping(path)


def test_check_tells_what_would_happen(folder: Path, deployment: Deployment) -> None:
    path = csv(folder, f"{ROW};x", "8;?;;Хвала 8 912 345-67-89;;;;;;;", header=f"{HEADER};Лишний")
    checked = check_file(path, deployment.root / "mapping.yaml", "Asia/Yekaterinburg")
    assert (checked.rows, checked.would_land, checked.format) == (2, 1, "csv")
    assert checked.refused == {"unreadable registration date": 1}
    assert checked.mapped["ticket_id"] == "Номер"
    assert checked.unmapped == ["Лишний"]
    assert checked.without_meaning == {"kind": ["Хвала ‹телефон›"]}
    assert checked.examples[0]["where"] == "a.csv:8"
    json.dumps(checked.as_dict())


def test_nobody_s_data_reaches_the_disk(folder: Path, deployment: Deployment) -> None:
    csv(folder, ROW, ROW.replace("05.03.2026 09:30", "never"))
    load(deployment)
    files = b"".join(path.read_bytes() for path in (deployment.root / "data").rglob("*") if path.is_file())
    for trace in ("345-67-89", "user-1", "Иванов"):
        assert trace.encode() not in files


_PIECES = st.sampled_from(
    ["8 912 345-67-89", "тел 2-34-56", "Звоните 234567", "id12", "@ivan", "[id1|И]", "vk.com/x", "T.ME/x",
     "*id5", "4276 5500 1234 5678", "112-233-445 95", "12 34 567890", "дом 5", "&#56;", "<b>", "٨٩١٢٣٤٥٦٧٨٩",
     "１２３４５６７８９０１", "+7(912)3456789", "9123456789", "текст", " ", "\u200b", "\n", "🙂"]
)  # fmt: skip


@given(st.one_of(st.lists(_PIECES, max_size=6).map("".join), st.text(max_size=60)))
@example("СОТ 1-23-45")
@example("моб. 234 56")
@example("t.me/a")
@example("a(at)b.ru")
@example("ivan собака yandex.рф")
@example("İd12 и ıd34")
@example("8\x00912 345-67-89")
@example("2-34-56, телефон")
@settings(max_examples=400, deadline=None)
def test_what_sql_passes_as_harmless_is_what_masking_leaves_alone(text: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    for near in ("", "привет, " * 20):
        asked = duckdb.sql(
            f"select {suspicious('t')} from (select $text::varchar as t)", params={"text": near + text}
        )
        assert asked.fetchall() == [(True,)] or mask(plain(near + text) or "") == near + text


@pytest.mark.parametrize(
    "text",
    [
        "дом 12, квартира 345",
        "Обращение 45210, подъезд 3",
        "В 2021 году. Потом в 2022 году",
        "звонили 5 раз",
        "🙂 № 7 — да",
    ],
)
def test_usual_texts_are_not_worth_masking(text: str) -> None:
    asked = duckdb.sql(f"select {suspicious('t')} from (select $text::varchar as t)", params={"text": text})
    assert asked.fetchall() == [(False,)]


@pytest.mark.parametrize("text", ["Яма 🙂 👩‍👩‍👧‍👦", "Я" * 100_000, "Яма\x00 у дома", "9223372036854775807"])
def test_odd_cells_land(folder: Path, deployment: Deployment, text: str) -> None:
    csv(folder, f"9223372036854775807;05.03.2026 09:30;;жалоба;;;{text};;;")
    tally = load(deployment).resources["appeals"]
    assert (tally.landed, tally.quarantined) == (1, 0)
    assert deployment.query("select ticket_id, text from raw.files_appeals") == [
        ("9223372036854775807", mask(text))
    ]


def test_dates_of_every_kind(folder: Path, deployment: Deployment) -> None:
    columns = {
        "ticket_id": "Номер",
        "registered_at": {"column": "Дата", "formats": ["%Y/%m/%d", "unix", "iso", "excel"]},
    }
    write_mapping(deployment, columns=columns)
    rows = ["1;2026/03/05", "2;1772668800", "3;2026-03-05T05:00:00+05:00", "4;46086", "5;2026-03-05 05:00:00"]
    csv(folder, *rows, header="Номер;Дата")
    load(deployment)
    landed = dict(deployment.query("select ticket_id::int, registered_at from raw.files_appeals"))
    assert landed == {
        1: datetime(2026, 3, 4, 19),
        2: datetime(2026, 3, 5),
        3: datetime(2026, 3, 5),
        4: datetime(2026, 3, 4, 19),
        5: datetime(2026, 3, 5),
    }
    assert date(1899, 12, 30).toordinal() + 46_086 == date(2026, 3, 5).toordinal()
