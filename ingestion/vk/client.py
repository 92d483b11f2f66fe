"""Calls VK's API: one at a time or 25 in one `execute`, with its errors sorted by what to do about them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from ingestion.accounting import Tally
from ingestion.config import Patience, Region, Settings, VkSource
from ingestion.errors import AccessRefused, ContractBroken, IngestionError, RequestRefused, SourceDown
from ingestion.http import Api

VERSION = "5.199"
EXECUTE_CALLS = 25
PAGE = 100  # posts or comments of one call

RETRY = frozenset({1, 6, 9, 10})
STOP_FOR_TODAY = frozenset({29})
SKIP = {
    15: "access denied",
    18: "deleted or banned",
    19: "blocked",
    30: "private",
    203: "access to the community denied",
    212: "comments closed",
}
_FAIL: dict[int, tuple[type[IngestionError], str, str]] = {
    5: (AccessRefused, "the token is not valid", "put a valid token into {token}"),
    7: (
        AccessRefused,
        "the token lacks a right",
        "issue a token with the rights named in docs/sources/vk.md",
    ),
    14: (RequestRefused, "VK asks for a captcha", "wait an hour, lower requests_per_second, then run again"),
    17: (
        AccessRefused,
        "VK wants the token's owner to confirm the log-in",
        "log in to VK with that account once",
    ),
    27: (AccessRefused, "a community token does not suffice", "use a service or user token in {token}"),
    100: (RequestRefused, "a parameter is wrong", "check the communities of the region's file"),
    113: (RequestRefused, "the user id is wrong", "check the communities of the region's file"),
    125: (RequestRefused, "the community id is wrong", "correct the id in the registry or the region's file"),
}


@dataclass(frozen=True)
class Call:
    """One call; `page` names its subject for messages, such as club123 or club123, post 45."""

    method: str
    params: Mapping[str, Any]
    page: str


@dataclass(frozen=True)
class Skipped:
    """VK will not show this object; the reason is one of SKIP, or of the codes the caller tolerates."""

    reason: str


@dataclass(frozen=True)
class Stopped:
    """In place of an answer of `execute`: the method's daily limit is reached."""

    method: str


def stop_among(answers: Iterable[Any]) -> Stopped | None:
    """The first answer that is missing because of a daily limit: take the others in, then end the reading."""
    return next((one for one in answers if isinstance(one, Stopped)), None)


