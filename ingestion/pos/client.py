"""ПОС over REST: pages of appeals, in the order of (updated_at, id)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingestion.accounting import Tally
from ingestion.config import PosSource, Region, Settings
from ingestion.errors import ContractBroken
from ingestion.http import Api

APPEALS, VOTES = "api/v1/appeals", "api/v1/votes"


class PosClient:
    """Pages of ПОС appeals for one region; requests and retries are booked on `tally`."""

    def __init__(self, source: PosSource, region: Region, settings: Settings, tally: Tally) -> None:
        assert source.base_url is not None, "the model checks it"  # noqa: S101
        assert source.token_env is not None, "the model checks it"  # noqa: S101
        self._tally = tally
        self._page_size = source.page_size
        self._api = Api(
            title="ПОС",
            base_url=source.base_url,
            token=settings.token(source.token_env, region, "pos"),
            token_name=source.token_env,
            rate=source.requests_per_second,
            patience=settings.patience,
        )
        self._attempts = settings.patience.attempts

    def pages(self, filters: Mapping[str, str], path: str = APPEALS, *, promised: bool) -> Iterator[Any]:
        """Bodies of the pages, in order; `filters` as in the REST contract.

        An empty page is how a page gets lost: it is asked for again, only once where it is the first and
        nothing was `promised`. One that leads to others cannot be empty.
        """
        cursors: set[str] = set()
        params: dict[str, Any] = {**filters, "limit": self._page_size}
        asked = 1
        while True:
            with self._api.booked(self._tally):
                body = self._api.get(path, params)[1]
            following = self._check_cursor(body, cursors)
            if body.get("items") == []:
                most = self._attempts if promised or following or "cursor" in params else 2
                if asked < most:
                    asked += 1
                    self._tally.retries += 1
                    continue
                if following:
                    raise ContractBroken(
                        "pos.appeals: the service sent an empty page that leads to another one",
                        "report it to the service's owner; the cursor has not moved and nothing was kept",
                    )
            yield body
            if following is None:
                return
            asked = 1
            cursors.add(following)
            params["cursor"] = following

    def _check_cursor(self, body: Any, cursors: set[str]) -> str | None:
        """Without next_cursor the rest would silently be missed; a repeated one would never end."""
        if not isinstance(body, dict) or "next_cursor" not in body:
            problem = "pos.appeals: the field next_cursor came as nothing"
        elif not isinstance(body["next_cursor"], str | None):
            problem = "pos.appeals: the field next_cursor came as no text"
        elif body["next_cursor"] in cursors:
            problem = "pos.appeals: the service sent the same next_cursor twice"
        else:
            found: str | None = body["next_cursor"]
            return found
        raise ContractBroken(
            problem, "report it to the owner of the service; the cursor has not moved and nothing was kept"
        )
