"""GeoReport v2 over HTTP: windows small enough to fit into one answer, so that nothing moves while paging."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import SecretStr

from ingestion.accounting import Tally
from ingestion.clock import iso_z
from ingestion.config import Region, Settings
from ingestion.errors import ContractBroken
from ingestion.http import Api
from ingestion.region import Open311Source

LONGEST = timedelta(days=90)
_SHORTEST = timedelta(seconds=1)
_MAX_PAGES = 10_000
Filter = Literal["requested", "updated"]
_PARAMETERS: dict[Filter, tuple[str, str]] = {
    "requested": ("start_date", "end_date"),
    "updated": ("updated_after", "updated_before"),
}


class Open311Client:
    """Requests of one service; what is sent is booked on `tally`."""

    def __init__(self, source: Open311Source, region: Region, settings: Settings, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._attempts = settings.patience.attempts
        key = settings.token(source.api_key_env, region, "open311") if source.api_key_env else None
        self._api = Api(
            title="Open311",
            base_url=source.base_url,
            # The pace is kept per token; a service without one has its address instead.
            token=key or SecretStr(source.base_url),
            token_name=source.api_key_env or "sources.open311",
            rate=source.requests_per_second,
            patience=settings.patience,
            auth="elsewhere",
        )
        self._common: dict[str, Any] = {}
        if source.jurisdiction_id:
            self._common["jurisdiction_id"] = source.jurisdiction_id
        if key is not None and source.api_key_header:
            self._api.session.headers[source.api_key_header] = key.get_secret_value()
        elif key is not None:
            self._common["api_key"] = key.get_secret_value()

    def services(self) -> Any:
        """The list of request types: the cheapest sign that the service is the right one."""
        return self._get("services.json", {})

    def requests(self, by: Filter, since: datetime, until: datetime) -> Iterator[list[Any]]:
        """Pages of requests in [since, until], in windows of at most 90 days.

        A full answer may be cut off: its window is halved until the answer is not full. Requests never
        change when they were made, so that halves lose nothing, whatever happens meanwhile.
        """
        begin = since
        while begin < until:
            end = min(begin + LONGEST, until)
            yield from self._window(by, begin, end)
            begin = end

    def _window(
        self, by: Filter, since: datetime, until: datetime, *, is_half: bool = False
    ) -> Iterator[list[Any]]:
        page = self._page(by, since, until, 1, self._attempts if is_half else 2)
        if len(page) < self._source.page_size:
            yield page
        elif until - since > _SHORTEST:
            middle = (since + (until - since) / 2).replace(microsecond=0)
            if middle <= since:
                middle = since + _SHORTEST
            yield from self._window(by, since, middle, is_half=True)
            yield from self._window(by, middle, until, is_half=True)
        else:
            yield from self._pages(by, since, until, page)

    def _pages(self, by: Filter, since: datetime, until: datetime, first: list[Any]) -> Iterator[list[Any]]:
        """A second that holds more than one page: here pages have to be walked."""
        page, number = first, 1
        while True:
            yield page
            if len(page) < self._source.page_size:
                return
            number += 1
            following = self._page(by, since, until, number)
            if following == page or number > _MAX_PAGES:
                raise ContractBroken(
                    f"open311.requests: page {number} of one second repeats the page before it",
                    "ask the service's owner whether it can page; nothing of this load was kept",
                )
            page = following

    def _page(self, by: Filter, since: datetime, until: datetime, number: int, tries: int = 2) -> list[Any]:
        """One answer. An empty one is asked for again, up to `tries` times: that is how an answer gets lost,
        and nobody would ask for the window again. Half of a full window is hardly ever empty."""
        first, last = _PARAMETERS[by]
        window = {first: iso_z(since), last: iso_z(until)}
        paging = {"page": number, "page_size": self._source.page_size}
        body = self._get("requests.json", {**window, **paging})
        while body == [] and tries > 1:
            tries -= 1
            self._tally.retries += 1
            body = self._get("requests.json", {**window, **paging})
        if not isinstance(body, list):
            raise ContractBroken(
                "open311.requests: the answer is no list of requests",
                "check base_url (it ends before /requests.json); nothing of this load was kept",
            )
        return body

    def _get(self, path: str, params: dict[str, Any]) -> Any:
        with self._api.booked(self._tally):
            return self._api.get(path, {**self._common, **params})[1]
