"""Raw tables of surveys. ПОС's votes have the same shape under their own names."""

from ingestion.tables import Column, RawTable


def surveys_table(name: str, title: str) -> RawTable:
    """One row per version of a survey that was read."""
    return RawTable(
        name,
        f"{title}: one row per version of a survey that was read.",
        (
            Column(
                "survey_id",
                "text",
                "Number in the source, else a stable hash of title and start.",
                True,
                True,
            ),
            Column("title", "text", "Masked title."),
            Column("starts_on", "date", "First local day.", required=True),
            Column("ends_on", "date", "Last local day; null while open."),
            Column("channel", "text", "Where it was held, as spelled."),
            Column("territory", "text", "Territory as spelled; null: the whole region, or several."),
            Column("participants", "bigint", "People who took part, where the source tells."),
            Column("question_count", "int", "Questions."),
        ),
    )


def options_table(name: str, title: str) -> RawTable:
    """One row per answer option and territory, and version of the survey that was read."""
    return RawTable(
        name,
        f"Answer options of {title}: one row per option, territory and version of the survey that was read.",
        (
            Column("survey_id", "text", "Survey.", required=True, key=True),
            Column("question_id", "text", "Number of the question, else a hash of its text.", True, True),
            Column("option_id", "text", "Number of the option, else a hash of its text.", True, True),
            Column("question", "text", "Masked question."),
            Column("option", "text", "Masked option."),
            Column("territory", "text", "Territory as spelled; null: the whole region.", key=True),
            Column("votes", "bigint", "Votes for the option there.", required=True),
        ),
    )


TABLES = (
    surveys_table("surveys_surveys", "Surveys of the centre"),
    options_table("surveys_options", "the centre's surveys"),
)
