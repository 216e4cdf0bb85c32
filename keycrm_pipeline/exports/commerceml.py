"""Writes the orders as a CommerceML 2.10 file, the format in which 1C and BAS exchange data with a shop.

One `Документ` per order, with the operation `Заказ товара`; the elements and their order follow the published
schema `urn:1C.ru:commerceml_2`, version 2.10. Names of elements, roles and standard attributes are those of
the format, which is in Russian; texts of the shop stay as they are.

What is not here: payments as separate documents, taxes, exchange rates, stock. KeyCRM prices are what
the buyer pays, so no `Налоги` are written.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.exports.texts import shortened, without_control_characters
from keycrm_pipeline.period import Period

_NAMESPACE = "urn:1C.ru:commerceml_2"
_VERSION = "2.10"

MOST_NAME = 255
"""Characters of a name, article, contact (`НаименованиеТип`, `АртикулТип`, `СтрокаТип`)."""
MOST_COMMENT = 3000
MOST_VALUE = 1000
MOST_PARTNER_IDENTIFIER = 40
MOST_PRODUCT_IDENTIFIER = 80
SHORTEST_BARCODE, LONGEST_BARCODE = 8, 14

_UNIT_CODES = {
    "шт": ("2009", "Штука"),
    "кг": ("0301", "Кілограм"),
    "м": ("0101", "Метр"),
}
"""Codes of the Ukrainian classifier of units (КСПОВО, ДК 011-96), which BAS uses. Other units have no code here
and are found by their name."""

_Row = Mapping[str, Any]


def _add(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = without_control_characters(text)
    return element


def _add_text(parent: ElementTree.Element, name: str, text: str | None, most: int) -> None:
    cleaned = without_control_characters(text or "").strip()
    if cleaned:
        _add(parent, name, shortened(cleaned, most))


def _add_attributes(parent: ElementTree.Element, values: Mapping[str, str | None]) -> None:
    filled = {
        name: cleaned
        for name, value in values.items()
        if (cleaned := without_control_characters(value or "").strip())
    }
    if not filled:
        return
    container = ElementTree.SubElement(parent, "ЗначенияРеквизитов")
    for name, value in filled.items():
        attribute = ElementTree.SubElement(container, "ЗначениеРеквизита")
        _add(attribute, "Наименование", name)
        _add(attribute, "Значение", shortened(value, MOST_VALUE))


def _identifier(catalogue_id: str | None, own: str, most: int) -> str:
    """The card's id in the accounting system if it is known (R12), so that the system finds its own card."""
    cleaned = without_control_characters(catalogue_id or "").strip()
    return cleaned if cleaned and len(cleaned) <= most else own


def _product_identifier(line: _Row) -> str:
    product = _identifier(
        line["product_catalogue_id"], f"keycrm_product_{line['product_id']}", MOST_PRODUCT_IDENTIFIER
    )
    variant_id = line.get("variant_id")
    if variant_id is None:
        return product
    # The convention of the format: the product, a hash sign, and its characteristic.
    with_variant = f"{product}#keycrm_variant_{variant_id}"
    if len(with_variant) <= MOST_PRODUCT_IDENTIFIER:
        return with_variant
    return f"keycrm_product_{line['product_id']}#keycrm_variant_{variant_id}"


def _add_unit(parent: ElementTree.Element, unit: str) -> None:
    element = _add(parent, "БазоваяЕдиница", shortened(unit.strip(), MOST_NAME))
    code = _UNIT_CODES.get(unit.strip().rstrip(".").casefold())
    if code is not None:
        element.set("Код", code[0])
        element.set("НаименованиеПолное", code[1])


