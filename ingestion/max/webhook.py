"""MAX's updates by webhook: made fit for the disk at the door, read from the journal as if polled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from ingestion.accounting import Tally
from ingestion.inbox.updates import UpdateHandler, kept_updates
from ingestion.max.rows import MAX_OPENED, SAFE_FIELDS, UPDATE, Said, check_messages
from ingestion.max.updates import Update, told
from ingestion.network_rows import ImpossibleDateError, believable
from ingestion.privacy import mask_optional
from ingestion.run import Run


class MaxHandler(UpdateHandler):
    """MAX's Bot API."""

    channel = "max"
    header = "x-max-bot-api-secret"
    safe = SAFE_FIELDS | {"update_type", "message", "body"}

    def identity(self, update: Any) -> str | None:
        return None  # updates have no number

    def check(self, update: Any) -> set[str]:
        tally = Tally()
        tally.unknown_fields |= UPDATE.check("max.messages", [update])
        if update.get("message") is not None:
            check_messages([update["message"]], tally)
        return tally.unknown_fields

    def without_persons(self, update: Any) -> dict[str, Any]:
        return _plain(told(update, self._pseudonyms))

    def moment(self, update: Any, latest: datetime) -> datetime | None:
        try:
            return believable(update["timestamp"] // 1000, MAX_OPENED, latest)
        except ImpossibleDateError:
            return None  # the reader sets it aside


def journalled(run: Run) -> list[Update]:
    """Updates that no committed load has carried, in the order of their time."""
    return sorted(map(_update, kept_updates(run, "max")), key=lambda update: update.stamp)


def _plain(update: Update) -> dict[str, Any]:
    """Plain JSON with the text masked and without numbers of dialogs, which alone are positive."""
    places = tuple(one for n, one in enumerate(update.removed) if n or one[0].startswith("-"))
    update = replace(update, removed=places)
    if update.message is not None:
        update = replace(update, message=replace(update.message, text=mask_optional(update.message.text)))
    return asdict(update)


def _update(content: Mapping[str, Any]) -> Update:
    message, service = content["message"], content["service"]
    if message is not None:
        forward = message["forward_of"]
        message = Said(**{**message, "forward_of": None if forward is None else tuple(forward)})
    return Update(
        stamp=content["stamp"],
        message=message,
        edited=content["edited"],
        removed=tuple((chat, key) for chat, key in content["removed"]),
        service=None if service is None else (service[0], service[1]),
    )
