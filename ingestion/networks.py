"""The raw shape that networks of pages, posts and conversations share: OK, Telegram, MAX, Viber.

Each such source fills up to three tables of its own, alike in their columns, so that dbt reads all of them
with one set of rules and a new network needs no new model beyond one line of staging. VK keeps tables of its
own (`ingestion.vk.schema`): it was here first and says more.
"""

from __future__ import annotations

from ingestion.tables import Column, RawTable


def pages_table(source: str, title: str) -> RawTable:
    """`<source>_pages`: official pages and bots as the network shows them, one row per page and load."""
    return RawTable(
        f"{source}_pages",
        f"Official pages and bots of {title}: one row per page and load.",
        (
            Column("page_id", "text", "The network's own id of the page, channel or bot.", True, True),
            Column("link_name", "text", "Short name in the page's address, lower case; null without one."),
            Column("name", "text", "Name as shown."),
            Column("kind", "text", "page or bot.", required=True),
            Column("members_count", "bigint", "Audience at the time of reading."),
            Column("has_description", "bool", "The description is not empty."),
            Column("has_avatar", "bool", "A picture was uploaded."),
            Column("pos_link", "text", "Link to a ПОС form found on the page."),
            Column("deactivated", "text", "Why the page cannot be read any more; null for a live page."),
        ),
    )


def posts_table(source: str, title: str) -> RawTable:
    """`<source>_posts`: posts of those pages, one row per version of a post that was read."""
    return RawTable(
        f"{source}_posts",
        f"Posts on official pages of {title}: one row per version of a post that was read.",
        (
            Column("page_id", "text", "Page that carries the post.", True, True),
            Column("post_id", "text", "The network's id of the post, unique on its page.", True, True),
            Column("author_kind", "text", "page or citizen.", required=True),
            Column("author_key", "text", "Keyed hash of a citizen's id; null for pages."),
            Column("created_at", "timestamp", "Published, UTC.", required=True),
            Column("text", "text", "Masked text."),
            Column("comments_count", "bigint", "Comments; null where the network does not tell."),
            Column("likes_count", "bigint", "Likes; null where the network does not tell."),
            Column("reposts_count", "bigint", "Reposts; null where the network does not tell."),
            Column("views_count", "bigint", "Views; null where the network does not tell."),
            Column("is_deleted", "bool", "The network marks it as deleted.", required=True),
        ),
    )


def messages_table(source: str, title: str) -> RawTable:
    """`<source>_messages`: comments under posts and messages in bots' chats, one row per version read."""
    return RawTable(
        f"{source}_messages",
        f"Comments and chat messages of {title}: one row per version of a message that was read.",
        (
            Column("page_id", "text", "Page or bot that the message was written to.", True, True),
            Column(
                "chat_id",
                "text",
                "Where it stands: id of the commented post, or in a bot the keyed hash of the other party.",
                required=True,
                key=True,
            ),
            Column("message_id", "text", "The network's id, unique within chat_id.", True, True),
            Column("place", "text", "post (under a post of the page) or chat (with a bot).", required=True),
            Column("reply_to", "text", "message_id that it replies to in the same chat_id; null at the top."),
            Column(
                "author_kind",
                "text",
                "citizen, page (an organisation speaks), operator (a person answers in the bot's name) or "
                "service (joined, pressed a button, /start: nobody's words).",
                required=True,
            ),
            Column("author_page_id", "text", "Page in whose name it was written; null for citizens."),
            Column("author_key", "text", "Keyed hash of a citizen's id; null for pages and operators."),
            Column("created_at", "timestamp", "Written, UTC.", required=True),
            Column("edited_at", "timestamp", "Last edited, UTC; null where unknown or never."),
            Column("text", "text", "Masked text; null where the network tells only that there was one."),
            Column("likes_count", "bigint", "Likes; null where the network does not tell."),
            Column("is_deleted", "bool", "The network marks it as deleted.", required=True),
        ),
    )
