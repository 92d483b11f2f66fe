"""ПОС over REST: pages of appeals, in the order of (updated_at, id)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

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
        self._rest = RESTClient(
            base_url=source.base_url,
            session=self._api.session,
            paginator=JSONResponseCursorPaginator(cursor_path="next_cursor", cursor_param="cursor"),
            data_selector="$",
        )

    def pages(self, filters: Mapping[str, str], path: str = APPEALS) -> Iterator[Any]:
        """Bodies of the pages, in order; `filters` as in the REST contract."""
        cursors: set[str] = set()
        with self._api.failures_as_sentences():
            for page in self._rest.paginate(path, params={**filters, "limit": self._page_size}):
                self._api.calls += 1
                self._tally.requests = self._api.attempts
                self._tally.retries = self._api.attempts - self._api.calls
                body = page[0] if page else None
                self._check_cursor(body, cursors)
                yield body

    def _check_cursor(self, body: Any, cursors: set[str]) -> None:
        """Without next_cursor the rest would silently be missed; a repeated one would never end."""
        if not isinstance(body, dict) or "next_cursor" not in body:
            problem = "pos.appeals: the field next_cursor came as nothing"
        elif body["next_cursor"] in cursors:
            problem = "pos.appeals: the service sent the same next_cursor twice"
        else:
            if body["next_cursor"] is not None:
                cursors.add(body["next_cursor"])
            return
        raise ContractBroken(
            problem, "report it to the owner of the service; the cursor has not moved and nothing was kept"
        )
