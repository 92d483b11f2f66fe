"""The demo kit on disk, and a way to start the sandbox as a process of one's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from sandbox.country import Country
    from sandbox.world import World

START_SECONDS = 180.0


class SandboxError(RuntimeError):
    """The sandbox did not start or refused a wish; the message says what to do."""


@dataclass
class Sandbox:
    """A running sandbox. `env` holds the deployment's variables, `truth` the figures at the first now."""

    url: str
    folder: Path
    env: dict[str, str]
    truth: dict[str, Any] = field(repr=False)

    def at(self, region_id: str) -> Sandbox:
        """The same as seen by one region of several: what is posted or delivered is that region's."""
        return replace(self, url=f"{self.url}/{region_id}") if "regions" in self.truth else self

    def set_now(self, moment: str) -> None:
        """Move the sandbox's now (ISO, UTC) and rewrite «Инцидент»'s exports."""
        self.control("POST", "now", {"now": moment})

    def faults(self, descriptions: list[dict[str, Any]]) -> None:
        """Replace the faults that wait to happen; an empty list makes everything whole again."""
        self.control("DELETE", "faults")
        self.control("POST", "faults", descriptions)

    def post_comment(self, owner_id: int, post_id: int, text: str, **more: int) -> dict[str, int]:
        """One VK comment, written now (`from_id`, `reply_to_comment` optional)."""
        wish = {"owner_id": owner_id, "post_id": post_id, "text": text, **more}
        answer: dict[str, int] = self.control("POST", "vk/comments", wish)
        return answer

    def post_message(self, network: str, text: str, **more: Any) -> dict[str, Any]:
        """One message in ok, telegram or max, written now: under a page's newest post (`page`: the id of
        the scenario; `post`, `reply_to`, `speaker` page optional) or in a `chat` of the bot (`speaker`
        operator optional). `edit` or `delete` name a message by its id instead."""
        answer: dict[str, Any] = self.control("POST", "messages", {"network": network, "text": text, **more})
        return answer

    def rewind(self, network: str) -> None:
        """In telegram or max: whatever was confirmed is delivered anew."""
        self.control("DELETE", network)

    def deliver_vk(self, url: str, secret: str, confirmation: str, *, again: bool = False) -> dict[str, int]:
        """Push VK's events of comments up to now to that address, with `again` also those that were taken;
        SandboxError where it does not confirm itself with that string."""
        wish = {"url": url, "secret": secret, "confirmation": confirmation, "again": again}
        answer: dict[str, int] = self.control("POST", "vk/deliver", wish)
        return answer

    def deliver_viber(self, url: str, *, again: bool = False) -> dict[str, int]:
        """Push Viber's events up to now to that webhook, with `again` also those that were taken; how many
        were taken and how many were not."""
        answer: dict[str, int] = self.control("POST", "viber/deliver", {"url": url, "again": again})
        return answer

    def deliver_telegram(self, url: str, secret: str, *, again: bool = False) -> dict[str, int]:
        """Push Telegram's waiting updates to that webhook; with `again` they wait on, whoever took them."""
        wish = {"url": url, "secret_token": secret, "again": again}
        answer: dict[str, int] = self.control("POST", "telegram/deliver", wish)
        return answer

    def deliver_max(self, url: str, secret: str, *, again: bool = False) -> dict[str, int]:
        """Push MAX's updates to that webhook; with `again` they count as not pushed, whoever took them."""
        wish = {"url": url, "secret": secret, "again": again}
        answer: dict[str, int] = self.control("POST", "max/deliver", wish)
        return answer

    def requests(self) -> dict[str, int]:
        """How often each method was called since the start or `reset_requests`."""
        answer: dict[str, int] = self.control("GET", "requests")
        return answer

    def reset_requests(self) -> None:
        self.control("DELETE", "requests")

    def truth_now(self) -> dict[str, Any]:
        """The truth at the current now; comments posted by hand are no part of it."""
        answer: dict[str, Any] = self.control("GET", "truth")
        return answer

    def control(self, verb: str, name: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/_control/{name}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=verb,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SandboxError(f"The sandbox refused {verb} {name}: {error.read().decode()}") from None


@contextmanager
def launch(scenario: str | Path, data_dir: Path, port: int = 0, now: str | None = None) -> Iterator[Sandbox]:
    """Start `python -m sandbox serve` below `data_dir`, wait until it is ready, stop it at the end."""
    data_dir.mkdir(parents=True, exist_ok=True)
    folder, env_file = data_dir / "sandbox", data_dir / "deployment.env"
    with tempfile.TemporaryDirectory(prefix="sandbox-") as temporary:
        ready, log = Path(temporary) / "ready.json", Path(temporary) / "log.txt"
        command = [sys.executable, "-m", "sandbox", "serve", str(scenario), "--folder", str(folder)]
        command += [
            "--env-file",
            str(env_file),
            "--port",
            str(port),
            "--ready-file",
            str(ready),
            "--with-parent",
        ]
        if now:
            command += ["--now", now]
        root = str(Path(__file__).resolve().parent.parent)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        }
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            url = _wait(process, ready, log)
            truth_file = folder / "truth.json"
            yield Sandbox(url, folder, read_env(env_file), json.loads(truth_file.read_text("utf-8")))
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None:
            raise SandboxError(f"The sandbox did not start: {log.read_text().strip()[-2000:]}")
        if time.monotonic() > deadline:
            raise SandboxError(
                f"The sandbox was not ready after {START_SECONDS:.0f} s; look at `python -m sandbox serve`."
            )
        time.sleep(0.02)
    url: str = json.loads(ready.read_text())["url"]
    return url


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read_env(path: Path) -> dict[str, str]:
    """KEY=value lines of a file."""
    lines = [
        line.partition("=") for line in path.read_text("utf-8").splitlines() if "=" in line and line[0] != "#"
    ]
    return {name.strip(): value.strip() for name, _, value in lines}


