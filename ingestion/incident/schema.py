"""Raw table of the source `incident`. Times are naive UTC, converted from the region's wall time."""

from ingestion.tables import Column, RawTable

APPEALS = RawTable(
    "incident_appeals",
    "Rows of the «Инцидент Менеджмент» exports: one row per version of an incident that a file carried.",
    (
        Column(
            "incident_id",
            "text",
            "The export's ID, else a stable hash of region, time and text.",
            required=True,
            key=True,
        ),
        Column("layout", "int", "Layout of the file, 1 to 4.", required=True),
        Column("file_name", "text", "File the row stands in.", required=True),
        Column("row_number", "int", "Row of the sheet, from 1.", required=True),
        Column("created_at", "timestamp", "Registered, UTC.", required=True),
        Column("closed_at", "timestamp", "Closed, UTC."),
        Column("first_answered_at", "timestamp", "First answer, UTC."),
        Column("step", "text", "Current step («Готово» = finished)."),
        Column("outcome_ru", "text", "«Итог» as spelled; empty means open."),
        Column("incident_type", "text", "«Тип инцидента» as spelled."),
        Column("topic_group", "text", "«Группа тем» as spelled."),
        Column("topic", "text", "«Тема» as spelled."),
        Column("municipality", "text", "Municipality as spelled."),
        Column("locality", "text", "Settlement."),
        Column("street", "text", "Street."),
        Column("house", "text", "House."),
        Column("tags", "text", "Tags as spelled, masked."),
        Column("executor", "text", "Executor with persons' names masked."),
        Column("text", "text", "Masked text."),
        Column("first_answer_text", "text", "Masked text of the first answer."),
        Column("author_key", "text", "Keyed hash of the author, where the export names one."),
    ),
)

TABLES = (APPEALS,)
