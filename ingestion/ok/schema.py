"""Raw tables of OK: those that networks share (`ingestion.networks`)."""

from __future__ import annotations

from ingestion.networks import messages_table, pages_table, posts_table

PAGES = pages_table("ok", "OK")
POSTS = posts_table("ok", "OK")
MESSAGES = messages_table("ok", "OK")

TABLES = (PAGES, POSTS, MESSAGES)
