"""Raw table of the source `activities`."""

from ingestion.tables import Column, RawTable

ACTIVITIES = RawTable(
    "activities_activities",
    "What the centre did: one row per version of an activity that a file carried.",
    (
        Column("activity_id", "text", "Number in the file, else a stable hash of the line.", True, True),
        Column("kind", "text", "broadcast, training, material or decision.", required=True),
        Column("title", "text", "Masked title."),
        Column("held_on", "date", "Local day.", required=True),
        Column("territory", "text", "Territory as spelled; null: the whole region."),
        Column("topic_group", "text", "Topic group as spelled."),
        Column("topic", "text", "Topic as spelled."),
        Column("authority", "text", "Authority, persons' names masked."),
        Column("audience", "bigint", "People reached."),
        Column(
            "count",
            "bigint",
            "Activities the line stands for; 1 where it does not say.",
            required=True,
        ),
    ),
)

TABLES = (ACTIVITIES,)
