"""Raw tables of the source `registry`: each load carries the whole set, the newest load is valid."""

from ingestion.tables import Column, RawTable

REGIONS = RawTable(
    "registry_regions",
    "The region as configured: one row per load.",
    (
        Column("name", "text", "Name of the region.", required=True),
        Column("time_zone", "text", "IANA time zone.", required=True),
        Column("opened_on", "date", "Day the centre opened, local; null where unknown."),
    ),
)

HEAT_RULES = RawTable(
    "registry_heat_rules",
    "How heat levels are told: one row per rule of the region and load; the newest load's set is valid.",
    (
        Column("valid_from", "date", "First local day; 1900-01-01 for the first.", required=True, key=True),
        Column("heat_method", "text", "quantile or fixed.", required=True),
        Column("heat_measure", "text", "count or rate.", required=True),
        Column("heat_minimum", "bigint", "Below this count a territory is green.", required=True),
        Column("heat_red_share", "double", "Share of territories that are red (quantile)."),
        Column("heat_yellow_share", "double", "Share of territories that come next, yellow (quantile)."),
        Column("heat_red_from", "double", "Red from this value on (fixed)."),
        Column("heat_yellow_from", "double", "Yellow from this value on (fixed)."),
    ),
)

REVIEW_PERIODS = RawTable(
    "registry_review_periods",
    "Windows of the year review: one row per window and load; the newest load's set is valid.",
    (
        Column("period_from", "date", "First local day.", required=True, key=True),
        Column("period_to", "date", "Local day after the last.", required=True, key=True),
    ),
)

TERRITORIES = RawTable(
    "registry_territories",
    "Municipalities of the region: one row per territory and load.",
    (
        Column("territory_id", "text", "Id of the territory.", required=True, key=True),
        Column("name", "text", "Name of the territory.", required=True),
        Column("kind", "text", "городской округ, муниципальный район or муниципальный округ."),
        Column("population", "bigint", "People living there."),
        Column("latitude", "double", "Degrees north."),
        Column("longitude", "double", "Degrees east."),
        Column("aliases", "text", "Other spellings, separated by |."),
    ),
)

AUTHORITIES = RawTable(
    "registry_authorities",
    "Authorities and institutions: one row per authority and load.",
    (
        Column("authority_id", "text", "Id of the authority.", required=True, key=True),
        Column("name", "text", "Name of the authority.", required=True),
        Column("authority_kind", "text", "government, municipality, institution or commercial."),
        Column("level", "text", "regional, municipal or institution."),
        Column("territory_id", "text", "Its territory; null for regional ones."),
        Column("ogrn", "text", "ОГРН, 13 digits."),
        Column("opa_id", "text", "Id in ПОС (opaId), digits."),
        Column("page_exemption", "text", "Lawful reason not to keep a page; null where there is none."),
    ),
)

PAGES = RawTable(
    "registry_pages",
    "The «госпаблики» registry export: one row per line of the export and load.",
    (
        Column(
            "page_ref",
            "text",
            "Stable key: network and id of the page, else ОГРН or name hash.",
            required=True,
            key=True,
        ),
        Column("vk_owner_id", "bigint", "VK community id, negative; null without a VK page."),
        Column("level", "text", "«Уровень» as spelled."),
        Column("founder", "text", "«Учредитель»."),
        Column("organisation", "text", "«Наименование подведомственной организации»."),
        Column("no_page_reason", "text", "«Официальная страница не ведется на основании»."),
        Column("ogrn", "text", "ОГРН, 13 digits."),
        Column("sphere_1", "text", "«Сфера 1»."),
        Column("sphere_2", "text", "«Сфера 2»."),
        Column("sphere_3", "text", "«Сфера 3»."),
        Column("status", "text", "«Статус» as spelled."),
        Column("link_host", "text", "Host of the page's link, never a person's page."),
        Column("link_name", "text", "Last part of the page's link, lower case; never of a person's page."),
        Column("settings_address", "text", "«Адрес, указанный в настройках страницы», masked."),
        Column("is_connected", "bool", "Connected to the component «Госпаблики»."),
        Column("has_mark", "bool", "Carries the госметка."),
        Column("design_percent", "double", "«Оформление», 0 to 100."),
        Column("widgets", "int", "«Виджеты», 0 to 2."),
        Column("activity_percent", "double", "«Активность», 0 to 100."),
        Column("members_count", "bigint", "«Количество подписчиков»."),
        Column("weekly_reach", "bigint", "«Общий охват аудитории за неделю»."),
        Column("mean_post_reach", "double", "«Средний охват одной публикации»."),
    ),
)

TABLES = (REGIONS, HEAT_RULES, REVIEW_PERIODS, TERRITORIES, AUTHORITIES, PAGES)
