"""Telegram: channels, discussions, a bot's chats."""
