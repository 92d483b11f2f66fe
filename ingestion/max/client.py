"""Calls MAX's Bot API: one bot, whose token travels in the Authorization header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.accounting import Tally
from ingestion.config import MaxSource, Region, Settings
from ingestion.errors import ContractBroken, RequestRefused
from ingestion.http import Api
from ingestion.shape import page_items

PAGE = 100  # chats or messages of one call
_NO_CHAT = {403: "the bot has no access", 404: "not found"}
_NOT_ALLOWED = 405


@dataclass(frozen=True)
class Skipped:
    """MAX will not show this chat; the reason is one sentence's part."""

    reason: str


class MaxClient:
    """Requests and repeats are booked on the tally that each call is given."""

    def __init__(self, source: MaxSource, region: Region, settings: Settings) -> None:
        self._attempts = settings.patience.attempts
        self._api = Api(
            title="MAX",
            base_url=source.base_url,
            token=settings.token(source.token_env, region, "max"),
            token_name=source.token_env,
            rate=source.requests_per_second,
            patience=settings.patience,
            auth="header",
        )

    def call(self, path: str, params: Mapping[str, Any], tally: Tally) -> Any:
        """The answer's body, or Skipped for a chat that cannot be read; an IngestionError otherwise."""
        chat = path.startswith("chats/") or path == "messages"
        accept = {_NOT_ALLOWED, *(_NO_CHAT if chat else ())}
        with self._api.booked(tally):
            status, body = self._api.get(path, params, accept)
        if status == _NOT_ALLOWED:
            raise RequestRefused(
                f"MAX refuses {path.partition('/')[0]}: a webhook is subscribed to the bot's updates",
                "delete the subscription, then run again",
            )
        if status in _NO_CHAT:
            return Skipped(_NO_CHAT[status])
        return body

    def message(self, mid: str, tally: Tally) -> list[Any]:
        """The message of that number in a list; an empty one where MAX does not show it."""
        page: list[Any] = []
        for attempt in range(self._attempts):
            answer = self.call("messages", {"message_ids": mid}, tally)
            if isinstance(answer, Skipped):
                return []
            page = page_items("max.messages", answer, "messages")
            if page:
                break
            tally.retries += attempt > 0  # that is how an answer gets lost
        return page

    def chats(self, tally: Tally, *, promised: bool) -> Iterator[Any]:
        """Every chat the bot sits in; `promised`: it is known to sit in some."""
        marker: Any = None
        seen: set[Any] = set()
        asked = 1
        while True:
            params = {"count": PAGE} | ({} if marker is None else {"marker": marker})
            answer = self.call("chats", params, tally)
            page = page_items("max.chats", answer, "chats")
            promised = promised or marker is not None or answer.get("marker") is not None
            if not page and promised and asked < self._attempts:
                asked += 1
                tally.retries += 1  # that is how a page gets lost
                continue
            asked = 1
            yield from page
            marker = answer.get("marker")
            if marker is None:
                return
            if marker in seen:
                raise ContractBroken(
                    "max.chats: the service sent the same marker twice",
                    "report it to MAX's support; nothing of this load was kept",
                )
            seen.add(marker)

    def history(self, chat: int, since_ms: int, tally: Tally) -> list[Any] | Skipped:
        """Messages of a chat not older than `since_ms`, in the order of their time, each once.

        MAX goes backwards from the newest. An empty page after a full one, or one that does not go further
        back, is asked for again, since that is how a page gets lost.
        """
        found: dict[str, Any] = {}
        newest: int | None = None
        again = 0
        while True:
            params = {"chat_id": chat, "to": since_ms, "count": PAGE}
            answer = self.call("messages", params | ({} if newest is None else {"from": newest}), tally)
            if isinstance(answer, Skipped):
                return answer
            page = page_items("max.messages", answer, "messages")
            stamps = [one["timestamp"] for one in page if _is_message(one)]
            if len(stamps) < len(page):
                return page  # of another shape, which the caller will say
            found |= {one["body"]["mid"]: one for one in page}
            oldest = min(stamps, default=None)
            stuck = oldest is not None and newest is not None and oldest > newest
            if (not page or stuck) and again < self._attempts and (stuck or newest is not None or again == 0):
                again += 1
                tally.retries += 1
                continue
            if stuck:
                raise ContractBroken(
                    "max.messages: the service repeats a page of a chat's history",
                    "report it to MAX's support; nothing of this load was kept",
                )
            if oldest is None or len(page) < PAGE:
                return sorted(found.values(), key=lambda one: int(one["timestamp"]))
            again, newest = 0, oldest - 1


def _is_message(one: Any) -> bool:
    if not isinstance(one, dict) or type(one.get("timestamp")) is not int:
        return False
    body = one.get("body")
    return isinstance(body, dict) and isinstance(body.get("mid"), str)
