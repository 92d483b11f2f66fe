"""MAX's updates by webhook: made fit for the disk at the door, read from the journal as if polled."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from ingestion.accounting import Tally
from ingestion.errors import ContractBroken
from ingestion.inbox.drain import taken
from ingestion.inbox.handlers import Received, Request, broken_id
from ingestion.max.rows import MAX_OPENED, SAFE_FIELDS, UPDATE, Said, check_messages
from ingestion.max.updates import Update, told
from ingestion.network_rows import ImpossibleDateError, believable
from ingestion.privacy import Pseudonyms, clean, mask, mask_optional, safe_payload
from ingestion.run import Run

UPDATES_PER_LOAD = 5_000
_SAFE = SAFE_FIELDS | {"update_type", "message", "body"}


class MaxHandler:
    """MAX: a secret in a header of every delivery."""

    channel = "max"
    thanks = ""

    def __init__(self, secret: SecretStr, pseudonyms: Pseudonyms) -> None:
        self._secret, self._pseudonyms = secret, pseudonyms

    def verify(self, request: Request) -> bool:
        given = request.headers.get("x-max-bot-api-secret", "")
        return hmac.compare_digest(self._secret.get_secret_value().encode(), clean(given).encode())

    def reply(self, request: Request) -> str | None:
        return None

    def receive(self, request: Request, latest: datetime) -> Received:
        update = request.event
        # Updates have no number: what one says is what it is known by.
        received = Received(self._pseudonyms.author_key("inbox:max", request.body.decode("utf-8", "replace")))
        try:
            received.unknown = sorted(_check(update))
        except ContractBroken as error:
            received.event_id = broken_id(self._pseudonyms, self.channel, request)
            received.problem = {
                "resource": "messages",
                "reason": "unreadable update",
                "detail": mask(error.problem),
                "payload": safe_payload(update, _SAFE),
            }
            return received
        received.update = _plain(told(update, self._pseudonyms))
        try:
            received.happened_at = believable(update["timestamp"] // 1000, MAX_OPENED, latest)
        except ImpossibleDateError:
            received.happened_at = None  # the reader sets it aside
        return received


def journalled(run: Run) -> list[Update]:
    """Updates that no committed load has carried, in the order of their time."""
    tally, found = run.tallies["messages"], []
    for content in taken(run, "max", UPDATES_PER_LOAD):
        tally.unknown_fields.update(content.get("unknown", ()))
        if content.get("update") is not None:
            found.append(_update(content["update"]))
    return sorted(found, key=lambda update: update.stamp)


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


def _check(update: Any) -> set[str]:
    """Names of unknown fields; ContractBroken where the update is not of the agreed shape."""
    tally = Tally()
    tally.unknown_fields |= UPDATE.check("max.messages", [update])
    if update.get("message") is not None:
        check_messages([update["message"]], tally)
    return tally.unknown_fields
