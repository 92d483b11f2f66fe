"""HTTP as every API source uses it: paced per token, patient with faults, bounded in time and size.

Retries and back-off are dlt's `Client`; this adapter adds what it lacks: a rate limit that also counts
repeats, and deadlines for the head and the whole body, because a read time-out alone never ends a slow drip.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
import requests
from dlt.sources.helpers.requests.retry import Client, RetryPredicate
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ContentDecodingError,
    ReadTimeout,
    Timeout,
    TooManyRedirects,
)
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from ingestion.accounting import Tally
from ingestion.clocks import compare_clocks
from ingestion.config import Patience
from ingestion.deadline import bound
from ingestion.errors import AccessRefused, RequestRefused, SourceDown
from ingestion.events import current, new_id

MAX_BODY_BYTES = 256 * 2**20
_CHUNK = 2**16
_SPAN = 1.02  # seconds per `rate` requests: the margin absorbs jitter between our clock and theirs
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}")


class Pace:
    """At most `rate` requests in any second, over all threads and sources that share a token."""

    def __init__(self, rate: float) -> None:
        self._slots = max(1, int(rate))
        self._span = _SPAN * self._slots / rate
        self._sent: deque[float] = deque(maxlen=self._slots)
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when one more request is allowed."""
        with self._lock:
            if len(self._sent) == self._slots:
                time.sleep(max(0.0, self._sent[0] + self._span - time.monotonic()))
            self._sent.append(time.monotonic())


_paces: dict[tuple[str, float], Pace] = {}
_paces_lock = threading.Lock()


def pace_of(token: SecretStr, rate: float) -> Pace:
    """The one pace of this token in this process; the token itself is not kept."""
    key = (hashlib.sha256(token.get_secret_value().encode()).hexdigest(), rate)
    with _paces_lock:
        return _paces.setdefault(key, Pace(rate))


class Api:
    """One source's API. `attempts` counts every request sent, `calls` the ones that were wanted."""

    def __init__(
        self,
        title: str,
        base_url: str,
        token: SecretStr,
        token_name: str,
        rate: float,
        patience: Patience,
        retry_on: RetryPredicate | None = None,
        auth: Literal["bearer", "header", "elsewhere"] = "bearer",
    ) -> None:
        """`auth`: the token travels as a bearer token, as the bare `Authorization` header, or where the
        caller puts it: into the path or the form."""
        self.title = title
        self.base_url = base_url
        self.token_name = token_name
        self.calls = 0
        self._adapter = _PoliteAdapter(title, pace_of(token, rate), patience)
        client = Client(
            request_timeout=(patience.connect_timeout, patience.read_timeout),
            raise_for_status=False,
            exceptions=(ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError),
            request_max_attempts=patience.attempts,
            request_backoff_factor=patience.first_wait,
            request_max_retry_delay=patience.longest_wait,
            retry_condition=retry_on,
        )
        self.session = client.session
        self.session.mount("http://", self._adapter)
        self.session.mount("https://", self._adapter)
        if auth == "bearer":
            self.session.auth = BearerTokenAuth(token.get_secret_value())
        elif auth == "header":
            self.session.headers["Authorization"] = token.get_secret_value()
        else:
            # urllib3 logs paths, and a token may be part of one.
            logging.getLogger("urllib3").setLevel(logging.ERROR)
        self.session.max_redirects = 0  # a redirect could carry the token elsewhere

    @property
    def attempts(self) -> int:
        return self._adapter.sent

    def post(self, path: str, form: Mapping[str, str]) -> Any:
        """POST a form and return the parsed JSON body."""
        return self._settled(self._sent("POST", path, data=form))[1]

    def get(self, path: str, params: Mapping[str, Any], accept: Collection[int] = ()) -> tuple[int, Any]:
        """GET: status and parsed JSON body. Besides 2xx only the statuses in `accept` come back, with None
        as body where it is no JSON; every other one is an error."""
        return self._settled(self._sent("GET", path, params=params), accept)

    @contextmanager
    def booked(self, tally: Tally) -> Iterator[None]:
        """What is sent meanwhile is booked on `tally`, whether it succeeds or not."""
        sent, wanted = self.attempts, self.calls
        try:
            yield
        finally:
            attempts = self.attempts - sent
            tally.requests += attempts
            tally.retries += max(0, attempts - max(1, self.calls - wanted))

    def _sent(self, verb: str, path: str, **content: Any) -> requests.Response:
        with self.failures_as_sentences():
            return self.session.request(verb, f"{self.base_url}/{path}", **content)

    def _settled(self, response: requests.Response, accept: Collection[int] = ()) -> tuple[int, Any]:
        if response.status_code >= 400 and response.status_code not in accept:
            raise self._refusal(response)
        self.calls += 1
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, None

    @contextmanager
    def failures_as_sentences(self) -> Iterator[None]:
        """What requests raises after all retries → one of our errors. No address carries a token."""
        try:
            yield
        except requests.HTTPError as error:
            raise self._refusal(error.response) from None
        except TooManyRedirects:
            raise RequestRefused(
                f"{self.title} at {self._host} redirects elsewhere", "correct base_url in the region's file"
            ) from None
        except (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError) as error:
            raise SourceDown(
                f"{self.title} at {self._host} {_symptom(error)}, {self.attempts} requests were sent",
                "check that the service is up and base_url is right, then run again",
            ) from None

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).netloc

    def _refusal(self, response: requests.Response | None) -> Exception:
        assert response is not None, "raise_for_status always gives it"  # noqa: S101
        status = response.status_code
        said = f"{self.title} at {self._host} answers HTTP {status}{_error_code(response)}"
        if status in (401, 403):
            return AccessRefused(
                f"{said} to the token in {self.token_name}", f"put a valid token into {self.token_name}"
            )
        if status == 429 or status >= 500:
            return SourceDown(f"{said} after all retries", "wait until the service recovers, then run again")
        return RequestRefused(said, "check base_url in the region's file and the version of the service")


