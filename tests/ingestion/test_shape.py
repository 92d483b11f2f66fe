"""Breaches of the agreed shapes, as sentences that name no value."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.accounting import Tally
from ingestion.errors import ContractBroken
from ingestion.pos.source import APPEAL, STATUS
from ingestion.shape import Shape, page_items
from ingestion.vk.rows import COMMENT, POST, check_comments, count_of
from tests.ingestion.test_pos import appeal
from tests.ingestion.test_vk import comment, post


@pytest.mark.parametrize(
    ("shape", "record", "change", "said"),
    [
        (
            APPEAL,
            appeal(1),
            {"updated_at": 17},
            "updated_at came as whole number instead of text in 1 of the 3",
        ),
        (APPEAL, appeal(1), {"fast_track": "no"}, "fast_track came as text instead of true/false"),
        (APPEAL, appeal(1), {"answers": None}, "answers came as null instead of list"),
        (APPEAL, appeal(1), {"rating": True}, "rating came as true/false instead of whole number"),
        (APPEAL, appeal(1), {"applicant": "Иванов"}, "applicant came as text instead of object"),
        (APPEAL, appeal(1), {"municipality": ...}, "municipality came as nothing instead of text or null"),
        (STATUS, {"status": "x", "at": "y"}, {"at": ...}, "at came as nothing instead of text"),
        (POST, post(1, "2026-11-01"), {"date": "soon"}, "date came as text instead of whole number"),
        (POST, post(1, "2026-11-01"), {"date": 1.5}, "date came as fraction instead of whole number"),
        (POST, post(1, "2026-11-01"), {"text": ...}, "text came as nothing instead of text"),
        (
            COMMENT,
            comment(1, "2026-11-01"),
            {"from_id": ...},
            "from_id came as nothing instead of whole number",
        ),
    ],
)
def test_a_breach_names_the_field_and_the_count(
    shape: Shape, record: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    broken = {key: value for key, value in {**record, **change}.items() if value is not ...}
    with pytest.raises(ContractBroken, match=f"source.resource: the field {said}") as caught:
        shape.check("source.resource", [record, broken, record])
    assert "Иванов" not in str(caught.value)


def test_pages_are_lists_of_objects() -> None:
    with pytest.raises(
        ContractBroken, match=r"\(the object itself\) came as text instead of object in 2 of the 2"
    ):
        POST.check("vk.posts", ["a", "b"])
    for body in ({}, {"items": None}, [], None, {"items": {}}):
        with pytest.raises(ContractBroken, match="the list items of the answer came as"):
            page_items("vk.posts", body)


def test_unknown_fields_are_named_never_shown() -> None:
    assert APPEAL.check("pos.appeals", [{**appeal(1), "secret": "Иванов"}]) == {"secret"}


def test_counts_are_checked_where_they_lie() -> None:
    assert count_of("vk.posts", {}, "likes") is None
    with pytest.raises(ContractBroken, match=r"vk\.posts\.likes: the field count came as text"):
        count_of("vk.posts", {"likes": {"count": "many"}}, "likes")


def test_a_deleted_comment_needs_neither_author_nor_text() -> None:
    check_comments([{"id": 1, "date": 5, "deleted": True}], Tally())
    with pytest.raises(ContractBroken):
        check_comments([{"id": 1, "date": 5}], Tally())
