"""Raw tables of the source `vk`. Times are naive UTC; texts are masked, authors are keyed hashes."""

from ingestion.networks import messages_table
from ingestion.tables import Column, RawTable

COMMUNITIES = RawTable(
    "vk_communities",
    "Official communities as groups.getById shows them: one row per community and load.",
    (
        Column("owner_id", "bigint", "Community id, negative.", required=True, key=True),
        Column("name", "text", "Name of the community."),
        Column("screen_name", "text", "Short address of the community."),
        Column("members_count", "bigint", "Subscribers at the time of reading."),
        Column("verified", "bool", "VK's verification tick."),
        Column("is_government", "bool", "The государственная отметка (госметка); null where VK is silent."),
        Column("has_description", "bool", "The description is not empty."),
        Column("has_avatar", "bool", "A picture was uploaded."),
        Column("has_cover", "bool", "A cover is enabled."),
        Column("widgets_count", "int", "Items of the community's menu (widgets)."),
        Column("pos_link", "text", "Link to a ПОС form found in site, menu or description."),
        Column("activity", "text", "VK's subject line of the community."),
        Column("deactivated", "text", "deleted or banned; null for a live community."),
    ),
)

POSTS = RawTable(
    "vk_posts",
    "Posts on the walls of official communities: one row per version of a post that was read.",
    (
        Column("owner_id", "bigint", "Community whose wall it is, negative.", required=True, key=True),
        Column("post_id", "bigint", "Post number on that wall.", required=True, key=True),
        Column("author_kind", "text", "community or citizen.", required=True),
        Column("author_key", "text", "Keyed hash of a citizen's id; null for communities."),
        Column("created_at", "timestamp", "Published, UTC.", required=True),
        Column("text", "text", "Masked text."),
        Column("comments_count", "bigint", "Comments including replies."),
        Column("likes_count", "bigint", "Likes."),
        Column("reposts_count", "bigint", "Reposts."),
        Column("views_count", "bigint", "Views; null where VK does not give them."),
        Column("is_pinned", "bool", "Pinned to the top of the wall."),
        Column("is_deleted", "bool", "VK marks it as deleted.", required=True),
    ),
)

COMMENTS = RawTable(
    "vk_comments",
    "Comments under those posts and under mentions with all branches: one row per version of a comment read.",
    (
        Column(
            "owner_id",
            "bigint",
            "Wall: community id (negative) or, under a mention, a person's keyed number (positive).",
            required=True,
            key=True,
        ),
        Column("post_id", "bigint", "Post that is commented.", required=True),
        Column("comment_id", "bigint", "Comment number, unique on its wall only.", required=True, key=True),
        Column("thread_id", "bigint", "Root comment of the branch; null for a root comment."),
        Column("reply_to_comment", "bigint", "Comment that this one replies to, if any."),
        Column("author_kind", "text", "community or citizen.", required=True),
        Column("author_page_id", "bigint", "The answering community, negative; null for citizens."),
        Column("author_key", "text", "Keyed hash of a citizen's id; null for communities."),
        Column("created_at", "timestamp", "Written, UTC.", required=True),
        Column("text", "text", "Masked text."),
        Column("likes_count", "bigint", "Likes."),
        Column("is_deleted", "bool", "VK marks it as deleted.", required=True),
    ),
)

COMMENT_READINGS = RawTable(
    "vk_comment_readings",
    "Posts whose comments were read to the end and landed: what was known of them before and did not land "
    "with the reading is gone. One row per post and such reading.",
    (
        Column("owner_id", "bigint", "Wall, as in vk_comments.", required=True, key=True),
        Column("post_id", "bigint", "Post that is commented.", required=True, key=True),
        Column("comments", "bigint", "Comments that were there, replies included.", required=True),
    ),
)

COMMENT_REMOVALS = RawTable(
    "vk_comment_removals",
    "Comments that VK's Callback API says were deleted: one row per comment and such event. What such an "
    "event does not tell stays as vk_comments has it.",
    (
        Column("owner_id", "bigint", "Wall: community id, negative.", required=True, key=True),
        Column("post_id", "bigint", "Post that was commented.", required=True),
        Column("comment_id", "bigint", "Comment, as in vk_comments.", required=True, key=True),
    ),
)

MENTIONS = RawTable(
    "vk_mentions",
    "Posts outside official pages that newsfeed.search finds: one row per post and query read.",
    (
        Column(
            "owner_id",
            "bigint",
            "Wall: community id (negative) or a person's keyed number (positive).",
            required=True,
            key=True,
        ),
        Column("post_id", "bigint", "Post number on that wall.", required=True, key=True),
        Column("author_key", "text", "Keyed hash of the author's id; null for communities."),
        Column("created_at", "timestamp", "Published, UTC.", required=True),
        Column("text", "text", "Masked text."),
        Column("query", "text", "Search query that found it.", required=True),
    ),
)

STATS = RawTable(
    "vk_stats",
    "Daily statistics of communities whose administrator gave a token: one row per community and day read.",
    (
        Column("owner_id", "bigint", "Community id, negative.", required=True, key=True),
        Column("local_date", "date", "Day of the statistics, region's calendar.", required=True, key=True),
        Column("reach", "bigint", "People reached."),
        Column("reach_subscribers", "bigint", "Subscribers reached."),
        Column("visitors", "bigint", "Unique visitors."),
        Column("likes", "bigint", "Likes given that day."),
        Column("comments", "bigint", "Comments written that day."),
        Column("reposts", "bigint", "Reposts made that day."),
        Column("subscribed", "bigint", "People who joined."),
        Column("unsubscribed", "bigint", "People who left."),
    ),
)

# Discussion boards: page_id is the community (negative), chat_id the topic as `topic<id>`.
MESSAGES = messages_table("vk", "VK's discussion boards")

POLLS = RawTable(
    "vk_polls",
    "Polls attached to posts of official communities: one row per poll and reading.",
    (
        Column("owner_id", "bigint", "Owner of the poll, a community is negative.", required=True, key=True),
        Column("poll_id", "bigint", "Poll, unique with its owner.", required=True, key=True),
        Column("page_id", "bigint", "Community on whose wall it was found, negative.", required=True),
        Column("post_id", "bigint", "Post that carries it.", required=True),
        Column("question", "text", "Masked question.", required=True),
        Column("created_at", "timestamp", "Opened, UTC.", required=True),
        Column("ends_at", "timestamp", "Closes, UTC; null without an end."),
        Column("is_multiple", "bool", "Several answers may be chosen."),
        Column("votes", "bigint", "People who voted."),
    ),
)

POLL_OPTIONS = RawTable(
    "vk_poll_options",
    "Answers of those polls: one row per answer and reading.",
    (
        Column("owner_id", "bigint", "Owner of the poll, a community is negative.", required=True, key=True),
        Column("poll_id", "bigint", "Poll, unique with its owner.", required=True, key=True),
        Column("option_id", "bigint", "Answer.", required=True, key=True),
        Column("text", "text", "Masked words of the answer.", required=True),
        Column("votes", "bigint", "Votes at the time of reading.", required=True),
    ),
)

TABLES = (
    COMMUNITIES,
    POSTS,
    COMMENTS,
    COMMENT_READINGS,
    COMMENT_REMOVALS,
    MENTIONS,
    STATS,
    MESSAGES,
    POLLS,
    POLL_OPTIONS,
)