class MethodStopped(Exception):  # noqa: N818 - a signal within this package, not a failure
    """The method's daily limit is reached: nothing more of it today."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.method = method


class VkClient:
    """VK for one region. Requests and repeats are booked on the tally that each call is given."""

    def __init__(self, source: VkSource, region: Region, settings: Settings) -> None:
        self._patience: Patience = settings.patience
        self._token_name = source.token_env
        self._api = Api(
            title="VK",
            base_url=source.base_url,
            token=settings.token(source.token_env, region, "vk"),
            token_name=source.token_env,
            rate=source.requests_per_second,
            patience=settings.patience,
            retry_on=_asks_to_retry,
        )

    def call(self, call: Call, tally: Tally) -> Any:
        """The call's response, or Skipped; MethodStopped or an IngestionError otherwise."""
        body = self._post(call.method, call.params, tally)
        if "error" in body:
            return self._settle(_code(body["error"]), call)
        return _response(body, call)

    def execute(
        self, calls: Sequence[Call], tally: Tally, tolerated: Mapping[int, str] | None = None
    ) -> list[Any]:
        """Responses of at most 25 calls, in order; Skipped where VK refuses one object, Stopped where a
        method's daily limit struck: the other answers of the same request are good.

        `tolerated` adds codes (with their reason) that skip an object instead of failing.
        """
        results: list[Any] = [None] * len(calls)
        places = range(len(calls))
        waiting: Sequence[int] = places
        for attempt in range(self._patience.attempts):
            if attempt:
                tally.retries += 1
                time.sleep(min(self._patience.first_wait * 2 ** (attempt - 1), self._patience.longest_wait))
            try:
                answers, errors = self._execute_once([calls[place] for place in waiting], tally)
            except MethodStopped as stopped:
                return [Stopped(stopped.method) if place in waiting else results[place] for place in places]
            again = []
            failures = iter(errors)
            for place, answer in zip(waiting, answers, strict=True):
                if answer is not False:
                    results[place] = answer
                    continue
                code = _code(next(failures, {}))
                if code in RETRY:
                    again.append(place)
                else:
                    results[place] = self._settle_one(code, calls[place], tolerated)
            if not again:
                return results
            waiting = again
        raise self._given_up(calls[waiting[0]])

    def _execute_once(self, calls: Sequence[Call], tally: Tally) -> tuple[list[Any], list[Any]]:
        arguments = (f"API.{call.method}({json.dumps(dict(call.params))})" for call in calls)
        whole = Call("execute", {"code": f"return [{', '.join(arguments)}];"}, calls[0].page)
        body = self._post(whole.method, whole.params, tally)
        if "error" in body:
            settled = self._settle(_code(body["error"]), whole)
            raise RequestRefused(f"VK refuses execute ({settled.reason})", "check the token's rights")
        answers, errors = _response(body, whole), body.get("execute_errors", [])
        if not isinstance(answers, list) or len(answers) != len(calls) or not isinstance(errors, list):
            raise ContractBroken(
                f"vk.execute: {len(calls)} calls did not come back as a list of {len(calls)}",
                "ask VK's changelog what changed; nothing of this load was kept",
            )
        return answers, errors

    def _post(self, method: str, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        sent, wanted = self._api.attempts, self._api.calls
        try:
            form = {**{key: str(value) for key, value in params.items()}, "v": VERSION}
            body = self._api.post(f"method/{method}", form)
        finally:
            attempts = self._api.attempts - sent
            tally.requests += attempts
            tally.retries += max(0, attempts - max(1, self._api.calls - wanted))
        if not isinstance(body, dict):
            raise ContractBroken(
                f"vk.{method}: the answer is no object", "check base_url; nothing of this load was kept"
            )
        return body

    def _settle_one(self, code: int, call: Call, tolerated: Mapping[int, str] | None) -> Skipped | Stopped:
        try:
            return self._settle(code, call, tolerated)
        except MethodStopped as stopped:
            return Stopped(stopped.method)

    def _settle(self, code: int, call: Call, tolerated: Mapping[int, str] | None = None) -> Skipped:
        if code in STOP_FOR_TODAY:
            raise MethodStopped(call.method)
        if code in RETRY:
            raise self._given_up(call)
        if tolerated and code in tolerated:
            return Skipped(tolerated[code])
        if code in SKIP:
            return Skipped(SKIP[code])
        kind, meaning, step = _FAIL.get(
            code,
            (RequestRefused, "VK gives no reason we know", "look the code up at dev.vk.com/reference/errors"),
        )
        raise kind(
            f"VK refuses {call.method} for {call.page} with error {code}: {meaning}",
            step.format(token=self._token_name),
        )

    def _given_up(self, call: Call) -> SourceDown:
        return SourceDown(
            f"VK keeps refusing {call.method} for {call.page} as too frequent or failing internally",
            "lower requests_per_second in the region's file or run again later",
        )


def _asks_to_retry(response: requests.Response | None, error: BaseException | None) -> bool:
    # VK reports errors inside HTTP 200; only short bodies can be one.
    if response is None or not response.content.startswith(b'{"error"'):
        return False
    return _code(response.json().get("error")) in RETRY


def _code(error: Any) -> int:
    code = error.get("error_code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0


def _response(body: Mapping[str, Any], call: Call) -> Any:
    if "response" not in body:
        raise ContractBroken(
            f"vk.{call.method}: the answer has neither response nor error",
            "check base_url; nothing of this load was kept",
        )
    return body["response"]
