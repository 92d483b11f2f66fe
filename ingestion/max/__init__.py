"""MAX: channels, discussions, a bot's dialogs."""
