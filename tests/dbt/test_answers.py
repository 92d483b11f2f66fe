"""What is seen in answers: every source's answers are found, and arrive as ordinary changes."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.look_at_answers import tables_of_answers
from tests.dbt import rows
from tests.dbt.support import Street

pytestmark = pytest.mark.scenario
SCORES = "select answers, mean_score, not_a_template_share, not_interim_share from marts.answer_scores"
GUARD = (
    "select template_answers_share from marts.authorities_monthly "
    "where month_start = date '2026-06-01' and authority_id = 'a1' and template_answers_share is not null"
)


def seen(
    ref: str, part: str | None, key: str | None = None, version: str = "v1", **more: Any
) -> dict[str, Any]:
    """A row of raw.answer_features of an answer that has everything."""
    return {
        "object_ref": ref,
        "part": part,
        "source": ref.partition("|")[0].partition("_")[0],
        "answered_at": rows.utc("06-05 08:00"),
        **dict.fromkeys(("long_enough", "names_a_date", "names_a_deed", "not_sent_elsewhere"), True),
        "not_interim": True,
        "likeness_key": key,
        "answers_version": version,
        **more,
    }


def test_templates_of_other_words_are_told_when_answers_are_looked_at(street: Street) -> None:
    answers = [rows.pos(f"t{n}", "06-02 08:00", answers=[("1", "06-03 08:00", "final")]) for n in range(10)]
    street.load(rows.merged(*answers))
    street.build()
    assert street.query(SCORES) == []
    assert street.query(GUARD) == [(0.0,)]

    # Nothing else came: the month is told anew all the same.
    street.load({"answer_features": [seen(f"pos|t{n}", "1", "alike") for n in range(10)]})
    street.build()
    assert street.query(SCORES) == [(10, 85.0, 0.0, 1.0)]
    ((share,),) = street.query(GUARD)
    assert share > 0
    assert street.differences() == {}

    # Seen otherwise: one of the ten says something of its own, and nine are no template.
    street.load({"answer_features": [seen("pos|t3", "1", "own", "v2", names_a_date=False)]})
    street.build()
    assert street.query(SCORES) == [(10, 97.5, 1.0, 1.0)]
    assert street.query(GUARD) == [(0.0,)]
    assert street.differences() == {}


def test_an_answer_below_a_post_or_in_a_branch_moves_the_month_of_its_appeal(street: Street) -> None:
    street.load(
        {
            "vk_posts": [rows.post(70, "06-02 08:00", author="citizen")],
            "vk_comments": [
                rows.comment(71, 70, "06-02 09:00", page=rows.PAGE),
                rows.comment(72, 1, "06-02 09:00"),
                rows.comment(73, 1, "06-02 10:00", page=rows.PAGE, thread=72),
            ],
            "vk_messages": [
                rows.message("74", "06-02 08:00"),
                rows.message("75", "06-02 09:00", reply_to="74", page=rows.PAGE),
            ],
        }
    )
    street.build()
    refs = [f"vk_comment|{rows.PAGE}|{number}" for number in (71, 73)]
    refs.append(f"vk_message|{rows.PAGE}|topic1|75")
    for count, ref in enumerate(refs, start=1):
        street.load({"answer_features": [seen(ref, None)]})
        street.build()
        assert street.query("select cast(sum(answers) as integer) from marts.answer_scores") == [(count,)]
    assert street.differences() == {}


def test_answers_of_every_source_are_known_to_facts_by_what_raw_calls_them(street: Street) -> None:
    at = rows.utc("06-02 08:00")
    file = {"ticket_id": "f1", "file_name": "1.csv"}
    ticket = {**file, "channel": "hotline", "registered_at": at, "municipality": "г. Озёрск"}
    given = {**file, "answer_id": "x|1", "answered_at": at, "kind": "final", "text": "Убрали."}
    request = {"service_request_id": "o1", "requested_at": at, "updated_at": at, "status": "closed"}
    (interim,) = rows.incident("i1", "06-02 08:00", answered="06-02 09:00", step="Промежуточный ответ")[
        "incident_appeals"
    ]
    street.load(
        rows.merged(
            rows.pos("p1", "06-02 08:00", answers=[("1", "06-02 09:00", "interim")]),
            rows.incident("i2", "06-02 08:00", answered="06-02 09:00"),
            {
                "incident_appeals": [interim],
                "files_appeals": [ticket],
                "files_answers": [given],
                "open311_requests": [{**request, "status_notes": "Сделано"}],
                "vk_comments": [
                    rows.comment(81, 1, "06-02 09:00"),
                    rows.comment(82, 1, "06-02 10:00", page=rows.PAGE, thread=81),
                ],
            },
            {
                f"{network}_messages": [
                    rows.message("91", "06-02 08:00"),
                    rows.message("92", "06-02 09:00", reply_to="91", page=rows.PAGE),
                ]
                for network in ("vk", "ok", "telegram", "max", "viber")
            },
        )
    )
    found: list[dict[str, Any]] = []
    for one in tables_of_answers():
        query = one.newest("true").replace("$region", "'north'")
        loads = "(select _dlt_load_id, load_seq from raw.loads)"
        for ref, part in street.query(
            f"with loads as {loads} select object_ref, part from ({query}) where is_said"
        ):
            found.append(seen(ref, part, source=one.source))
    street.load({"answer_features": found})
    street.build()
    unknown = street.query(
        """
        select responses.source, count(features.response_id), count(*)
        from facts.fct_responses as responses
        left join staging.stg_answer__features as features on responses.response_id = features.response_id
        where responses.appeal_id in (select appeal_id from facts.fct_appeals)
        group by all order by 1
        """
    )
    assert {source for source, *_ in unknown} == {
        *("files", "incident", "max", "ok", "open311", "pos", "telegram", "viber", "vk")
    }
    assert [row for row in unknown if row[1] != row[2]] == []
