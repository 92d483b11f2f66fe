"""The four column layouts in which «Инцидент Менеджмент» exports (letters as in SOURCES.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """`columns`: (letter, header, field of the row); a field of "" is a column that says nothing to us."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    title: str = ""


LAYOUTS: dict[int, Layout] = {
    1: Layout(
        "cabinet",
        (
            ("A", "Номер инцидента", "id"),
            ("B", "Источник", "network"),
            ("C", "Приоритет", ""),
            ("D", "Отдел", "department"),
            ("E", "Исполнитель", "executor"),
            ("F", "Текущий шаг инцидента", "step"),
            ("G", "Итог", "outcome"),
            ("H", "Тип инцидента", "type"),
            ("I", "Тональность", ""),
            ("J", "Дата первого ответа", "first_answered"),
            ("K", "1ый ответ ПИ", "answer"),
            ("N", "Время с начала создания инцидента до окончания", "duration"),
            ("P", "Охват", ""),
            ("R", "Дата создания", "created"),
            ("S", "Дата закрытия", "closed"),
            ("T", "Группа тем", "group"),
            ("U", "Тема", "topic"),
            ("V", "Регион", "region"),
            ("W", "Муниципалитет", "municipality"),
            ("X", "Населенный пункт", "settlement"),
            ("Y", "Улица", "street"),
            ("Z", "Дом", "house"),
            ("AC", "Теги", "tags"),
            ("AI", "Текст инцидента", "text"),
        ),
    ),
    2: Layout(
        "short",
        (
            ("A", "Источник", "network"),
            ("C", "Тональность", ""),
            ("T", "Группа тем", "group"),
            ("U", "Тема", "topic"),
            ("V", "Регион", "region"),
            ("W", "Муниципалитет", "municipality"),
            ("AI", "Текст инцидента", "text"),
        ),
    ),
    3: Layout(
        "monitoring",
        (
            ("A", "ID", "id"),
            ("B", "Сеть", "network"),
            ("E", "Исполнитель", "executor"),
            ("F", "Текущий шаг инцидента", "step"),
            ("G", "Итог", "outcome"),
            ("K", "Охват", ""),
            ("T", "Дата создания", "created"),
            ("U", "Дата окончания", "closed"),
            ("V", "Группа тем", "group"),
            ("W", "Муниципалитет", "municipality"),
            ("X", "Населенный пункт", "settlement"),
            ("Y", "Улица", "street"),
            ("Z", "Дом", "house"),
            ("AA", "Тема", "topic"),
            ("AB", "Регион", "region"),
            ("AC", "Тип инцидента", "type"),
            ("AI", "Текст инцидента", "text"),
            ("AK", "1ый ответ ПИ", "answer"),
            ("AL", "Дата первого ответа", "first_answered"),
            ("AR", "Теги", "tags"),
        ),
        title="Мониторинг сообщений граждан",
    ),
    4: Layout(
        "legacy",
        (
            ("A", "Сеть", "network"),
            ("C", "Отдел", "department"),
            ("D", "Исполнитель", "executor"),
            ("F", "Текущий шаг инцидента", "step"),
            ("G", "Итог", "outcome"),
            ("H", "Тип инцидента", "type"),
            ("T", "Дата создания", "created"),
            ("U", "Дата окончания", "closed"),
            ("V", "Группа тем", "group"),
            ("W", "Тема", "topic"),
            ("X", "Регион", "region"),
            ("Y", "Муниципалитет", "municipality"),
            ("Z", "Населенный пункт", "settlement"),
            ("AI", "Текст инцидента", "text"),
            ("AJ", "1ый ответ ПИ", "answer"),
            ("AK", "Дата первого ответа", "first_answered"),
        ),
    ),
}
