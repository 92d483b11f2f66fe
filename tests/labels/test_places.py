"""Places in every case, streets with their signs, and nothing where a text leaves it open."""

from __future__ import annotations

import pytest

from labels.places import Gazetteer, Place

PLACES = [
    Place("ishim", "Ишим"),
    Place("ishim", "г. Ишим"),
    Place("tobolsk", "Тобольск"),
    Place("tobolsky", "Тобольский район"),
    Place("tobolsky", "Тобольский"),
    Place("tyumen", "город Тюмень"),
    Place("log", "Каменный Лог"),
    Place("severny", "Северный район"),
    Place("severny", "Северный"),
    Place("ozersk", "ГО Озёрск"),
    Place("hm", "Ханты-Мансийск"),
    Place("tyumen", "ул. Республики", is_street=True),
    Place("tyumen", "улица Ленина", is_street=True),
    Place("ishim", "улица Ленина", is_street=True),
    Place("tyumen", "ул. Широтная", is_street=True),
    Place("a", "Берёзово"),
    Place("b", "Берёзово"),
]


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.of(PLACES)


@pytest.mark.parametrize(
    ("text", "territory"),
    [
        ("Нет света в Ишиме", "ishim"),
        ("в г. ишим нет воды", "ishim"),
        ("Дорога под Тобольском разбита", "tobolsk"),
        ("В Тобольском районе нет газа", "tobolsky"),
        ("в Северном р-не не чистят", "severny"),
        ("живём в Тюмени", "tyumen"),
        ("Свалка за Каменным Логом", "log"),
        ("в Озерске и в Озёрске", "ozersk"),
        ("Яма в Ханты-Мансийске", "hm"),
        ("нет воды на Республики 142", "tyumen"),
        ("на улице Широтной темно", "tyumen"),
        ("г. Ишим, ул. Ленина, 5", "ishim"),
        # left open
        ("на ул. Ленина, 5", None),
        ("из Тюмени в Ишим", None),
        ("в Берёзово нет связи", None),
        ("Дует северный ветер, Северный полюс", None),
        ("на улице Тобольской", None),
        ("у нас республика, живём при республике", None),
        ("тюменцы и ишимские", None),
        ("", None),
    ],
)
def test_the_territory_a_text_names(gazetteer: Gazetteer, text: str, territory: str | None) -> None:
    assert gazetteer.find(text) == territory


def test_a_name_is_found_in_every_case(gazetteer: Gazetteer) -> None:
    for form in ("Тобольск", "Тобольска", "Тобольску", "Тобольском", "Тобольске"):
        assert gazetteer.find(f"Пишу о том: {form}, дороги") == "tobolsk"


def test_an_empty_list_names_nothing() -> None:
    assert Gazetteer.of([]).find("в Ишиме") is None
    assert Gazetteer.of([Place("x", "г."), Place("y", "")]).find("г. Ишим") is None
