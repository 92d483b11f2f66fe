"""Headers of the «Инцидент Менеджмент» exports: every spelling that was seen, as data."""

HEADERS: dict[str, list[str]] = {
    "id": ["ID", "Номер инцидента", "ID инцидента", "№ инцидента"],
    "created": ["Дата создания", "Дата создания инцидента", "Дата регистрации"],
    "closed": ["Дата окончания", "Дата закрытия", "Дата завершения"],
    "first_answered": [
        "Дата первого ответа",
        "Дата 1ого ответа",
        "Дата 1го ответа",
        "Дата и время первого ответа",
        "Время первого ответа",
    ],
    "step": ["Текущий шаг инцидента", "Текущий шаг", "Шаг инцидента"],
    "outcome_ru": ["Итог", "Итог инцидента"],
    "incident_type": ["Тип инцидента"],
    "topic_group": ["Группа тем", "Группа тем инцидента"],
    "topic": ["Тема", "Тема инцидента"],
    "municipality": ["Муниципалитет", "Муниципальное образование"],
    "locality": ["Населенный пункт"],
    "street": ["Улица"],
    "house": ["Дом", "Номер дома"],
    "tags": ["Теги", "Тэги"],
    "executor": ["Исполнитель"],
    "text": ["Текст инцидента", "Текст сообщения", "Текст"],
    "first_answer_text": [
        "1ый ответ ПИ",
        "1-ый ответ ПИ",
        "1й ответ ПИ",
        "Первый ответ ПИ",
        "Текст первого ответа",
    ],
    "author": ["Автор", "ID автора", "Ссылка на автора", "Автор сообщения"],
}

# Known, and of no use to any measure.
IGNORED: frozenset[str] = frozenset(
    {
        "№",
        "№ п/п",
        "Отдел",
        "Регион",
        "Субъект",
        "Время с начала создания инцидента до окончания",
        "Ссылка",
        "Ссылка на сообщение",
        "Источник",
        "Социальная сеть",
        "Соцсеть",
        "Дата публикации",
        "Приоритет",
        "Статус",
        "Куратор",
        "Модератор",
        "Комментарий",
        "Количество комментариев",
        "Количество ответов",
        "Срок",
        "Просрочен",
    }
)
EXPECTED = "an «Инцидент Менеджмент» export"
# Without a topic group and a text a sheet is something else.
REQUIRED = ("topic_group", "text")


def layout_of(columns: dict[str, int]) -> int:
    """Which of the four layouts a sheet has: 1 cabinet, 2 short, 3 monitoring, 4 legacy.

    `columns` maps recognised fields to places. 1 and 3 may carry the same fields; what tells them apart
    wherever they stand is that monitoring puts the topic after the address.
    """
    if "created" not in columns:
        return 2
    if "id" not in columns and "street" not in columns:
        return 4
    after_address = columns.get("topic", 0) > columns.get("municipality", 0)
    return 3 if "street" in columns and after_address else 1
