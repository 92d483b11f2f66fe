"""The registry folder: the госпаблик export, the authorities and the territories."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter

from sandbox.noise import mix
from sandbox.scenario import Authority, Page
from sandbox.servers.vk_objects import pos_link
from sandbox.world import World

HEADERS = (
    "Уровень",
    "Учредитель",
    "Наименование подведомственной организации",
    "Официальная страница не ведется на основании",
    "ОГРН",
    "Сфера 1",
    "Сфера 2",
    "Сфера 3",
    "Статус",
    "ID госпаблика",
    "Ссылка на госпаблик ВК",
    "Адрес, указанный в настройках страницы",
    "Подключение к компоненту «Госпаблики» (да/нет)",
    "Госметка (да/нет)",
    "Оформление (%)",
    "Виджеты (0/1/2)",
    "Активность (%)",
    "Количество подписчиков",
    "Общий охват аудитории за неделю",
    "Средний охват одной публикации",
)
_LEVELS = {
    "regional": "Региональный",
    "municipal": "Муниципальный",
    "institution": "Подведомственная организация",
}
_HOSTS = {"vk": "vk.com", "ok": "ok.ru", "telegram": "t.me", "max": "max.ru"}
_SPHERES = {
    "government": "Государственное управление",
    "municipality": "Местное самоуправление",
    "institution": "Социальная сфера",
    "commercial": "Коммунальное хозяйство",
}


def write_registry(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(
        folder / "territories.csv",
        ("territory_id", "name", "kind", "population", "latitude", "longitude", "aliases"),
        [
            (t.id, t.name, t.kind, t.population, t.latitude, t.longitude, "|".join(t.aliases))
            for t in world.scenario.territories
        ],
    )
    ogrns, opa_ids = world.ogrns, world.opa_ids()
    _write_csv(
        folder / "authorities.csv",
        (
            "authority_id",
            "name",
            "authority_kind",
            "level",
            "territory_id",
            "ogrn",
            "opa_id",
            "page_exemption",
        ),
        [
            (a.id, a.name, a.kind, a.level, a.territory or "", ogrns[a.id], opa_ids[a.id], a.exemption)
            for a in world.scenario.authorities
        ],
    )
    _write_pages(world, folder / "gospublics.xlsx")


def _write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _write_pages(world: World, path: Path) -> None:
    """One row per page, then one per authority that has none (with the lawful reason, or without)."""
    authorities = {authority.id: authority for authority in world.scenario.authorities}
    paged = {page.authority for page in world.scenario.pages}
    rows = [_page_row(world, page, authorities.get(page.authority or "")) for page in world.scenario.pages]
    rows += [_bare_row(world, authority) for authority in authorities.values() if authority.id not in paged]
    with xlsxwriter.Workbook(str(path), {"strings_to_urls": False}) as book:
        book.set_properties({"created": dt.datetime(2020, 1, 1)})  # noqa: DTZ001 - fixed bytes for equal rows
        sheet = book.add_worksheet("Госпаблики")
        bold = book.add_format({"bold": True, "text_wrap": True})
        sheet.write_row(0, 0, HEADERS, bold)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, row)


def _page_row(world: World, page: Page, authority: Authority | None) -> list[Any]:
    noise = mix(page.id)
    design = 25 * page.avatar + 25 * page.description + 50 * page.cover
    reach = page.members * (30 + noise % 60) // 100
    return [
        *_head(world, authority, page.name),
        "",
        world.ogrns[authority.id] if authority else "",
        _SPHERES[authority.kind] if authority else "",
        "",
        "",
        {"open": "Действует", "closed": "Закрыт", "deleted": "Удалён"}[page.state],
        page.id if page.network == "vk" else "",
        f"https://{_HOSTS[page.network]}/{page.screen_name}",
        pos_link(world, page),
        "да" if page.pos_link == "valid" else "нет",
        "да" if page.mark else "нет",
        design,
        page.widgets,
        min(100, round(page.posts_per_week / 3 * 100)),
        page.members,
        reach,
        reach // max(1, round(page.posts_per_week)),
    ]


def _bare_row(world: World, authority: Authority) -> list[Any]:
    head = [*_head(world, authority, authority.name), authority.exemption, world.ogrns[authority.id]]
    return [*head, _SPHERES[authority.kind], "", "", "Не ведётся", *[""] * (len(HEADERS) - 9)]


def _head(world: World, authority: Authority | None, name: str) -> list[str]:
    if authority is None:
        return ["", "", name]
    founder = authority.name if authority.level != "institution" else world.scenario.region.name
    return [_LEVELS[authority.level], founder, authority.name]