def write_kit(country: Country, worlds: Sequence[World], folder: Path, url: str) -> dict[str, str]:
    """Region files, registries, exports and truth.json below `folder`; returns the deployment's variables."""
    from sandbox.deliveries import write_deliveries
    from sandbox.registry import write_registry
    from sandbox.scenario import iso
    from sandbox.truth import country_truth

    regions = folder / "regions"
    # The folder plays one scenario: another one's region file would name servers that no longer run.
    for stale in {*regions.glob("*.yaml")} - {
        regions / f"{one.region.region_id}.yaml" for one in country.regions
    }:
        stale.unlink()
    secrets: dict[str, str] = {}
    for world in worlds:
        code = world.scenario.region.region_id
        prefix = f"OTKLIK_{code.upper().replace('-', '_')}"
        write_registry(world, folder / "registry" / code)
        write_deliveries(world, folder)
        address = f"{url}{country.path_of(code)}"
        _write_text(regions / f"{code}.yaml", _region_file(world, prefix, address))
        secrets |= {f"{prefix}_VK_TOKEN": world.token("vk"), f"{prefix}_POS_TOKEN": world.token("pos")}
        secrets |= _network_secrets(world, prefix)
    now = worlds[0].now
    figures = country_truth(country, [world.population for world in worlds], now)
    _write_text(folder / "truth.json", json.dumps(figures, ensure_ascii=False, indent=1))
    return {
        "OTKLIK_REGIONS": str(regions.resolve()),
        # Anybody can compute it, so it says what it is: a real deployment refuses it.
        "OTKLIK_HMAC_KEY": "otklik-demo-"
        + blake2b(f"{country.seed}:hmac".encode(), digest_size=32).hexdigest(),
        "OTKLIK_AS_OF": iso(now),
        **secrets,
        "OTKLIK_SANDBOX_URL": url,
    }