class _PoliteAdapter(HTTPAdapter):
    """Waits for the token's pace, then reads and parses the whole body before a deadline. Each request is a
    line in the log of events."""

    def __init__(self, title: str, pace: Pace, patience: Patience) -> None:
        super().__init__()
        self._title, self._tolerance = title, patience.clock_tolerance
        self._pace = pace
        log = current()
        self._log = None if log is None else log.bind(api=title, client=new_id())
        self._deadline = patience.response_deadline
        bound(self.poolmanager, patience.response_deadline)
        self.sent = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._pace.wait()
        self.sent += 1
        begun = time.monotonic()
        try:
            response = self._answered(request, *args, **kwargs)
        except Exception as error:
            self._note(request, begun, failed=type(error).__name__)
            raise
        self._note(request, begun, status=response.status_code, bytes=len(response.content))
        compare_clocks(self._title, response.headers.get("Date"), self._tolerance)
        return response

    def _note(self, request: requests.PreparedRequest, begun: float, **came: str | int) -> None:
        if self._log is None:
            return
        # Of the address only its last part: before it a token may stand, and behind it what was asked.
        method = urlsplit(request.url or "").path.rpartition("/")[2][:60]
        seconds = round(time.monotonic() - begun, 3)
        write = self._log.info if came.get("status", 500) == 200 else self._log.warning
        write("request", request=self.sent, verb=request.method, method=method, seconds=seconds, **came)

    def _answered(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        deadline = time.monotonic() + self._deadline
        kwargs["stream"] = True
        response = super().send(request, *args, **kwargs)
        body = _read(response, deadline)
        response._content = body
        if response.status_code == 429 and "Retry-After" not in response.headers:
            _add_hint(response, body)
        if 200 <= response.status_code < 300:
            try:
                parsed = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise ContentDecodingError("the body is not JSON") from error
            # Parsed once and fast; dlt's paginator and selector ask for it repeatedly.
            response.json = lambda **_: parsed  # type: ignore[method-assign]
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise ContentDecodingError("the body is too large")
            if time.monotonic() > deadline:
                raise ReadTimeout("the body came too slowly")
    except ReadTimeoutError as error:
        raise ReadTimeout(str(error)) from error
    except DecodeError as error:
        raise ContentDecodingError("the body is not what its encoding says") from error
    except HTTPError as error:
        raise ChunkedEncodingError("the body ended early") from error
    finally:
        response.close()
    return b"".join(chunks)


def _add_hint(response: requests.Response, body: bytes) -> None:
    """Telegram says within the body how long to wait; the retries look for it in the header."""
    try:
        seconds = orjson.loads(body)["parameters"]["retry_after"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return
    if type(seconds) is int and seconds > 0:
        response.headers["Retry-After"] = str(seconds)


def _symptom(error: Exception) -> str:
    if isinstance(error, Timeout):
        return "does not answer in time"
    if isinstance(error, ContentDecodingError):
        return "does not answer with readable JSON"
    if isinstance(error, ChunkedEncodingError):
        return "breaks its answers off"
    return "cannot be reached"


def _error_code(response: requests.Response) -> str:
    """The service's own error code, if it looks like one: free text could repeat what we sent."""
    try:
        code = orjson.loads(response.content)["error"]["code"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, str) and _CODE.fullmatch(code) else ""
