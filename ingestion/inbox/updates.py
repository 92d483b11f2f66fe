"""Networks whose updates become rows only with state: the door keeps the update itself, without persons.

What makes rows needs to know more than one update says (which thread belongs to which post), so the journal
holds the updates and a load reads them as if it had polled.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar

from pydantic import SecretStr

from ingestion.errors import ContractBroken
from ingestion.inbox.drain import taken
from ingestion.inbox.handlers import Received, Request, broken_id
from ingestion.privacy import Pseudonyms, clean, mask, safe_payload
from ingestion.run import Run

UPDATES_PER_LOAD = 5_000


class UpdateHandler(ABC):
    """A network that proves itself by a secret in a header of every delivery."""

    channel: str
    thanks = ""
    header: ClassVar[str]  # lower case
    safe: ClassVar[Collection[str]]  # fields that quarantine may show

    def __init__(self, secret: SecretStr, pseudonyms: Pseudonyms) -> None:
        self._secret, self._pseudonyms = secret, pseudonyms

    def verify(self, request: Request) -> bool:
        given = request.headers.get(self.header, "")
        return hmac.compare_digest(self._secret.get_secret_value().encode(), clean(given).encode())

    def reply(self, request: Request) -> str | None:
        return None

    def receive(self, request: Request, latest: datetime) -> Received:
        update = request.event
        identity = self.identity(update) or request.body.decode("utf-8", "replace")
        received = Received(self._pseudonyms.author_key(f"inbox:{self.channel}", identity))
        try:
            received.unknown = sorted(self.check(update))
        except ContractBroken as error:
            received.event_id = broken_id(self._pseudonyms, self.channel, request)
            received.problem = {
                "resource": "messages",
                "reason": "unreadable update",
                "detail": mask(error.problem),
                "payload": safe_payload(update, self.safe),
            }
            return received
        received.update = self.without_persons(update)
        received.happened_at = self.moment(update, latest)
        return received

    @abstractmethod
    def identity(self, update: Any) -> str | None:
        """The network's own number of the update; None where what it says is what it is known by."""

    @abstractmethod
    def check(self, update: Any) -> set[str]:
        """Names of unknown fields; ContractBroken where the update is not of the agreed shape."""

    @abstractmethod
    def without_persons(self, update: Any) -> dict[str, Any]:
        """A checked update as plain JSON: texts masked, nothing that says who a person is."""

    @abstractmethod
    def moment(self, update: Any, latest: datetime) -> datetime | None:
        """When the update came about, naive UTC; None where it does not say believably."""


def kept_updates(run: Run, channel: str) -> list[dict[str, Any]]:
    """Updates without persons that no committed load has carried, as they came; unknown fields are noted."""
    tally, found = run.tallies["messages"], []
    for content in taken(run, channel, UPDATES_PER_LOAD):
        tally.unknown_fields.update(content.get("unknown", ()))
        if content.get("update") is not None:
            found.append(content["update"])
    return found
