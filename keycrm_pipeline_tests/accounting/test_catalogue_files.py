"""The accounting system's own files of cards, and what their owner reads when one is wrong (R12)."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.catalogue_files import (
    CatalogueFileError,
    CataloguePartnerRow,
    CatalogueProductRow,
    cells_of_csv,
    read_partners,
    read_products,
)
from keycrm_pipeline.accounting.names import Skus

SKUS = Skus(["-"])
COLUMNS = "the columns are id, name, sku, kind, unit"


def _products_of_csv(text: str) -> list[CatalogueProductRow]:
    return read_products(cells_of_csv(text), "products.csv", SKUS)


def _partners_of_csv(text: str) -> list[CataloguePartnerRow]:
    return read_partners(cells_of_csv(text), "partners.csv")


def problems_of_products(text: str) -> list[str]:
    with pytest.raises(CatalogueFileError) as caught:
        _products_of_csv(text)
    return [str(problem.described(in_sheet=False)) for problem in caught.value.problems]


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "sep={separator}\n", "\ufeffsep={separator}\n"])
def test_products_in_every_usual_form(separator: str, line_end: str, start: str) -> None:
    """Comma or semicolon, with a byte order mark or Excel's hint, from Windows or not."""
    rows = [
        ["id", "name", "sku", "kind", "unit"],
        ["7", "  Сумка   полотняна ", " BAG-01 ", "product", "шт."],
        ["К-12", "Тканина", "", "Товар", "м"],
        ["", "", "", "", ""],
        ["8", "Футболка", "", "ТОВАР З SKU", ""],
        ["9", "Вишивка", "EMB", "Послуга", ""],
        ["10", "Стрічка", "", "", ""],
    ]
    text = start.format(separator=separator) + line_end.join(separator.join(row) for row in rows)
    first = 2 + start.count("\n")
    assert _products_of_csv(text) == [
        CatalogueProductRow(first, "7", "Сумка полотняна", "BAG-01", "product", None),
        CatalogueProductRow(first + 1, "К-12", "Тканина", None, "product", "м"),
        CatalogueProductRow(first + 3, "8", "Футболка", None, "product_with_sku", None),
        CatalogueProductRow(first + 4, "9", "Вишивка", "EMB", "service", None),
        CatalogueProductRow(first + 5, "10", "Стрічка", None, "product", None),
    ]


def test_partners() -> None:
    """Phone and e-mail stay as written; columns may stand in any order, in any case."""
    text = 'Name, ID ,EMAIL\n"Тестова, О. П.",3, o@example.com\nІван;Тестовий,4\n'
    assert _partners_of_csv(text) == [
        CataloguePartnerRow(2, "3", "Тестова, О. П.", None, "o@example.com"),
        CataloguePartnerRow(3, "4", "Іван;Тестовий", None, None),
    ]
    assert _partners_of_csv("id;name;phone\n1;Олена;050-123-45-67\n")[0].phone == "050-123-45-67"


def test_only_the_needed_columns() -> None:
    """A list of names with ids is enough."""
    assert _products_of_csv("id,name\n1,Сумка") == [
        CatalogueProductRow(2, "1", "Сумка", None, "product", None)
    ]
    assert _products_of_csv("id,name\n") == []


def test_r4_a_placeholder_in_the_file_is_no_sku() -> None:
    """It may stand in many rows, and on a card with variants; any other SKU once, whatever its blanks."""
    text = "id,name,sku,kind\n1,Сумка,-,\n2,Пояс,--,\n3,Футболка,-,Товар з SKU\n4,Торба,A\u00a0 1,\n"
    assert [row.sku for row in _products_of_csv(text)] == [None, None, None, "A 1"]
    assert problems_of_products(text + "5,Рюкзак,a 1,\n") == [
        "line 6, column sku: the same sku stands in line 5 already; every sku may stand once"
    ]


