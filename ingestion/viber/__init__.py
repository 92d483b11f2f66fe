"""Viber: a bot's chats, received by the inbox."""
