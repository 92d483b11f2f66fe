"""The inbox as a process: which channels the regions have, and the server around the receiver."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.config import Region, Settings, load_regions
from ingestion.errors import ConfigError
from ingestion.events import event_log
from ingestion.inbox.app import Receiver
from ingestion.inbox.handlers import Handler, ViberHandler, VkHandler
from ingestion.inbox.journal import Journal, journal_path
from ingestion.max.webhook import MaxHandler
from ingestion.telegram.webhook import TelegramHandler

if TYPE_CHECKING:
    import uvicorn


def handlers_of(settings: Settings, regions: dict[str, Region]) -> dict[tuple[str, str], Handler]:
    """A handler per channel and region whose file names what the channel needs."""
    pseudonyms = settings.pseudonyms()
    found: dict[tuple[str, str], Handler] = {}
    for region in regions.values():
        viber, vk, telegram = region.sources.viber, region.sources.vk, region.sources.telegram
        messenger = region.sources.max
        if viber is not None:
            token = settings.token(viber.token_env, region, "viber")
            found["viber", region.region_id] = ViberHandler(token, viber.page_id, pseudonyms)
        if vk is not None and vk.callback is not None:
            secret = settings.token(vk.callback.secret_env, region, "vk")
            found["vk", region.region_id] = VkHandler(secret, vk.callback.confirmation, pseudonyms)
        if telegram is not None and telegram.webhook is not None:
            secret = settings.token(telegram.webhook.secret_env, region, "telegram", "webhook.secret_env")
            found["telegram", region.region_id] = TelegramHandler(secret, pseudonyms)
        if messenger is not None and messenger.webhook is not None:
            secret = settings.token(messenger.webhook.secret_env, region, "max", "webhook.secret_env")
            found["max", region.region_id] = MaxHandler(secret, pseudonyms)
    return found


def serve(
    settings: Settings, host: str, port: int, max_age_hours: float = 72, ready_file: Path | None = None
) -> None:
    """Receive until SIGTERM or SIGINT."""
    with _opened(settings, host, port, max_age_hours) as (server, door, url):
        if ready_file is not None:
            ready_file.write_text(url)
        server.run(sockets=[door])


@contextmanager
def receiving(settings: Settings, max_age_hours: float = 0) -> Iterator[str]:
    """Receive on a free port of loopback while the block runs; yields the address."""
    with _opened(settings, "127.0.0.1", 0, max_age_hours) as (server, door, url):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        try:
            # The socket listens already: whoever comes before the server is up waits in its queue.
            yield url
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _opened(
    settings: Settings, host: str, port: int, max_age_hours: float
) -> Iterator[tuple[uvicorn.Server, socket.socket, str]]:
    import uvicorn

    handlers = handlers_of(settings, load_regions(settings))
    if not handlers:
        raise ConfigError(
            "No region receives anything by webhook",
            "add sources.viber, sources.vk.callback, sources.telegram.webhook or sources.max.webhook to a "
            "region's file (docs/sources/inbox.md)",
        )
    try:
        door = socket.create_server((host, port))
        # asyncio leaves Nagle's algorithm on for a socket it was handed: 40 ms for each kept-alive answer.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise ConfigError(
            f"The address {host}:{port} cannot be had ({error.strerror})", "choose another port"
        ) from error
    journal = Journal(journal_path(settings.data))
    max_age = timedelta(hours=max_age_hours) if max_age_hours else None
    receiver = Receiver(
        handlers, journal, settings.now, settings.latest_believable, max_age, event_log(settings.data)
    )
    config = uvicorn.Config(receiver.app(), log_level="warning", access_log=False, lifespan="off")
    try:
        yield uvicorn.Server(config), door, f"http://{host}:{door.getsockname()[1]}"
    finally:
        journal.close()