def _characteristics(text: str | None) -> list[tuple[str, str]]:
    """`Колір: Червоний; Розмір: M` as pairs; a part without a colon belongs to the value before it."""
    pairs: list[tuple[str, str]] = []
    for part in (text or "").split("; "):
        name, colon, value = part.partition(": ")
        if colon and name.strip() and value.strip():
            pairs.append((name.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}; {part}")
        elif part.strip():
            pairs.append(("Характеристика", part.strip()))
    return pairs


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _quantity(quantity: Decimal) -> str:
    """Without trailing zeros and never with an exponent, which xsd:decimal does not allow."""
    text = f"{quantity:.3f}"
    return text.rstrip("0").rstrip(".")


def _add_adjustment(goods: ElementTree.Element, line: _Row) -> None:
    """The difference between price x quantity and the amount: a discount, or a surcharge if it is below zero.

    It is computed from the figures written here, so that the line adds up.
    """
    difference = line["listed_amount"] - line["amount"]
    if not difference:
        return
    many, one, name = (
        ("Скидки", "Скидка", "Знижка") if difference > 0 else ("ДопРасходы", "ДопРасход", "Націнка")
    )
    element = ElementTree.SubElement(ElementTree.SubElement(goods, many), one)
    _add(element, "Наименование", name)
    _add(element, "Сумма", _money(abs(difference)))
    _add(element, "УчтеноВСумме", "true")


def _add_line(
    parent: ElementTree.Element, line: _Row, identifier: str, *, is_service: bool, unit: str
) -> None:
    goods = ElementTree.SubElement(parent, "Товар")
    _add(goods, "Ид", identifier)
    barcode = without_control_characters(line.get("barcode") or "").strip()
    if SHORTEST_BARCODE <= len(barcode) <= LONGEST_BARCODE:
        _add(goods, "Штрихкод", barcode)
    _add_text(goods, "Артикул", line["sku"], MOST_NAME)
    _add(goods, "Наименование", shortened(without_control_characters(line["name"]).strip(), MOST_NAME))
    _add_unit(goods, unit)
    pairs = _characteristics(line["characteristics"])
    if pairs:
        container = ElementTree.SubElement(goods, "ХарактеристикиТовара")
        for name, value in pairs:
            characteristic = ElementTree.SubElement(container, "ХарактеристикаТовара")
            _add(characteristic, "Наименование", shortened(name, MOST_NAME))
            _add(characteristic, "Значение", shortened(value, MOST_VALUE))
    sort = "Услуга" if is_service else "Товар"
    _add_attributes(goods, {"ВидНоменклатуры": sort, "ТипНоменклатуры": sort})
    _add(goods, "ЦенаЗаЕдиницу", _money(line["price"]))
    _add(goods, "Количество", _quantity(line["quantity"]))
    _add(goods, "Сумма", _money(line["amount"]))
    _add_adjustment(goods, line)


def _add_partner(document: ElementTree.Element, order: _Row) -> None:
    partner = ElementTree.SubElement(ElementTree.SubElement(document, "Контрагенты"), "Контрагент")
    own = f"keycrm_partner_{order['partner_id']}"
    _add(partner, "Ид", _identifier(order["partner_catalogue_id"], own, MOST_PARTNER_IDENTIFIER))
    name = shortened(without_control_characters(order["partner_name"]).strip(), MOST_NAME)
    _add(partner, "Наименование", name)
    _add(partner, "ПолноеНаименование", name)
    contacts = [("Телефон рабочий", order["partner_phone"]), ("Почта", order["partner_email"])]
    filled = [(kind, value) for kind, value in contacts if without_control_characters(value or "").strip()]
    if filled:
        container = ElementTree.SubElement(partner, "Контакты")
        for kind, value in filled:
            contact = ElementTree.SubElement(container, "Контакт")
            _add(contact, "Тип", kind)
            _add_text(contact, "Значение", value, MOST_NAME)
    # No address: by R3, addresses belong to the order and not to the card.
    _add(partner, "Роль", "Покупатель")


def _service_identifier(service: _Row) -> str:
    """Wrap and tax have no card; each has one fixed identifier, so that the importer creates one service for it."""
    if service["product_id"] is None:
        return f"keycrm_service_{service['kind']}"
    return _product_identifier(service)


def _document(
    order: _Row, lines: list[_Row], services: list[_Row], units: Mapping[int, str], zone: ZoneInfo
) -> ElementTree.Element:
    local = order["ordered_at"].astimezone(zone)
    document = ElementTree.Element("Документ")
    _add(document, "Ид", f"keycrm_order_{order['order_id']}")
    _add(document, "Номер", str(order["order_id"]))
    _add(document, "Дата", f"{local:%Y-%m-%d}")
    _add(document, "ХозОперация", "Заказ товара")
    _add(document, "Роль", "Продавец")
    _add(document, "Валюта", order["currency"])
    _add(document, "Курс", "1")
    _add(document, "Сумма", _money(order["grand_total"]))
    _add_partner(document, order)
    _add(document, "Время", f"{local:%H:%M:%S}")
    _add_text(document, "Комментарий", order["comment"], MOST_COMMENT)
    if lines or services:
        goods = ElementTree.SubElement(document, "Товары")
        positions = [(line, False) for line in lines] + [(service, True) for service in services]
        for line, is_service in sorted(positions, key=lambda position: position[0]["line_no"]):
            if is_service:
                unit = units.get(line["product_id"], "шт")
                _add_line(goods, line, _service_identifier(line), is_service=True, unit=unit)
            else:
                _add_line(goods, line, _product_identifier(line), is_service=False, unit=line["unit"])
    _add_attributes(
        document,
        {
            "Статус заказа": order["stage"],
            "Отменен": "true" if order["is_cancelled"] else "false",
            "Заказ оплачен": "true" if order["payment_status"] in ("paid", "overpaid") else "false",
            "Сумма оплаты": _money(order["paid_total"]),
            "Метод оплаты": order["payment_method"],
            "Банковский счет или касса": order["account"],
            "Способ доставки": order["delivery_service"],
            "Адрес доставки": order["delivery_address"],
            "Номер отправления": order["tracking_code"],
            "Получатель": order["recipient_name"],
            "Телефон получателя": order["recipient_phone"],
            "Источник": order["source_name"],
            "Номер в источнике": order["source_number"],
            "Ответственный": order["responsible"],
            "Автор": order["author"],
        },
    )
    return document


def _by_order(frame: pl.DataFrame) -> Iterator[tuple[int, list[_Row]]]:
    for order_id, rows in groupby(frame.iter_rows(named=True), key=lambda row: row["order_id"]):
        yield order_id, list(rows)


class _OrderRows:
    """Gives the rows of one order after another, from a frame sorted like the orders."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._groups = _by_order(frame)
        self._next = next(self._groups, None)

    def of(self, order_id: int) -> list[_Row]:
        """The rows of that order; to be called in the frame's order."""
        if self._next is None or self._next[0] != order_id:
            return []
        rows = self._next[1]
        self._next = next(self._groups, None)
        return rows


def _formed_at(orders: pl.DataFrame, period: Period, zone: ZoneInfo) -> str:
    """The newest change of the exported orders, not the current time: the same books give the same bytes."""
    newest = orders["updated_at"].max()
    moment = (
        newest.astimezone(zone)
        if isinstance(newest, datetime)
        else datetime.combine(period.last, time(), zone)
    )
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def write_commerceml(
    path: Path, frames: Mapping[str, pl.DataFrame], *, timezone: str, period: Period
) -> None:
    """Writes the orders with their lines and services as one file.

    Each line's `Сумма` is what the buyer pays for it, `ЦенаЗаЕдиницу` the list price, and the difference is a
    `Скидка` that `Сумма` already includes; the lines' sums add up to the document's. Delivery, wrap and tax are
    lines of type `Услуга`. `Курс` is 1, even for a foreign currency: KeyCRM provides no rate.

    Args:
        path: The file to create.
        frames: The tables of `warehouse.export`.
        timezone: IANA zone of dates and times.
        period: The local days; without orders, the file is dated by the last one.
    """
    zone = ZoneInfo(timezone)
    orders, products = frames["orders"], frames["products"]
    units = dict(zip(products["product_id"], products["unit"], strict=True))
    lines, services = _OrderRows(frames["order_lines"]), _OrderRows(frames["order_services"])
    root = (
        f'<КоммерческаяИнформация xmlns="{_NAMESPACE}" ВерсияСхемы="{_VERSION}" '
        f'ДатаФормирования="{_formed_at(orders, period, zone)}">'
    )
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n')
        # One order at a time: a year of orders as one tree would take too much memory.
        for order in orders.iter_rows(named=True):
            order_id = order["order_id"]
            document = _document(order, lines.of(order_id), services.of(order_id), units, zone)
            ElementTree.indent(document, "  ", level=1)
            file.write(f"  {ElementTree.tostring(document, encoding='unicode')}\n")
        file.write("</КоммерческаяИнформация>\n")
