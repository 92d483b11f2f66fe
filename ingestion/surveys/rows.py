"""Rows of survey tables, whatever brings them: one line per option in files, nested objects in ПОС."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ingestion.cells import day_of, whole_number
from ingestion.privacy import mask_optional
from ingestion.spreadsheet import text_of
from ingestion.tables import Row

HEADERS: dict[str, list[str]] = {
    "survey_id": ["ID опроса", "Номер опроса", "№ опроса", "survey_id"],
    "title": ["Опрос", "Название опроса", "Название", "title"],
    "starts_on": ["Дата начала", "Начало", "starts_on"],
    "ends_on": ["Дата окончания", "Окончание", "ends_on"],
    "channel": ["Канал", "Площадка", "channel"],
    "territory": ["Территория", "Муниципалитет", "Муниципальное образование", "territory"],
    "participants": ["Участников", "Количество участников", "participants"],
    "question_id": ["ID вопроса", "Номер вопроса", "№ вопроса", "question_id"],
    "question": ["Вопрос", "Текст вопроса", "question"],
    "option_id": ["ID варианта", "Номер варианта", "№ варианта", "option_id"],
    "option": ["Вариант ответа", "Вариант", "Ответ", "option"],
    "votes": ["Голосов", "Количество голосов", "Голоса", "votes"],
}
REQUIRED = ("title", "starts_on", "question", "option", "votes")
SAFE_FIELDS = frozenset(HEADERS)


def stable(*parts: object) -> str:
    """A key for what has none of its own."""
    return "h" + hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def option_row(record: Mapping[str, Any]) -> tuple[Row, Row]:
    """(the survey as this line tells it, the option); ValueError with a reason that holds no value."""
    texts = {field: text_of(record.get(field)) for field in HEADERS}
    title, question, option = texts["title"], texts["question"], texts["option"]
    if title is None or question is None or option is None:
        raise ValueError("title, question or option is empty")
    starts_on = day_of(record.get("starts_on"), "the start")
    if starts_on is None:
        raise ValueError("there is no start date")
    ends_on = day_of(record.get("ends_on"), "the end")
    if ends_on is not None and ends_on < starts_on:
        raise ValueError("the end lies before the start")
    votes = whole_number(record.get("votes"), "the number of votes")
    if votes is None:
        raise ValueError("the number of votes is missing")
    survey_id = texts["survey_id"] or stable(title, starts_on)
    survey = {
        "survey_id": survey_id,
        "title": mask_optional(title),
        "starts_on": starts_on,
        "ends_on": ends_on,
        "channel": texts["channel"],
        "participants": whole_number(record.get("participants"), "the number of participants"),
    }
    return survey, {
        "survey_id": survey_id,
        "question_id": texts["question_id"] or stable(question),
        "option_id": texts["option_id"] or stable(option),
        "question": mask_optional(question),
        "option": mask_optional(option),
        "territory": texts["territory"],
        "votes": votes,
    }


def surveys_of(lines: Sequence[tuple[Row, Row]]) -> list[Row]:
    """One row per survey: the first line that tells a thing is believed, participants are the most told."""
    told: dict[str, dict[str, Any]] = {}
    places: dict[str, set[str | None]] = {}
    questions: dict[str, set[str]] = {}
    for survey, option in lines:
        known = told.setdefault(survey["survey_id"], dict(survey))
        for name, value in survey.items():
            if known[name] is None:
                known[name] = value
        counted = [one for one in (known["participants"], survey["participants"]) if one is not None]
        known["participants"] = max(counted, default=None)
        places.setdefault(survey["survey_id"], set()).add(option["territory"])
        questions.setdefault(survey["survey_id"], set()).add(option["question_id"])
    return [
        {
            **survey,
            "territory": next(iter(places[key])) if len(places[key]) == 1 else None,
            "question_count": len(questions[key]),
        }
        for key, survey in told.items()
    ]
