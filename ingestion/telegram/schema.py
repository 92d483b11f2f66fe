"""Raw tables of Telegram: those that networks share (`ingestion.networks`)."""

from __future__ import annotations

from ingestion.networks import messages_table, pages_table, posts_table

PAGES = pages_table("telegram", "Telegram")
POSTS = posts_table("telegram", "Telegram")
MESSAGES = messages_table("telegram", "Telegram")

TABLES = (PAGES, POSTS, MESSAGES)
