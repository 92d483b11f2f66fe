"""Reads the region's own facts: its settings, territories, authorities and the госпаблики export."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingestion.cells import number, percent, yes
from ingestion.config import FolderSource
from ingestion.errors import ContractBroken, UnreadableFile
from ingestion.privacy import mask, mask_optional
from ingestion.region import HeatRule
from ingestion.run import Batch, Run
from ingestion.spreadsheet import Sheet, check_bytes, read_sheets, text_of
from ingestion.tables import Row

TERRITORY_COLUMNS = ("territory_id", "name", "kind", "population", "latitude", "longitude", "aliases")
AUTHORITY_COLUMNS = (
    "authority_id",
    "name",
    "authority_kind",
    "level",
    "territory_id",
    "ogrn",
    "opa_id",
    "page_exemption",
)
PAGE_HEADERS = {
    "level": ["Уровень"],
    "founder": ["Учредитель"],
    "organisation": ["Наименование подведомственной организации"],
    "no_page_reason": ["Официальная страница не ведется на основании"],
    "ogrn": ["ОГРН"],
    "sphere_1": ["Сфера 1"],
    "sphere_2": ["Сфера 2"],
    "sphere_3": ["Сфера 3"],
    "status": ["Статус"],
    "group_id": ["ID госпаблика"],
    "link": ["Ссылка на госпаблик ВК", "Ссылка на госпаблик"],
    "settings_address": ["Адрес, указанный в настройках страницы"],
    "is_connected": [
        "Подключение к компоненту «Госпаблики»",
        'Подключение к компоненту "Госпаблики"',
        "Подключение к компоненту «Госпаблики» (да/нет)",
    ],
    "has_mark": ["Госметка", "Госметка (да/нет)"],
    "design_percent": ["Оформление", "Оформление (%)", "Оформление, %"],
    "widgets": ["Виджеты", "Виджеты (0/1/2)"],
    "activity_percent": ["Активность", "Активность (%)", "Активность, %"],
    "members_count": ["Количество подписчиков"],
    "weekly_reach": ["Общий охват аудитории за неделю"],
    "mean_post_reach": ["Средний охват одной публикации"],
}
_FREE_TEXT = ("founder", "organisation", "no_page_reason", "settings_address")
# MAX gives organisations names such as id7700000000_gos; persons have neither suffix nor, in chats, a name.
_PERSON_PATH = re.compile(r"/(id\d(?!\w*_(?:gos|biz|bot)\b)|profile/|u/|\+|joinchat/|join/)", re.IGNORECASE)
_SINCE_EVER = date(1900, 1, 1)
_ORGANISATION = re.compile(r"id\d+_(?:gos|biz|bot)\w*", re.IGNORECASE)
NETWORK_HOSTS = {
    "ok": frozenset({"ok.ru", "odnoklassniki.ru"}),
    "telegram": frozenset({"t.me", "telegram.me"}),
    "max": frozenset({"max.ru", "web.max.ru"}),
}


def read(run: Run) -> Iterator[Batch]:
    """All six tables, whole: the newest load is the valid one."""
    source = run.region.sources.registry
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    yield from _land_all(run, "regions", [_region_row(run)])
    yield from _land_all(run, "heat_rules", [_heat_row(rule) for rule in run.region.heat_rule])
    yield from _land_all(run, "review_periods", [p.model_dump() for p in run.region.review_periods])
    yield from _csv(run, "territories", source.folder / "territories.csv", TERRITORY_COLUMNS, _territory)
    yield from _csv(run, "authorities", source.folder / "authorities.csv", AUTHORITY_COLUMNS, _authority)
    yield from _pages(run, source.folder / "gospublics.xlsx")


def community_ids(source: FolderSource) -> list[int]:
    """Positive ids of the VK communities in the export, ascending."""
    sheets = _page_sheets(source.folder / "gospublics.xlsx")
    ids = {number(row.get("group_id")) for sheet in sheets for _, row in sheet.rows()}
    return sorted(int(abs(number)) for number in ids if number)


def page_names(source: FolderSource, network: str) -> list[str]:
    """Last parts of the links to the pages of ok, telegram or max in the export, lower case, sorted."""
    hosts = NETWORK_HOSTS[network]
    links = (
        _link(text_of(row.get("link")))
        for sheet in _page_sheets(source.folder / "gospublics.xlsx")
        for _, row in sheet.rows()
    )
    return sorted({link.name for link in links if link.name and link.host in hosts})


def _region_row(run: Run) -> Row:
    return {
        "name": run.region.name,
        "time_zone": run.region.time_zone,
        "opened_on": run.region.opened_on,
    }


def _heat_row(rule: HeatRule) -> Row:
    settings = rule.model_dump(exclude={"effective_from"})
    return {
        "valid_from": rule.effective_from or _SINCE_EVER,
        **{f"heat_{key}": value for key, value in settings.items()},
    }


def _land_all(run: Run, resource: str, rows: list[Any]) -> Iterator[Batch]:
    run.tallies[resource].received += len(rows)
    yield from run.land(resource, rows)


def _csv(
    run: Run, resource: str, path: Path, columns: tuple[str, ...], parse: Callable[[Mapping[str, str]], Row]
) -> Iterator[Batch]:
    tally = run.tallies[resource]
    rows: dict[str, Row] = {}
    tally.requests += 1
    for line, record in enumerate(_csv_records(path, columns), start=2):
        tally.received += 1
        tally.unknown_fields.update(set(record) - set(columns))
        try:
            row = parse(record)
        except ValueError as error:
            run.quarantine(resource, f"{path.name}:{line}", "unreadable value", f"{error}.", record, columns)
            continue
        if row[columns[0]] in rows:
            detail = f"{columns[0]} occurs twice."
            run.quarantine(resource, f"{path.name}:{line}", "duplicate key", detail, record, columns)
        else:
            rows[row[columns[0]]] = row
    yield from run.land(resource, list(rows.values()))


def _csv_records(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    expected = f"a UTF-8 CSV with the columns {', '.join(columns)}"
    try:
        check_bytes(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="(beyond the header)", restval="", strict=True)
            records = list(reader)
            header = reader.fieldnames or []
    except FileNotFoundError:
        raise UnreadableFile(f"The registry file {path} does not exist", f"put {expected} there") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"The registry file {path} is not {expected}", "save it anew") from error
    missing = [column for column in columns if column not in header]
    if missing:
        raise ContractBroken(f"The registry file {path} lacks the columns {', '.join(missing)}", "add them")
    return records


def _territory(record: Mapping[str, str]) -> Row:
    return {
        "territory_id": _required(record, "territory_id"),
        "name": _required(record, "name"),
        "kind": record["kind"].strip() or None,
        "population": _whole(record, "population"),
        "latitude": _degrees(record, "latitude", 90),
        "longitude": _degrees(record, "longitude", 180),
        "aliases": record["aliases"].strip() or None,
    }


def _authority(record: Mapping[str, str]) -> Row:
    row = {column: record[column].strip() or None for column in AUTHORITY_COLUMNS}
    row["authority_id"], row["name"] = _required(record, "authority_id"), _required(record, "name")
    if row["ogrn"] and not re.fullmatch(r"\d{13}", row["ogrn"]):
        raise ValueError("ogrn is not 13 digits")
    return row


def _pages(run: Run, path: Path) -> Iterator[Batch]:
    tally = run.tallies["pages"]
    tally.requests += 1
    rows: dict[str, Row] = {}
    for sheet in _page_sheets(path):
        tally.unknown_fields.update(sheet.unknown)
        for line, record in sheet.rows():
            tally.received += 1
            reference = f"{path.name}:{line}"
            try:
                row = _page(record)
            except ValueError as error:
                run.quarantine("pages", reference, "unreadable value", f"{error}.", record, _SAFE_PAGE_FIELDS)
                continue
            if row["page_ref"] in rows:
                detail = "The same page stands in an earlier line."
                run.quarantine("pages", reference, "duplicate key", detail, record, _SAFE_PAGE_FIELDS)
            else:
                rows[row["page_ref"]] = row
    yield from run.land("pages", list(rows.values()))


# A link may lead to a person, who must not get into quarantine either.
_SAFE_PAGE_FIELDS = frozenset(PAGE_HEADERS) - {"link"}


def _page_sheets(path: Path) -> list[Sheet]:
    expected = "the «госпаблики» registry export"
    if not path.is_file():
        raise UnreadableFile(f"The registry file {path} does not exist", f"put {expected} there")
    return read_sheets(path, PAGE_HEADERS, ("organisation", "ogrn", "group_id"), expected)


def _page(record: Mapping[str, Any]) -> Row:
    text = {field: text_of(record.get(field)) for field in PAGE_HEADERS}
    group = number(record.get("group_id"))
    link = _link(text["link"])
    reference = link.reference
    if group:
        reference = f"vk:{int(abs(group))}"
    elif reference is None and text["ogrn"]:
        reference = f"ogrn:{text['ogrn']}"
    elif reference is None:
        owner = f"{text['founder']}|{text['organisation']}"
        reference = "name:" + hashlib.sha256(owner.encode()).hexdigest()[:16]
    members, reach, widgets = (number(record.get(f)) for f in ("members_count", "weekly_reach", "widgets"))
    return {
        "page_ref": reference,
        "vk_owner_id": -int(abs(group)) if group else None,
        **{f: text[f] for f in ("level", "ogrn", "sphere_1", "sphere_2", "sphere_3", "status")},
        **{f: mask_optional(text[f]) for f in _FREE_TEXT},
        "link_host": link.host,
        "link_name": link.name,
        "is_connected": yes(text["is_connected"], "is_connected"),
        "has_mark": yes(text["has_mark"], "has_mark"),
        "design_percent": percent(record.get("design_percent")),
        "widgets": None if widgets is None else int(widgets),
        "activity_percent": percent(record.get("activity_percent")),
        "members_count": None if members is None else int(members),
        "weekly_reach": None if reach is None else int(reach),
        "mean_post_reach": number(record.get("mean_post_reach")),
    }


@dataclass(frozen=True)
class _Link:
    """A page's link: host, network:page as reference, and the page's name; of a person the host alone."""

    host: str | None = None
    reference: str | None = None
    name: str | None = None


def _link(link: str | None) -> _Link:
    if not link:
        return _Link()
    parts = urlsplit(link if "//" in link else f"https://{link}")
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    if not host:
        return _Link()
    page = parts.path.strip("/").split("/")[-1]
    if not page or _PERSON_PATH.search(parts.path):
        return _Link(host)
    club = re.fullmatch(r"(?:club|public|event)(\d+)", page)
    network = host.removesuffix(".com").removesuffix(".ru")
    shown = page if _ORGANISATION.fullmatch(page) else mask(page)
    return _Link(host, f"{network}:{club[1] if club else shown}", shown.lower())


def _required(record: Mapping[str, str], column: str) -> str:
    value = record[column].strip()
    if not value:
        raise ValueError(f"{column} is empty")
    return value


def _whole(record: Mapping[str, str], column: str) -> int | None:
    value = number(record[column])
    if value is not None and (value < 0 or not value.is_integer()):
        raise ValueError(f"{column} is not a whole number")
    return None if value is None else int(value)


def _degrees(record: Mapping[str, str], column: str, limit: int) -> float | None:
    value = number(record[column])
    if value is not None and abs(value) > limit:
        raise ValueError(f"{column} is not within ±{limit} degrees")
    return value
