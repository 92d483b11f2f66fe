"""Which answers are looked at, when again, and what they are compared with; raw rows written by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.erasing import Request, erase, find
from ingestion.pipeline import LoadReport
from ingestion.rekey import rekey
from orchestration.look_at_answers import look_at_answers_of_region, tables_of_answers
from tests.labels.test_answers import GOOD
from tests.orchestration.test_label_messages import KEY, MARCH, NEXT, chat, comment, land, region_of
from tests.orchestration.test_label_messages import data as data

PASSED_ON = "Ваше обращение передано в управляющую компанию, о сроках ремонта крыши сообщим дополнительно."
FEATURES = "long_enough, names_a_date, names_a_deed, not_sent_elsewhere, not_interim"


def looked_at(data: Path) -> LoadReport | None:
    settings, region = region_of()
    return look_at_answers_of_region(settings, region)


def counts(report: LoadReport | None) -> tuple[int, int, int, int]:
    """Received, landed, unchanged, erased."""
    assert report is not None
    tally = report.resources["answer_features"]
    return tally.received, tally.landed, tally.skipped_unchanged, tally.erased


def standing(data: Path, column: str = "likeness_key") -> dict[tuple[str, str | None], Any]:
    """The newest value of a column by answer."""
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        found = warehouse.execute(
            f"""
            SELECT object_ref, part, max_by([{column}], load_seq)[1]
            FROM raw.answer_features
            INNER JOIN (SELECT DISTINCT _dlt_load_id, load_seq FROM raw.loads) AS loads USING (_dlt_load_id)
            GROUP BY ALL
            """
        ).fetchall()
    return {(ref, part): value for ref, part, value in found}


def official(number: int, text: str, days: float = 0, **more: Any) -> dict[str, Any]:
    own = {"author_kind": "community", "author_key": None, "author_page_id": -7}
    return comment(number, text, created_at=MARCH + timedelta(days=days), **{**own, **more})


def ticket(number: str, answer: str, text: str) -> dict[str, Any]:
    return {"pos_id": number, "answer_id": answer, "kind": "final", "answered_at": MARCH, "text": text}


def test_answers_of_every_source_are_looked_at_once(data: Path) -> None:
    land(
        data,
        "vk",
        {
            "vk_comments": [
                official(1, GOOD),
                official(2, GOOD, is_deleted=True),
                official(3, "  "),
                comment(4, GOOD),
            ]
        },
    )
    land(data, "pos", {"pos_answers": [ticket("8", "1", PASSED_ON), ticket("8", "2", GOOD)]})
    land(data, "telegram", {"telegram_messages": [chat("a" * 32, "1", GOOD, "operator")]})
    incident = {"created_at": MARCH, "first_answered_at": MARCH, "file_name": "1.xlsx", "layout": 1}
    land(
        data,
        "incident",
        {
            "incident_appeals": [
                {
                    "incident_id": "5",
                    "row_number": 1,
                    "step": "Промежуточный ответ",
                    "first_answer_text": PASSED_ON,
                    **incident,
                },
                {
                    "incident_id": "5",
                    "row_number": 2,
                    "step": "Закрыт",
                    "first_answer_text": GOOD,
                    **incident,
                },
            ]
        },
    )
    asked = {"service_request_id": "q", "requested_at": MARCH, "status_notes": GOOD}
    land(
        data,
        "open311",
        {
            "open311_requests": [
                {**asked, "status": "closed"},
                {**asked, "service_request_id": "r", "status": "open"},
            ]
        },
    )
    land(data, "vk", {"vk_comments": [official(9, GOOD)]}, status=1)

    assert counts(looked_at(data)) == (7, 7, 0, 0)
    found = standing(data, f"[{FEATURES}]")
    good = [True] * 5
    passed_on = [False, False, False, True, False]
    assert found == {
        ("vk_comment|-7|1", None): good,
        ("pos|8", "1"): passed_on,
        ("pos|8", "2"): good,
        (f"telegram_message|9|{'a' * 32}|1", None): good,
        ("incident|5", "interim answer"): passed_on,
        ("incident|5", "first answer"): good,
        ("open311|q", "closed"): good,
    }
    assert len(set(standing(data).values())) == 2
    assert looked_at(data) is None, "nothing came"
    land(data, "registry", {"registry_regions": [{"name": "Край", "time_zone": "Asia/Kamchatka"}]})
    assert looked_at(data) is None, "no answer came"
    # No word of a text is kept.
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        kept = str(warehouse.execute("SELECT * FROM raw.answer_features").fetchall())
    assert not any(word in kept for word in ("снег", "Анна", "передано"))


def test_every_kind_of_answer_that_facts_know_is_looked_at() -> None:
    named = {one.table.name for one in tables_of_answers()}
    assert {"vk_comments", "pos_answers", "files_answers", "incident_appeals", "open311_requests"} <= named
    assert {f"{network}_messages" for network in ("vk", "ok", "telegram", "max", "viber")} <= named


def test_a_live_run_knows_the_templates_that_stand(data: Path) -> None:
    land(data, "vk", {"vk_comments": [official(n, GOOD.replace("12", str(n)), n * 5) for n in range(1, 8)]})
    assert counts(looked_at(data)) == (7, 7, 0, 0)
    (key,) = set(standing(data).values())
    # Those of five weeks ago are out of reach; what was kept since is not.
    land(data, "vk", {"vk_comments": [official(20, GOOD.replace("Анна", "Пётр"), 65)]})
    land(data, "pos", {"pos_answers": [ticket("8", "1", PASSED_ON)]})
    assert counts(looked_at(data)) == (2, 2, 0, 0)
    found = standing(data)
    assert found["vk_comment|-7|20", None] == key
    assert found["pos|8", "1"] != key
    # Read again as it was, nothing lands; with other words, it leaves the others.
    land(data, "vk", {"vk_comments": [official(20, GOOD.replace("Анна", "Пётр"), 65)]})
    assert counts(looked_at(data)) == (1, 0, 1, 0)
    land(data, "vk", {"vk_comments": [official(3, PASSED_ON, 15)]})
    assert counts(looked_at(data)) == (1, 1, 0, 0)
    assert standing(data)["vk_comment|-7|3", None] == found["pos|8", "1"]


def test_answers_that_came_in_pages_or_runs_have_the_same_keys(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [official(n, (GOOD, PASSED_ON, GOOD.replace("Анна", "Ольга"))[n % 3], n) for n in range(1, 60)]
    monkeypatch.setattr("orchestration.look_at_answers._PAGE", 7)
    for start in range(0, len(answers), 20):
        land(data, "vk", {"vk_comments": answers[start : start + 20]})
        looked_at(data)
    in_runs = standing(data)
    assert len(set(in_runs.values())) == 2
    monkeypatch.setattr("orchestration.look_at_answers.answers_version", lambda: "another")
    assert counts(looked_at(data))[0] == 59
    assert standing(data) == in_runs
    assert looked_at(data) is None


def test_looking_that_dies_lands_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land(data, "vk", {"vk_comments": [official(1, GOOD)]})
    with monkeypatch.context() as patched:
        patched.setattr("labels.answers.look_at", lambda _: 1 / 0)
        with pytest.raises(Exception, match="division by zero"):
            looked_at(data)
    assert standing(data) == {}
    assert counts(looked_at(data)) == (1, 1, 0, 0)


def test_who_is_erased_takes_the_answers_along_and_a_new_key_moves_them(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = region_of()
    pseudonyms = settings.pseudonyms()
    person = pseudonyms.author_key("telegram", "77")
    land(data, "telegram", {"telegram_messages": [chat(person, "2", GOOD, "operator")]})
    answered = official(2, GOOD, thread_id=1)
    land(data, "vk", {"vk_comments": [comment(1, "Где ответ?"), answered, official(3, GOOD)]})
    looked_at(data)
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        book = find(warehouse, Request(author_key=f"{1:032x}"), MARCH + timedelta(days=1), pseudonyms)
        assert erase(warehouse, book, pseudonyms).rows == {"vk_comments": 2, "answer_features": 1}
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS privacy")
    assert set(standing(data)) == {("vk_comment|-7|3", None), (f"telegram_message|9|{person}|2", None)}

    monkeypatch.setenv("OTKLIK_HMAC_OLD_KEYS", KEY)
    monkeypatch.setenv("OTKLIK_HMAC_KEY", NEXT)
    settings, _ = region_of()
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        rekey(warehouse, settings.data, settings.pseudonyms())
        ((moved,),) = warehouse.execute("SELECT author_key FROM raw.telegram_messages").fetchall()
    assert (f"telegram_message|9|{moved}|2", None) in standing(data)
    assert looked_at(data) is None, "the state went along"
