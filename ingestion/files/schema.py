"""Raw tables of the source `files`. Times are naive UTC, converted by the mapping's time zone."""

from ingestion.tables import Column
from ingestion.tickets import answers_table, appeals_table

_FILE = Column("file_name", "text", "File the row stands in.", required=True)

APPEALS = appeals_table("files", "files with a mapping", _FILE, bulk=True)
ANSWERS = answers_table("files", "files with a mapping", _FILE, bulk=True)

TABLES = (APPEALS, ANSWERS)
