"""Calls Telegram's Bot API. The token is part of the path, so no path ever gets into a message or a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.accounting import Tally
from ingestion.config import Region, Settings, TelegramSource
from ingestion.errors import ConfigError, ContractBroken, RequestRefused
from ingestion.http import Api

# Why a chat cannot be read; everything else that is refused ends the load.
_NO_CHAT = {400: "not found", 403: "the bot is no member"}
_CONFLICT = 409


@dataclass(frozen=True)
class Skipped:
    """Telegram will not show this chat; the reason is one sentence's part."""

    reason: str


class TelegramClient:
    """One bot. Requests and repeats are booked on the tally that each call is given."""

    def __init__(self, source: TelegramSource, region: Region, settings: Settings) -> None:
        self._token_name = source.token_env
        self._token = settings.token(source.token_env, region, "telegram")
        if not self.bot_id.isdigit():
            raise ConfigError(
                f"The variable {source.token_env} does not hold a bot's token, which begins with its number",
                "put the token that @BotFather gave into it",
            )
        self._api = Api(
            title="Telegram",
            base_url=source.base_url,
            token=self._token,
            token_name=source.token_env,
            rate=source.requests_per_second,
            patience=settings.patience,
            auth="elsewhere",
        )

    @property
    def bot_id(self) -> str:
        """The bot's number: it stands before the colon and is no secret."""
        return self._token.get_secret_value().partition(":")[0]

    def call(self, method: str, params: Mapping[str, Any], tally: Tally) -> Any:
        """The method's result, or Skipped for a chat that cannot be read; an IngestionError otherwise."""
        path = f"bot{self._token.get_secret_value()}/{method}"
        accept = {_CONFLICT, *(_NO_CHAT if "chat_id" in params else ())}
        with self._api.booked(tally):
            status, body = self._api.get(path, params, accept)
        if status == _CONFLICT:
            raise RequestRefused(
                f"Telegram refuses {method}: a webhook is set for the bot, or another program reads it",
                "end the other program or call deleteWebhook, then run again",
            )
        if status in _NO_CHAT:
            return Skipped(_NO_CHAT[status])
        if not isinstance(body, dict) or body.get("ok") is not True or "result" not in body:
            raise ContractBroken(
                f"telegram.{method}: the answer has no result",
                "check base_url; nothing of this load was kept",
            )
        return body["result"]
