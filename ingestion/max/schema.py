"""Raw tables of MAX: those that networks share (`ingestion.networks`)."""

from __future__ import annotations

from ingestion.networks import messages_table, pages_table, posts_table

PAGES = pages_table("max", "MAX")
POSTS = posts_table("max", "MAX")
MESSAGES = messages_table("max", "MAX")

TABLES = (PAGES, POSTS, MESSAGES)
