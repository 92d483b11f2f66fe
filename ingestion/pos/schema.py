"""Raw tables of the source `pos`, and the agreed shape of an appeal. Times are naive UTC."""

from ingestion.surveys.schema import options_table, surveys_table
from ingestion.tables import Column, RawTable

APPEALS = RawTable(
    "pos_appeals",
    "Appeals of the state feedback platform: one row per version of an appeal that was read.",
    (
        Column("pos_id", "text", "Number of the appeal in ПОС.", required=True, key=True),
        Column("kind", "text", "message (outside 59-ФЗ) or appeal (under 59-ФЗ)."),
        Column("created_at", "timestamp", "Sent by the citizen, UTC."),
        Column("registered_at", "timestamp", "Registered, UTC.", required=True),
        Column("updated_at", "timestamp", "Last event, UTC: the live cursor.", required=True),
        Column("status", "text", "registered, assigned, in_work, answered, closed or rejected."),
        Column("category", "text", "Topic group as ПОС spells it."),
        Column("subcategory", "text", "Topic as ПОС spells it."),
        Column("fast_track", "bool", "The topic has a shortened deadline."),
        Column("municipality", "text", "Municipality as ПОС spells it."),
        Column("locality", "text", "Settlement."),
        Column("street", "text", "Street."),
        Column("house", "text", "House."),
        Column("text", "text", "Masked text."),
        Column("author_key", "text", "Keyed hash of the applicant's id."),
        Column("age_group", "text", "Age group of the applicant."),
        Column("ogrn", "text", "ОГРН of the organisation in charge."),
        Column("outcome", "text", "solved, explained, not_solved; null while open."),
        Column("rating", "int", "Applicant's mark of the answer, 1 to 5."),
    ),
)

STATUSES = RawTable(
    "pos_statuses",
    "Status history of those appeals: one row per status and version of the appeal that was read.",
    (
        Column("pos_id", "text", "Number of the appeal in ПОС.", required=True, key=True),
        Column("position", "int", "Place in the history, from 0.", required=True, key=True),
        Column("status", "text", "Status that was entered.", required=True),
        Column("changed_at", "timestamp", "Entered, UTC.", required=True),
    ),
)

ANSWERS = RawTable(
    "pos_answers",
    "Official answers to those appeals: one row per answer and version of the appeal that was read.",
    (
        Column("pos_id", "text", "Number of the appeal in ПОС.", required=True, key=True),
        Column("answer_id", "text", "Number of the answer.", required=True, key=True),
        Column("answered_at", "timestamp", "Given, UTC.", required=True),
        Column("kind", "text", "interim or final."),
        Column("ogrn", "text", "ОГРН of the answering organisation."),
        Column("text", "text", "Masked text."),
    ),
)

VOTES = (surveys_table("pos_surveys", "Votes and polls of ПОС"), options_table("pos_options", "ПОС's votes"))

TABLES = (APPEALS, STATUSES, ANSWERS, *VOTES)
