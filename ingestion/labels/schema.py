"""Raw tables of labels: what the platform takes messages for. No text and no person stands in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from ingestion.tables import Column, RawTable

LABELS = RawTable(
    "labels",
    "What messages without labels of their own were taken for: one row per message and change of its label.",
    (
        Column(
            "object_ref",
            "text",
            "Message: kind and key, |-separated, as facts name it before hashing.",
            required=True,
            key=True,
        ),
        Column("source", "text", "Source that brought the message.", required=True),
        Column("kind", "text", "complaint, question, proposal, thanks or other; null while unsure."),
        Column("needs_answer", "bool", "An answer is owed, or it cannot be told.", required=True),
        Column("topic_group", "text", "Topic group; null while unsure."),
        Column("topic", "text", "Topic (seed topics) inside that group; null while unsure."),
        Column("territory_id", "text", "Municipality that the text names; null for none or several."),
        Column("tone", "text", "negative, neutral or positive.", required=True),
        Column("confidence", "double", "Of the topic group that is likeliest, 0 to 1.", required=True),
        Column("told_by", "text", "Model that told the topic group, or dictionary.", required=True),
        Column("label_version", "text", "Model, word list, places and code that told it.", required=True),
    ),
)
COPIES = RawTable(
    "copies",
    "Which messages are copies of each other: one row per message and change of what it is a copy of.",
    (
        Column(
            "object_ref",
            "text",
            "Message: kind and key, |-separated, as facts name it before hashing.",
            required=True,
            key=True,
        ),
        Column("source", "text", "Source that brought the message.", required=True),
        Column("cluster_id", "text", "Messages of one cluster share it; null once it is nobody's copy."),
        Column(
            "numbers_key", "text", "Digest of the numbers in its text, house numbers and years; null as well."
        ),
        Column("copies_version", "text", "Code that compared the texts.", required=True),
    ),
)
ANSWERS = RawTable(
    "answer_features",
    "What can be seen in official answers: one row per answer and change of what is seen.",
    (
        Column(
            "object_ref",
            "text",
            "The answer, or the appeal that carries it: kind and key, |-separated, before hashing.",
            required=True,
            key=True,
        ),
        Column("part", "text", "Which answer of that appeal; null where object_ref is the answer.", key=True),
        Column("source", "text", "Source that brought the answer.", required=True),
        Column("answered_at", "timestamp", "When it was given, UTC.", required=True),
        Column("long_enough", "bool", "It has words enough to say something.", required=True),
        Column("names_a_date", "bool", "It names a date or a term.", required=True),
        Column("names_a_deed", "bool", "It tells of something done.", required=True),
        Column("not_sent_elsewhere", "bool", "It does not send the citizen elsewhere.", required=True),
        Column("not_interim", "bool", "Its words do not put off the answer.", required=True),
        Column("likeness_key", "text", "Shared by answers alike, numbers aside; null for very short ones."),
        Column("sketch", "text", "MinHash by which later answers are found to be like it; null for most."),
        Column("answers_version", "text", "Code that looked at it.", required=True),
    ),
)
TABLES = (LABELS,)
COPIES_TABLES = (COPIES,)
ANSWERS_TABLES = (ANSWERS,)
_HASH = re.compile("[0-9a-f]{32}")
_PERSONS_WALL = re.compile(r"(vk_(?:post|comment)\|)([1-9]\d*)(\|.*)")


def appeal_id_of(region_id: str, object_ref: str) -> str:
    """What facts call the message: the hash that `surrogate_key` (dbt_project/macros) makes."""
    return hashlib.md5(f"{region_id}|{object_ref}".encode(), usedforsecurity=False).hexdigest()


def under_new_key(object_ref: str, onward: Callable[[str], str], onward_number: Callable[[int], int]) -> str:
    """The reference after a new key: in networks a chat, a message or a wall can be a person's hash."""
    if wall := _PERSONS_WALL.fullmatch(object_ref):
        return f"{wall[1]}{onward_number(int(wall[2]))}{wall[3]}"
    kind, *keys = object_ref.split("|")
    if not kind.endswith(("_message", "_post")):
        return object_ref
    page, *rest = keys
    return "|".join([kind, page, *(onward(key) if _HASH.fullmatch(key) else key for key in rest)])
