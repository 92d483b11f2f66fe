"""The raw shape of ready-made appeals with their answers: files, hot lines, ticket systems.

Each such source fills two tables of its own, alike in their columns, so that dbt reads all of them with one
set of rules and a new one needs two lines of staging and its name in `macros/tickets.sql`.
"""

from __future__ import annotations

from ingestion.tables import Column, RawTable


def appeals_table(source: str, title: str, *more: Column, bulk: bool = False) -> RawTable:
    """`<source>_appeals`: one row per version of an appeal; `more` are columns that only this source has."""
    return RawTable(
        f"{source}_appeals",
        f"Appeals of {title}: one row per version of an appeal.",
        (
            Column("ticket_id", "text", "Key in the source, or a stable hash.", required=True, key=True),
            *more,
            Column("channel", "text", "Channel (seed channels); null or unknown counts as other."),
            Column("intake", "text", "Rules it falls under: social, pos_message, pos_appeal or other."),
            Column("kind", "text", "complaint, question, proposal or thanks."),
            Column("created_at", "timestamp", "Written by the citizen, UTC."),
            Column("registered_at", "timestamp", "Registered, UTC.", required=True),
            Column("closed_at", "timestamp", "Closed, UTC."),
            Column("status", "text", "Status of the life cycle, or as spelled."),
            Column("outcome", "text", "solved, explained, not_solved or postponed; null while open."),
            Column("topic_group", "text", "Topic group as spelled."),
            Column("topic", "text", "Topic as spelled."),
            Column("municipality", "text", "Municipality as spelled."),
            Column("locality", "text", "Settlement."),
            Column("street", "text", "Street."),
            Column("house", "text", "House."),
            Column("latitude", "double", "Degrees north, WGS 84."),
            Column("longitude", "double", "Degrees east, WGS 84."),
            Column("authority", "text", "Name of the authority in charge, persons' names masked."),
            Column("ogrn", "text", "ОГРН of the authority in charge."),
            Column("author_key", "text", "Keyed hash of the author's id."),
            Column("age_group", "text", "Age group of the author, as spelled."),
            Column("rating", "int", "The author's mark of the answer, 1 to 5."),
            Column("fast_track", "bool", "The topic has a shortened deadline."),
            Column("text", "text", "Masked text."),
            Column("tags", "text", "Tags as spelled, masked."),
        ),
        bulk=bulk,
    )


def answers_table(source: str, title: str, *more: Column, bulk: bool = False) -> RawTable:
    """`<source>_answers`: one row per version of an answer to such an appeal."""
    return RawTable(
        f"{source}_answers",
        f"Answers to appeals of {title}: one row per version of an answer.",
        (
            Column("ticket_id", "text", "Key of the appeal.", required=True, key=True),
            Column("answer_id", "text", "Key in the source, or the kind.", required=True, key=True),
            *more,
            Column("answered_at", "timestamp", "Given, UTC.", required=True),
            Column("kind", "text", "interim or final."),
            Column("authority", "text", "Name of the answering authority, persons' names masked."),
            Column("ogrn", "text", "ОГРН of the answering authority."),
            Column("text", "text", "Masked text."),
        ),
        bulk=bulk,
    )
