"""Telegram's objects: their agreed shapes, and who speaks in a message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.accounting import Tally
from ingestion.errors import ContractBroken
from ingestion.network_rows import page_row
from ingestion.shape import FLAG, NUMBER, OBJECT, TEXT, Shape, names
from ingestion.tables import Row

TELEGRAM_OPENED = datetime(2013, 8, 14)  # noqa: DTZ001 - naive UTC, as everywhere in the warehouse

MESSAGE_KINDS = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_message",
    "edited_business_message",
)
REMOVED = "deleted_business_messages"

UPDATE = Shape(
    required={"update_id": NUMBER},
    optional=dict.fromkeys((*MESSAGE_KINDS, REMOVED), OBJECT),
    ignored=names(
        """
        business_connection guest_message message_reaction message_reaction_count inline_query
        chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media poll
        poll_answer my_chat_member chat_member chat_join_request chat_boost removed_chat_boost managed_bot
        """
    ),
)
# What nobody said: the client reports that something happened in the chat.
SERVICE = names(
    """
    new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title new_chat_photo
    delete_chat_photo group_chat_created supergroup_chat_created channel_chat_created
    message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message invoice
    successful_payment refunded_payment users_shared chat_shared gift unique_gift gift_upgrade_sent
    connected_website write_access_allowed passport_data proximity_alert_triggered boost_added
    chat_background_set checklist_tasks_done checklist_tasks_added direct_message_price_changed
    forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened
    general_forum_topic_hidden general_forum_topic_unhidden giveaway_created giveaway giveaway_winners
    giveaway_completed managed_bot_created paid_message_price_changed poll_option_added
    poll_option_deleted suggested_post_approved suggested_post_approval_failed suggested_post_declined
    suggested_post_paid suggested_post_refunded video_chat_scheduled video_chat_started video_chat_ended
    video_chat_participants_invited web_app_data
    """
)
MESSAGE = Shape(
    required={"message_id": NUMBER, "date": NUMBER, "chat": OBJECT},
    optional={
        "from": OBJECT,
        "sender_chat": OBJECT,
        "sender_business_bot": OBJECT,
        "message_thread_id": NUMBER,
        "reply_to_message": OBJECT,
        "is_automatic_forward": FLAG,
        "forward_origin": OBJECT,
        "business_connection_id": TEXT,
        "edit_date": NUMBER,
        "text": TEXT,
        "caption": TEXT,
    },
    ignored=SERVICE
    | names(
        """
        direct_messages_topic sender_boost_count sender_tag guest_query_id is_topic_message external_reply
        quote reply_to_story reply_to_checklist_task_id reply_to_poll_option_id via_bot
        guest_bot_caller_user guest_bot_caller_chat has_protected_content is_from_offline is_paid_post
        media_group_id author_signature paid_star_count entities link_preview_options suggested_post_info
        effect_id rich_message animation audio document live_photo paid_media photo sticker story video
        video_note voice caption_entities show_caption_above_media has_media_spoiler checklist contact dice
        game poll venue location reply_markup
        """
    ),
)
CHAT = Shape(
    required={"id": NUMBER, "type": TEXT},
    optional={
        "title": TEXT,
        "username": TEXT,
        "description": TEXT,
        "linked_chat_id": NUMBER,
        "photo": OBJECT,
    },
)
SENDER = Shape(required={"id": NUMBER}, optional={"is_bot": FLAG, "type": TEXT})
ORIGIN = Shape(required={"type": TEXT}, optional={"message_id": NUMBER, "chat": OBJECT})
REMOVAL = Shape(
    required={"business_connection_id": TEXT, "chat": OBJECT, "message_ids": (list,)}, optional={}
)
USER = Shape(required={"id": NUMBER}, optional={"first_name": TEXT, "username": TEXT})

# What quarantine may show of a message: nothing that names a person or a chat.
SAFE_FIELDS = frozenset({"message_id", "date", "edit_date", "text", "caption", "message_thread_id"})


def check_messages(messages: list[Any], tally: Tally) -> None:
    """The agreed shape of messages and of what they hold, or ContractBroken."""
    tally.unknown_fields |= MESSAGE.check("telegram.messages", messages)
    replies = [one["reply_to_message"] for one in messages if one.get("reply_to_message") is not None]
    tally.unknown_fields |= MESSAGE.check("telegram.messages.reply_to_message", replies)
    every = [*messages, *replies]
    if nulls := {name for one in every for name, value in one.items() if value is None}:
        raise ContractBroken(
            f"telegram.messages: {', '.join(sorted(nulls))} came as null, which Telegram never sends",
            "check base_url; nothing of this load was kept and nothing was confirmed",
        )
    CHAT.check("telegram.messages.chat", [one["chat"] for one in every])
    for name in ("from", "sender_chat"):
        SENDER.check(f"telegram.messages.{name}", [one[name] for one in every if one.get(name) is not None])
    origins = [one["forward_origin"] for one in every if one.get("forward_origin") is not None]
    ORIGIN.check("telegram.messages.forward_origin", origins)


def check_updates(updates: list[dict[str, Any]], tally: Tally) -> None:
    """The agreed shape of all that updates hold, or ContractBroken."""
    messages = [update[kind] for update in updates for kind in MESSAGE_KINDS if kind in update]
    check_messages(messages, tally)
    removals = [update[REMOVED] for update in updates if update.get(REMOVED) is not None]
    REMOVAL.check("telegram.messages.deleted", removals)
    CHAT.check("telegram.messages.deleted.chat", [removal["chat"] for removal in removals])


def text_of(message: Mapping[str, Any]) -> str | None:
    """What was written, be it beneath a picture; None where nothing was."""
    text = message.get("text")
    found: str | None = message.get("caption") if text is None else text
    return found


def is_service(message: Mapping[str, Any]) -> bool:
    """Nobody's words: a report of the client, or a command to the bot."""
    return not SERVICE.isdisjoint(message) or (message.get("text") or "").startswith("/")


def origin_post(message: Mapping[str, Any]) -> int | None:
    """The channel's own number of a post that was forwarded into the discussion."""
    origin = message.get("forward_origin")
    if not message.get("is_automatic_forward") or origin is None:
        return None
    number: int | None = origin.get("message_id")
    return number


def channel_row(chat: Mapping[str, Any], name: str, members: int | None) -> Row:
    """A channel as it describes itself."""
    return page_row(
        str(chat["id"]),
        kind="page",
        name=chat.get("title"),
        link_name=chat.get("username") or name,
        members_count=members,
        description=chat.get("description"),
        has_avatar=chat.get("photo") is not None,
    )


def bot_row(user: Mapping[str, Any]) -> Row:
    """The bot itself."""
    return page_row(str(user["id"]), kind="bot", name=user.get("first_name"), link_name=user.get("username"))
