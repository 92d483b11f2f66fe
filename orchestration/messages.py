"""What the command line says to people: Russian by default, English by OTKLIK_LANG=en."""

from __future__ import annotations

import os
from typing import Literal

Language = Literal["ru", "en"]

_MESSAGES: dict[str, tuple[str, str]] = {
    "preparing": ("Подготовка", "Preparing"),
    "sandbox": ("Запускаю учебный регион «{name}»", "Starting the pretend region “{name}”"),
    "read": ("Читаю {source}: {region}", "Reading {source}: {region}"),
    "labels": ("Читаю, о чём сообщения: {region}", "Labelling messages: {region}"),
    "copies": ("Ищу повторы сообщений: {region}", "Looking for copies of messages: {region}"),
    "answers": ("Смотрю, что в ответах: {region}", "Looking at answers: {region}"),
    "facts": ("Строю факты", "Building facts"),
    "gate": ("Проверяю факты", "Judging facts"),
    "marts": ("Строю витрины", "Building marts"),
    "candidate": ("Пишу выпуск", "Writing the release"),
    "audit": ("Проверяю выпуск", "Auditing the release"),
    "report": ("Готовлю отчёт", "Making the report"),
    "release": ("Публикую выпуск", "Publishing the release"),
    "postgres": ("Обновляю PostgreSQL", "Bringing PostgreSQL up to date"),
    "dev": (
        "Страница: {url}. Сенсоры и расписания работают, если включить их на вкладке Automation",
        "The page: {url}. Sensors and schedules work once switched on under Automation",
    ),
    "prepared": ("Таблицы готовы; заново созданы: {tables}", "Tables are ready; made anew: {tables}"),
    "delivered": (
        "PostgreSQL показывает выпуск {release}: изменилось таблиц {tables}, записано строк {rows}",
        "PostgreSQL states release {release}: {tables} tables changed, {rows} rows written",
    ),
    "alert_title_wrong": ("Отклик: требуется внимание", "Otklik needs attention"),
    "alert_title_well": ("Отклик: снова в порядке", "Otklik is well again"),
    "alert_failed": (
        "Запуск не удался, выпуск прежний. {words}",
        "A run failed, the release stays as it was. {words}",
    ),
    "alert_refused": (
        "Проверка {check} не пропустила цифры, выпуск прежний: {words}",
        "The check {check} refused the figures, the release stays as it was: {words}",
    ),
    "alert_stale": (
        "Источник {name} молчит {hours} ч: проверьте `otklik sources check`",
        "The source {name} has been silent for {hours} h: see `otklik sources check`",
    ),
    "alert_quarantine": (
        "{name}: в карантине {rows} из {received} строк последней загрузки; причины в `otklik status`",
        "{name}: {rows} of the last load's {received} rows are in quarantine; reasons in `otklik status`",
    ),
    "alert_lasting": ("Всё ещё, с {since}:", "Still, since {since}:"),
    "alert_over": ("больше не повторяется: {concern}", "over: {concern}"),
    "news_title": ("Отклик: новое в регионе ({count})", "Otklik: news of the region ({count})"),
    "news_signal": (
        "{region}. Сигнал риска: {territory}, {topic}: с {since} обращений {appeals}, обычно {expected}",
        "{region}. Risk signal: {territory}, {topic}: {appeals} appeals since {since}, usually {expected}",
    ),
    "news_overdue": (
        "{region}. Просрочки растут: {authority}: было {was} сутки назад, стало {overdue}",
        "{region}. Overdue wave: {authority}: {was} a day ago, {overdue} now",
    ),
    "news_heat": (
        "{region}. Красный уровень: {territory}: обращений за 30 дней {appeals}, за 30 дней до них {earlier}",
        "{region}. Turned red: {territory}: {appeals} appeals in 30 days, {earlier} in the 30 before",
    ),
    "alert_test": ("Проверка связи.", "This is a test."),
    "alert_unsent": (
        "Сообщение не ушло: проверьте адреса в OTKLIK_ALERT_URLS",
        "The message was not taken: check the addresses in OTKLIK_ALERT_URLS",
    ),
    "alert_sent": ("Сообщение отправлено.", "The message was sent."),
    "alert_none": ("Всё в порядке.", "All is well."),
    "maintain_did": ("Удалено: {what}: {count}, {size}", "Deleted: {what}: {count}, {size}"),
    "maintain_would": ("Будет удалено: {what}: {count}, {size}", "Would be deleted: {what}: {count}, {size}"),
    "maintain_releases": ("прежние выпуски", "old releases"),
    "maintain_runs": ("записи о старых запусках", "records of old runs"),
    "maintain_quarantine": ("содержимое старых строк карантина", "what old rows in quarantine held"),
    "maintain_working_files": ("рабочие файлы загрузок", "working files of loads"),
    "maintain_leftovers": ("недоделанное прерванными запусками", "what killed runs left unfinished"),
    "maintain_models": ("прежние модели разметки", "old models of labels"),
    "maintain_logs": ("начала длинных журналов", "beginnings of long logs"),
    "labels_fold": ("Часть {number} из {folds}", "Part {number} of {folds}"),
    "labels_read": ("{file}: размеченных текстов {texts}", "{file}: {texts} labelled texts"),
    "labels_crossed": (
        "Перекрёстная проверка, частей {folds}: каждая размечена моделью, которая её не видела",
        "Cross-validation in {folds} parts, each labelled by a model that has not seen it",
    ),
    "labels_score": (
        "{task}: текстов {texts}, классов {classes}, точность {accuracy}, "
        "F1: взвешенная {weighted}, макро {macro}",
        "{task}: {texts} texts, {classes} classes, accuracy {accuracy}, "
        "F1: weighted {weighted}, macro {macro}",
    ),
    "labels_new": (
        "  без текстов, которые дословно есть и в обучении: {texts}, точность {accuracy}",
        "  without texts that training held word for word: {texts}, accuracy {accuracy}",
    ),
    "labels_learnt": (
        "Обучение на {texts} обращениях, проверка на {held_out} более поздних",
        "Trained on {texts} appeals, judged by {held_out} later ones",
    ),
    "labels_compared": (
        "{task}: точность {accuracy}, у действующей модели {was}",
        "{task}: accuracy {accuracy}, of the model in force {was}",
    ),
    "labels_promoted": ("Новая модель действует: {folder}", "The new model is in force: {folder}"),
    "labels_kept": (
        "Новая модель хуже, прежняя остаётся: {folder}",
        "The new model is worse, the one before stays: {folder}",
    ),
    "labels_too_few": (
        "Новых обращений мало для сравнения, прежняя модель остаётся: {folder}",
        "There are too few new appeals to compare by, the model before stays: {folder}",
    ),
    "labels_threshold": ("Уверенность от", "Confidence from"),
    "labels_share": ("Доля текстов", "Share of texts"),
    "labels_accuracy": ("Точность", "Accuracy"),
    "labels_truth": ("На деле", "In truth"),
    "labels_said": ("Принято за", "Taken for"),
    "labels_texts": ("Текстов", "Texts"),
    "backed_up": (
        "Копия готова: {folder}, файлов {files}, {size}",
        "Backed up: {folder}, {files} files, {size}",
    ),
    "restored": (
        "Данные восстановлены из {folder}, файлов {files}, {size}; прежние лежат в {aside}",
        "Restored from {folder}, {files} files, {size}; what stood there lies in {aside}",
    ),
    "erased": (
        "Удалено строк: {rows} ({tables}). Отозвано прежних выпусков: {releases}",
        "Erased {rows} rows ({tables}). Older releases taken back: {releases}",
    ),
    "erased_before": (
        "В хранилище этого уже не было; доделано остальное. Отозвано прежних выпусков: {releases}",
        "It had gone from the warehouse before; the rest is done. Older releases taken back: {releases}",
    ),
    "erased_files": (
        "Эти присланные файлы содержали удалённое, уничтожьте их сами: {files}",
        "These delivered files held what was erased, destroy them yourself: {files}",
    ),
    "erased_backups": (
        "В прежних копиях оно ещё есть: храните {book} отдельно, `otklik restore` применит его",
        "Earlier backups still hold it: keep {book} apart from them, `otklik restore` applies it",
    ),
    "rotated": (
        "Новый ключ действует: переписано ключей {rows}",
        "The new key is in force: {rows} keys were made anew",
    ),
    "done": ("Готово за {seconds:.0f} с. Выпуск {release}", "Done in {seconds:.0f} s. Release {release}"),
    "unchanged": (
        "Готово за {seconds:.0f} с. Ничего не изменилось, выпуск {release} остаётся",
        "Done in {seconds:.0f} s. Nothing changed, release {release} stays",
    ),
    "failed": (
        "Выпуск не опубликован; читатели видят прежний.",
        "Nothing was published; readers see what they saw.",
    ),
    "found": ("Что найдено", "What was found"),
    "open_next": ("Что открыть дальше", "What to open next"),
    "open_query": ("запрос к выпуску", "query the release"),
    "open_report": ("отчёт руководителя", "the governor's report"),
    "catalogue_made": ("Каталог готов: {path}", "The catalogue is made: {path}"),
    "open_ui": ("граф и проверки в Dagster", "the graph and the checks in Dagster"),
    "found_period": ("Период", "Period"),
    "found_appeals": ("Обращений", "Appeals"),
    "found_split": ("{all}, из них в соцсетях {social}", "{all}, of them {social} in social networks"),
    "found_on_time": ("Ответы в срок", "Answered on time"),
    "found_mean": ("Первый ответ в среднем через", "First answer, on average after"),
    "found_hours": ("{count} ч", "{count} h"),
    "found_overdue": ("Просрочено", "Overdue"),
    "found_topics": ("Чаще всего пишут о", "Most written about"),
    "found_red": ("Красный уровень", "Red level"),
    "found_signals": ("Сигналы риска", "Risk signals"),
    "found_signal": (
        "{count}; сильнейший: {territory}, {topic}, обращений {appeals} вместо {expected}",
        "{count}; the strongest: {territory}, {topic}, {appeals} appeals instead of {expected}",
    ),
    "found_checks": ("Проверок пройдено", "Checks passed"),
    "and_more": ("и ещё {count}", "and {count} more"),
    "region": ("Регион", "Region"),
    "source": ("Источник", "Source"),
    "last_load": ("Последняя загрузка, UTC", "Last load, UTC"),
    "age": ("Возраст", "Age"),
    "received": ("Получено", "Received"),
    "landed": ("Принято", "Landed"),
    "quarantined": ("В карантине", "Quarantined"),
    "retried": ("Повторов в последней загрузке", "Repeats in the last load"),
    "quarantine_reasons": ("Карантин по причинам", "Quarantine by reason"),
    "reason": ("Причина", "Reason"),
    "rows": ("Строк", "Rows"),
    "release_id": ("Выпуск", "Release"),
    "as_of": ("На момент, UTC", "As of, UTC"),
    "current": ("Текущий", "Current"),
    "no_release": ("Выпусков ещё нет.", "There is no release yet."),
    "never": ("ещё не читался", "never read"),
    "busy": (
        "Идёт запись: {holder}. Показано состояние последнего выпуска.",
        "Being written: {holder}. Shown as of the last release.",
    ),
    "last_run": ("Последний запуск", "Last run"),
    "open_failures": ("Незакрытые сбои", "Open failures"),
    "none": ("нет", "none"),
    "reads": ("читается", "reads"),
    "cannot_read": ("не читается", "cannot be read"),
    "lacks": ("не хватает", "lacks"),
    "behind": ("последняя загрузка {age} назад", "last load {age} ago"),
    "minutes": ("{count} мин", "{count} min"),
    "hours": ("{count} ч", "{count} h"),
    "days": ("{count} сут", "{count} d"),
    "file_rows": (
        "{file} ({format}): строк {rows}, будет принято {would_land}, ответов {answers}",
        "{file} ({format}): {rows} rows, {would_land} would land, {answers} answers",
    ),
    "file_field": ("Поле", "Field"),
    "file_column": ("Столбец", "Column"),
    "file_absent": ("нет в файле", "not in the file"),
    "file_unmapped": ("Столбцы без применения: {names}", "Columns that are not used: {names}"),
    "file_strangers": ("{field}: нет смысла для {values}", "{field}: no meaning for {values}"),
    "file_left_empty": (
        "{field}: в {rows} строках значение непригодно, останется пустым",
        "{field}: unusable in {rows} rows, would be left empty",
    ),
    "file_refused": ("Отклонено", "Refused"),
    "file_where": ("Место", "Where"),
    "file_row": ("Строка", "Row"),
}


def spoken() -> Language:
    """The language that OTKLIK_LANG asks for, where there may be no deployment to say it."""
    return "en" if os.environ.get("OTKLIK_LANG") == "en" else "ru"


def say(language: Language, key: str, **values: object) -> str:
    """The message of that key in that language, filled in."""
    russian, english = _MESSAGES[key]
    return (russian if language == "ru" else english).format(**values)
