"""CommerceML files, read by lxml, checked against the schema's demands and totals added up again."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from lxml import etree

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas.accounting import PARTNERS, PRODUCTS
from keycrm_pipeline_tests.documents import Documents, Item
from keycrm_pipeline_tests.exports.small_shop import TOTALS, Export, SmallShop

NAMESPACES = {"c": "urn:1C.ru:commerceml_2"}
SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("commerceml_order.xsd")))
KOPIYKA = Decimal("0.01")


def _read(path: Path) -> etree._ElementTree:
    return etree.parse(path)


def _texts(node: etree._ElementTree | etree._Element, path: str) -> list[str]:
    return [str(text) for text in node.xpath(path + "/text()", namespaces=NAMESPACES)]


def _attributes(node: etree._Element) -> dict[str, str]:
    names = _texts(node, "c:ЗначенияРеквизитов/c:ЗначениеРеквизита/c:Наименование")
    values = _texts(node, "c:ЗначенияРеквизитов/c:ЗначениеРеквизита/c:Значение")
    return dict(zip(names, values, strict=True))


def _documents(tree: etree._ElementTree) -> dict[str, etree._Element]:
    return {
        _texts(document, "c:Номер")[0]: document
        for document in tree.xpath("/c:КоммерческаяИнформация/c:Документ", namespaces=NAMESPACES)
    }


def test_file_follows_the_schema(export: Export) -> None:
    """BAS refuses a file whose elements stand in another order, or whose names are longer than allowed."""
    tree = _read(export("commerceml").files[0])
    assert SCHEMA.validate(tree), SCHEMA.error_log
    assert tree.getroot().get("ВерсияСхемы") == "2.10"


def test_each_document_adds_up(export: Export) -> None:
    """The importer adds up the lines; a kopiyka too many would make a debt that nobody owes."""
    documents = _documents(_read(export("commerceml").files[0]))
    assert sorted(documents) == ["101", "102", "103"]
    for number, document in documents.items():
        total = Decimal(_texts(document, "c:Сумма")[0])
        assert total == TOTALS[int(number)]
        lines = document.xpath("c:Товары/c:Товар", namespaces=NAMESPACES)
        assert sum(Decimal(_texts(line, "c:Сумма")[0]) for line in lines) == total
        for line in lines:
            listed = Decimal(_texts(line, "c:ЦенаЗаЕдиницу")[0]) * Decimal(_texts(line, "c:Количество")[0])
            off = sum(map(Decimal, _texts(line, "c:Скидки/c:Скидка/c:Сумма")))
            on = sum(map(Decimal, _texts(line, "c:ДопРасходы/c:ДопРасход/c:Сумма")))
            assert listed.quantize(KOPIYKA, ROUND_HALF_UP) - off + on == Decimal(_texts(line, "c:Сумма")[0])


def test_order_is_told_in_the_words_of_the_format(export: Export) -> None:
    """Date and time are local, and what a bookkeeper looks for stands in its place."""
    document = _documents(_read(export("commerceml").files[0]))["101"]
    assert _texts(document, "c:Дата") == ["2026-03-01"]
    assert _texts(document, "c:Время") == ["00:15:00"]
    assert _texts(document, "c:ХозОперация") == ["Заказ товара"]
    assert _texts(document, "c:Комментарий") == ["Номер джерела: №1042\nПодзвонити <до> обіду & після"]
    assert _attributes(document) == {
        "Статус заказа": "Виконано",
        "Отменен": "false",
        "Заказ оплачен": "true",
        "Сумма оплаты": "599.99",
        "Метод оплаты": "Картка",
        "Банковский счет или касса": "ПриватБанк ФОП",
        "Способ доставки": "Нова Пошта",
        "Адрес доставки": "Київська область, м. Київ, Відділення №5",
        "Номер отправления": "20450000000123",
        "Получатель": "Коваленко Петро",
        "Телефон получателя": "+380670000001",
        "Источник": "Сайт",
        "Номер в источнике": "№1042",
        "Ответственный": "olena",
        "Автор": "Оператор обміну",
    }


def test_partner_carries_contacts_but_no_address(export: Export) -> None:
    """An address belongs to the order (F03): on the card it would be wrong at the next order."""
    document = _documents(_read(export("commerceml").files[0]))["101"]
    (partner,) = document.xpath("c:Контрагенты/c:Контрагент", namespaces=NAMESPACES)
    assert _texts(partner, "c:Контакты/c:Контакт/c:Значение") == ["+380501112233", "olena@example.org"]
    assert not partner.xpath("c:Адрес|c:АдресРегистрации", namespaces=NAMESPACES)


def test_goods_variants_and_services_are_told_apart(export: Export) -> None:
    """A variant becomes a characteristic of its goods; delivery, wrap and tax become services, not stock."""
    documents = _documents(_read(export("commerceml").files[0]))
    lines = documents["101"].xpath("c:Товары/c:Товар", namespaces=NAMESPACES)
    assert [_texts(line, "c:Ид")[0] for line in lines] == [
        "keycrm_product_1",
        "keycrm_product_2#keycrm_variant_5",
        "keycrm_product_3",
    ]
    assert _texts(lines[1], "c:ХарактеристикиТовара/c:ХарактеристикаТовара/c:Наименование") == [
        "Колір",
        "Розмір",
    ]
    assert _texts(lines[1], "c:Штрихкод") == ["4820000000017"]
    assert [_attributes(line)["ТипНоменклатуры"] for line in lines] == ["Товар", "Товар", "Услуга"]
    others = documents["103"].xpath("c:Товары/c:Товар", namespaces=NAMESPACES)
    assert [_texts(line, "c:Ид")[0] for line in others][1:] == ["keycrm_service_wrap", "keycrm_service_tax"]


def test_cards_of_the_books_are_named_by_their_own_ids(export: Export) -> None:
    """A card that the accounting system has already (R12) must be found there, not made a second time."""
    documents = _documents(_read(export("commerceml").files[0]))
    assert _texts(documents["103"], "c:Контрагенты/c:Контрагент/c:Ид") == ["0000-17"]
    assert _texts(documents["102"], "c:Товары/c:Товар/c:Ид") == ["К-4"]


def test_cancelled_order_says_so(export: Export) -> None:
    """A cancelled order that reads as a live one would be shipped."""
    documents = _documents(_read(export("commerceml").files[0]))
    assert _attributes(documents["103"])["Отменен"] == "true"
    assert _texts(documents["103"], "c:Валюта") == ["EUR"]


def test_long_and_dirty_texts_still_follow_the_schema(shop: SmallShop, export: Export) -> None:
    """One name of 400 letters, or one stray control character, must not make the whole month unreadable."""
    day = date(2026, 5, 1)
    may = Documents(shop.warehouse)
    may.add(
        PARTNERS,
        partner_id=50,
        name="Дуже довге ім’я " * 30,
        phone="1" * 300,
        email="\x02",
        catalogue_id="9" * 60,
    )
    may.add(PRODUCTS, product_id=50, name="n", catalogue_id="8" * 100, unit="уп. \x00")
    options = "Гравіювання: A; B; без двокрапки; Розмір: " + "9" * 1200
    line = Item("10.00", 50, name="\ufffeн" * 300, columns={"characteristics": options})
    may.order(500, day, [line], partner_id=50, comment="к\x0b" * 4000, delivery_address="а" * 2000)
    may.save()
    tree = _read(export("commerceml", Period(day, day)).files[0])
    assert SCHEMA.validate(tree), SCHEMA.error_log
    document = _documents(tree)["500"]
    assert len(_texts(document, "c:Комментарий")[0]) == 3000
    assert _texts(document, "c:Комментарий")[0].endswith("к…")
    assert _texts(document, "c:Контрагенты/c:Контрагент/c:Ид") == ["keycrm_partner_50"]
    characteristics = "c:Товары/c:Товар/c:ХарактеристикиТовара/c:ХарактеристикаТовара"
    assert _texts(document, characteristics + "/c:Значение")[0] == "A; B; без двокрапки"


def test_period_without_orders_is_a_valid_empty_file(export: Export) -> None:
    """An empty day must not stop an exchange that runs every night."""
    day = date(2026, 6, 1)
    tree = _read(export("commerceml", Period(day, day)).files[0])
    assert SCHEMA.validate(tree), SCHEMA.error_log
    assert len(tree.getroot()) == 0
    assert tree.getroot().get("ДатаФормирования") == "2026-06-01T00:00:00"