def test_a_name_over_two_lines_counts_both() -> None:
    """The line numbers in messages are those that an editor shows."""
    text = 'id,name\n1,"Сумка\nполотняна"\n2,\n'
    assert problems_of_products(text) == ["line 4, column name: the name is missing; every card needs one"]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """The owner corrects the file once, not once for every mistake."""
    text = (
        "id,name,sku,kind,unit\n"
        "1,Сумка,BAG-01,product,\n"
        ",Торба,,,\n"
        "3,,,,\n"
        "4,Пояс,,goods,\n"
        "01,Пояс,,,\n"
        "6,Пояс, bag-01,,\n"
        "7,Футболка,TS,product_with_sku,\n"
        "8,Пояс,,,,,чорний\n"
    )
    assert problems_of_products(text) == [
        "line 3, column id: the id is missing; every card needs one",
        "line 4, column name: the name is missing; every card needs one",
        "line 5, column kind: it is no kind of product; write product (Товар), product_with_sku "
        "(Товар з SKU) or service (Послуга)",
        "line 6, column id: the same id stands in line 2 already; every id may stand once",
        "line 7, column sku: the same sku stands in line 2 already; every sku may stand once",
        "line 8, column sku: a product_with_sku (Товар з SKU) has its SKUs on its variants; leave the column "
        "empty",
        "line 9: 7 fields where the header names 5 columns; put a field that contains the separator into "
        "double quotes",
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["line 1: the file is empty; its first line must name the columns id, name, sku, kind, unit"]),
        (
            "\ufeff\n\n",
            ["line 1: the file is empty; its first line must name the columns id, name, sku, kind, unit"],
        ),
        (
            "id,nam,sku\n1,Сумка,\n",
            [
                f"line 1, column name: the first line names no column name; {COLUMNS}",
                f"line 1, column number 2: there is no such column; did you mean name? {COLUMNS}",
            ],
        ),
        ("id,name,id\n", ["line 1, column id: the column is named twice"]),
        (
            "id,name,\n1,Сумка,\n",
            [f"line 1, column number 3: there is no such column; {COLUMNS}"],
        ),
        (
            'id,name\n1,Пояс\n2,"Сумка "Ніч""\n',
            [
                "line 3: the line cannot be read (',' expected after '\"'); "
                "a double quote inside a quoted field must be doubled"
            ],
        ),
        (
            'id,name\n1,"Сумка\n2,Пояс\n',
            [
                "line 2: the line cannot be read (unexpected end of data); "
                "a double quote inside a quoted field must be doubled"
            ],
        ),
    ],
)
def test_a_file_that_is_not_what_it_should_be(text: str, problems: list[str]) -> None:
    """Words with the line, not a traceback."""
    assert problems_of_products(text) == problems


def test_the_message_names_the_file_and_does_not_run_on() -> None:
    """A file of another kind has a problem in every line; the first twenty are enough."""
    text = "id,name\n" + "".join(f"{number},\n" for number in range(25))
    with pytest.raises(CatalogueFileError) as caught:
        _partners_of_csv(text)
    lines = str(caught.value).splitlines()
    assert lines[0] == "partners.csv was not read; correct it and load again:"
    assert lines[1] == "  line 2, column name: the name is missing; every card needs one"
    assert lines[-1] == "  and 5 more"
    assert len(lines) == 22
    assert len(caught.value.problems) == 25


def test_a_partner_id_may_stand_once() -> None:
    """Two cards under one number would be one."""
    with pytest.raises(CatalogueFileError, match="line 3, column id: the same id stands in line 2 already"):
        _partners_of_csv("id,name\n5,Олена\n5,Іван\n")


FIELD = st.text(alphabet="абв ABC,;\"'\n.", max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(FIELD, FIELD), max_size=6), st.sampled_from([",", ";"]))
def test_what_a_spreadsheet_writes_is_read(cards: list[tuple[str, str]], separator: str) -> None:
    """Names with separators, quotes and line breaks come back as they were, blanks apart."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["id", "name", "phone"])
    writer.writerows([number, f"x{name}", phone] for number, (name, phone) in enumerate(cards))
    rows = _partners_of_csv(text.getvalue())
    assert [(row.catalogue_id, row.name, row.phone) for row in rows] == [
        (str(number), " ".join(f"x{name}".split()), " ".join(phone.split()) or None)
        for number, (name, phone) in enumerate(cards)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "5,Олена Тестова,+380501112233,olena@person.example\n6,Іван,,\n",
        "id,name,Олена Тестова,+380501112233,olena@person.example\n",
        "id,name\n5,Олена\n5,Тестова\n",
        "id,name,phone\n" + "olena@person.example,Олена Тестова,+380501112233\n" * 2,
        'id,name\n5,"Олена Тестова" +380501112233"\n',
        "id,name\n5,Олена,Тестова,+380501112233\n",
    ],
)
def test_no_cell_of_a_person_is_quoted(text: str) -> None:
    """A file without its first line put a name, a phone and an e-mail into Dagster and the log."""
    with pytest.raises(CatalogueFileError) as caught:
        _partners_of_csv(text)
    said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    for cell in ("Олена", "Тестова", "0501112233", "person.example"):
        assert cell not in said
