"""Raw tables of the source `files`. Times are naive UTC, converted by the mapping's time zone."""

from ingestion.tables import Column, RawTable

APPEALS = RawTable(
    "files_appeals",
    "Appeals that files with a mapping carried: one row per version of an appeal and file.",
    (
        Column(
            "ticket_id",
            "text",
            "Key in the file, else a stable hash of the columns named as key.",
            True,
            True,
        ),
        Column("file_name", "text", "File the row stands in.", required=True),
        Column("channel", "text", "Channel by the mapping; null counts as other."),
        Column("intake", "text", "Rules it falls under: social, pos_message, pos_appeal or other."),
        Column("kind", "text", "complaint, question, proposal or thanks."),
        Column("created_at", "timestamp", "Written by the citizen, UTC."),
        Column("registered_at", "timestamp", "Registered, UTC.", required=True),
        Column("closed_at", "timestamp", "Closed, UTC."),
        Column("status", "text", "Status by the mapping, or as spelled."),
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
    bulk=True,
)

ANSWERS = RawTable(
    "files_answers",
    "Answers that such files carried, beside the appeal or on their own: one row per version and file.",
    (
        Column("ticket_id", "text", "Key of the appeal.", required=True, key=True),
        Column("answer_id", "text", "Key in the file, else the kind, or a stable hash.", True, True),
        Column("file_name", "text", "File the row stands in.", required=True),
        Column("answered_at", "timestamp", "Given, UTC.", required=True),
        Column("kind", "text", "interim or final."),
        Column("authority", "text", "Name of the answering authority, persons' names masked."),
        Column("ogrn", "text", "ОГРН of the answering authority."),
        Column("text", "text", "Masked text."),
    ),
    bulk=True,
)

TABLES = (APPEALS, ANSWERS)