def _network_secrets(world: World, prefix: str) -> dict[str, str]:
    """Of the networks that the scenario plays."""
    purposes = {
        "ok": ("ok", "ok-secret"),
        "telegram": ("telegram",),
        "max": ("max",),
        "viber": ("viber",),
    }
    return {
        _variable(prefix, purpose): world.token(purpose)
        for network, needed in purposes.items()
        if world.scenario.plays(network)
        for purpose in needed
    }


def _variable(prefix: str, purpose: str) -> str:
    """`ok` → …_OK_TOKEN, `ok-secret` → …_OK_SECRET."""
    name = purpose.upper().replace("-", "_")
    return f"{prefix}_{name}" if "-" in purpose else f"{prefix}_{name}_TOKEN"


def exports_folder(folder: Path, region_id: str) -> Path:
    return folder / "incident" / region_id


def write_env(path: Path, variables: dict[str, str]) -> None:
    _write_text(path, "".join(f"{name}={value}\n" for name, value in variables.items()))


def _region_file(world: World, prefix: str, url: str) -> str:
    scenario = world.scenario
    region = scenario.region
    document: dict[str, Any] = {
        "region_id": region.region_id,
        "name": region.name,
        "time_zone": region.time_zone,
        **({"opened_on": region.opened_on} if region.opened_on else {}),
        "sources": {
            "registry": {"folder": f"../registry/{region.region_id}"},
            "incident": {"folder": f"../incident/{region.region_id}"},
            "vk": {
                "base_url": f"{url}/vk",
                "token_env": f"{prefix}_VK_TOKEN",
                "requests_per_second": {"community": 20}.get(scenario.vk.token_kind, 3),
                "communities": "registry",
                "lookback_days": scenario.vk.lookback_days,
                "search_queries": list(scenario.vk.search_queries),
            },
            "pos": {
                "base_url": f"{url}/pos",
                "token_env": f"{prefix}_POS_TOKEN",
                "page_size": scenario.pos.page_size,
                **({"votes": True} if any(one.channel == "pos" for one in scenario.surveys) else {}),
            },
            **_network_sources(world, prefix, url),
            **_other_sources(world, prefix, url),
        },
        "heat_rule": dict(scenario.heat_rule),
        "review_periods": [{"from": period.since, "to": period.until} for period in scenario.review_periods],
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def _network_sources(world: World, prefix: str, url: str) -> dict[str, Any]:
    """The region file's part of each network that the scenario plays."""
    secrets = {
        "ok": {
            "application_key": world.token("ok-key"),
            "access_token_env": _variable(prefix, "ok"),
            "application_secret_env": _variable(prefix, "ok-secret"),
        },
        "telegram": {"token_env": _variable(prefix, "telegram")},
        "max": {"token_env": _variable(prefix, "max")},
    }
    return {
        network: {
            "base_url": f"{url}/{network}",
            **secret,
            "requests_per_second": world.scenario.talk_rules(network).requests_per_second,
            "pages": "registry",
            "lookback_days": world.scenario.talk_rules(network).lookback_days,
        }
        for network, secret in secrets.items()
        if world.scenario.plays(network)
    }


def _other_sources(world: World, prefix: str, url: str) -> dict[str, Any]:
    """Deliveries by file, Open311 and the bot of Viber, where the scenario plays them."""
    from sandbox.deliveries import delivered
    from sandbox.servers.open311 import JURISDICTION
    from sandbox.servers.viber import BOT

    scenario, found = world.scenario, delivered(world.scenario)
    if scenario.plays("open311"):
        rate = scenario.open311.requests_per_second
        found["open311"] = {
            "base_url": f"{url}/open311",
            "jurisdiction_id": JURISDICTION,
            "requests_per_second": rate,
            "page_size": scenario.open311.page_size,
        }
    if scenario.plays("viber"):
        found["viber"] = {
            "token_env": _variable(prefix, "viber"),
            "page_id": BOT,
            "name": scenario.region.name,
        }
    return found


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)
