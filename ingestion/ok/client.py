"""Calls OK's `fb.do`: signed, one at a time, with its errors sorted by what to do about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from ingestion.accounting import Tally
from ingestion.config import OkSource, Region, Settings
from ingestion.errors import AccessRefused, ContractBroken, IngestionError, RequestRefused, SourceDown
from ingestion.http import Api

PAGE = 100  # objects of one call

RETRY = frozenset({1, 2, 8})
STOP_FOR_TODAY = frozenset({11})
SKIP = {
    7: "closed or blocked",
    10: "the token's owner may not see it",
    106: "unknown",
    300: "not found",
    454: "closed or blocked",
    455: "closed or blocked",
}
_FAIL: dict[int, tuple[type[IngestionError], str, str]] = {
    3: (RequestRefused, "OK knows no such method", "check base_url in the region's file"),
    9: (AccessRefused, "our address is blocked", "ask OK's support to unblock it"),
    100: (RequestRefused, "a parameter is wrong", "check the pages of the region's file"),
    101: (AccessRefused, "the application key is wrong", "correct application_key in the region's file"),
    102: (AccessRefused, "the session has expired", "put a new eternal token into {token}"),
    103: (AccessRefused, "the token is not valid", "put a valid token into {token}"),
    104: (
        AccessRefused,
        "the signature is wrong",
        "put the application's secret key into {secret} and check application_key",
    ),
    200: (AccessRefused, "the application lacks a right", "ask for the rights named in docs/sources/ok.md"),
    401: (AccessRefused, "the token is not valid", "put a valid token into {token}"),
    451: (AccessRefused, "the session is missing", "put a valid token into {token}"),
    453: (AccessRefused, "the session is not valid", "put a valid token into {token}"),
}


@dataclass(frozen=True)
class Skipped:
    """OK will not show this object; the reason is one of SKIP."""

    reason: str


class MethodStopped(Exception):  # noqa: N818 - a signal within this package, not a failure
    """The method's limit is reached: nothing more of it today."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.method = method


class OkClient:
    """OK for one region. Requests and repeats are booked on the tally that each call is given."""

    def __init__(self, source: OkSource, region: Region, settings: Settings) -> None:
        self._names = {"token": source.access_token_env, "secret": source.application_secret_env}
        self._key = source.application_key
        self._token = settings.token(source.access_token_env, region, "ok", "access_token_env")
        self._secret = settings.token(source.application_secret_env, region, "ok", "application_secret_env")
        self._api = Api(
            title="OK",
            base_url=source.base_url,
            token=self._token,
            token_name=source.access_token_env,
            rate=source.requests_per_second,
            patience=settings.patience,
            retry_on=_asks_to_retry,
            auth="elsewhere",
        )

    def call(self, method: str, params: Mapping[str, Any], subject: str, tally: Tally) -> Any:
        """The method's answer, or Skipped; MethodStopped or an IngestionError otherwise.

        `subject` is what the call is about, for messages: group 123, or its topic 45.
        """
        form = {key: str(value) for key, value in params.items()}
        form |= {"application_key": self._key, "format": "json", "method": method}
        with self._api.booked(tally):
            body = self._api.post("fb.do", {**form, **self._signed(form)})
        if isinstance(body, dict) and "error_code" in body:
            return self._settle(body["error_code"], method, subject)
        return body

    def _signed(self, form: Mapping[str, str]) -> dict[str, str]:
        # md5 is what OK demands; both secrets leave this function only as its digest.
        token = self._token.get_secret_value()
        inner = hashlib.md5(f"{token}{self._secret.get_secret_value()}".encode()).hexdigest()  # noqa: S324
        pairs = "".join(f"{name}={form[name]}" for name in sorted(form))
        signature = hashlib.md5(f"{pairs}{inner}".encode()).hexdigest()  # noqa: S324
        return {"access_token": token, "sig": signature}

    def _settle(self, code: object, method: str, subject: str) -> Skipped:
        if type(code) is not int:
            raise ContractBroken(
                f"ok.{method}: the error_code of an answer is no number",
                "check base_url; nothing of this load was kept",
            )
        if code in STOP_FOR_TODAY:
            raise MethodStopped(method)
        if code in SKIP:
            return Skipped(SKIP[code])
        if code in RETRY:
            raise SourceDown(
                f"OK keeps refusing {method} for {subject} as too frequent or failing inside (error {code})",
                "lower requests_per_second in the region's file or run again later",
            )
        kind, meaning, step = _FAIL.get(
            code, (RequestRefused, "OK gives no reason we know", "look the code up at apiok.ru/dev/errors")
        )
        raise kind(
            f"OK refuses {method} for {subject} with error {code}: {meaning}", step.format(**self._names)
        )


def _asks_to_retry(response: requests.Response | None, error: BaseException | None) -> bool:
    # OK reports errors inside HTTP 200; only short bodies can be one.
    if response is None or response.status_code != 200 or not response.content.startswith(b'{"error_code"'):
        return False
    return response.json().get("error_code") in RETRY
