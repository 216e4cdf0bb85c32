"""What a Ukrainian accountant reads: one word for one thing, and the other set of words when it is chosen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html

from keycrm_pipeline.export_tables import TABLES
from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline.reports.page import render_report
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.words import in_words_of
from keycrm_pipeline_tests.documents import MADE_AT, Item
from keycrm_pipeline_tests.reports.booked_shop import books_in, new_shop
from keycrm_pipeline_tests.reports.march import MARCH

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "keycrm_pipeline"

TEXTS = (
    *sorted((PACKAGE / "reports").rglob("*.py")),
    *sorted((PACKAGE / "reports" / "templates").iterdir()),
    *sorted((PACKAGE / "page").glob("*.py")),
    *sorted((PACKAGE / "page" / "templates").iterdir()),
    *sorted((PACKAGE / "commands").glob("*.py")),
    *sorted((PACKAGE / "schemas").glob("*.py")),
    *sorted((PACKAGE / "exports").glob("*.py")),
    *sorted((PACKAGE / "warehouse").glob("*.py")),
    *sorted((PACKAGE / "warehouse" / "sql").glob("*.sql")),
    PACKAGE / "cli.py",
    PACKAGE / "kinds.py",
    PACKAGE / "profile" / "models.py",
    ROOT / "profiles" / "demo.yaml",
    ROOT / "README.uk.md",
)
"""Files whose Ukrainian text people read: report, views, commands, tables, exports, settings, the first page."""

NOT: dict[str, str] = {
    r"партнер": "контрагент",
    r"\bетап": "стадія; of a load, крок",
    r"метод\w* оплат": "спосіб оплати",
    r"\bпереда(?:ти|но|на|ні|ва\w+)\b": "вивантажити, вивантажено",
    r"сплач|сплат(?:а|и|і|у|ою)\b": "оплата, оплачено; сплата is for taxes",
    r"перелік\w* перегляду|чека\w* на людину": "Потребує уваги",
    r"(?<!нова )(?<!нової )(?<!новою )\bпошт(?:а|и|і|у|ою)\b": "e-mail, електронна адреса",
    r"\bключ\w* (?:виду|стану|причини)": "код; a ключ is КЕП or the API key",
    r"побачен": "отримано з KeyCRM",
    r"різниц|не сход[иі]ться": "розбіжність",
    r"продажі за часом": "динаміка продажів",
    r"середн\w+ замовлен": "середній чек",
    r"з них доставка": "у т. ч. доставка",
    r"до сплати|вік замовлення": "залишок до оплати, давність",
    r"прайс": "ціни без знижки",
    r"постійн\w+ покуп": "повторні покупки",
    r"повернен|повернулось": "скасування і неотримані посилки; повернення is a document",
    r"перерахун|перебуд": "переформування",
    r"(?:який|яку) можна прочитати": "відсутній або не читається",
    r"(?:його|їх) забере": "буде завантажено під час наступного обміну",
    r"завантажен\w+, як є|завантажується, як є": "завантажено як є, without a comma",
    r"номер\w* джерела": "номер у джерелі",
    r"пропозиці": "код варіанта KeyCRM",
    r"післяплата нова пошта": "Розрахунки з НоваПей",
    r"дохід|доход": "за датою оплати в KeyCRM: which date is income is disputed",
}
"""What is written nowhere, as a pattern -> what is written in its place."""

RIGHT = (
    # What KeyCRM and Quincefin call their own things.
    "у Quincefin — партнер",
    "`quincefin` (партнер",
    "Партнер |",
    "Записувати номер джерела в коментар",
    "Передано в доставку",
    "Передано у виробництво",
    "«Повернення»",
    # A fixed name of CommerceML, which is in Russian.
    "Метод оплаты",
)
"""What stands there rightly in spite of a pattern."""


def ukrainian_of(path: Path) -> Iterator[str]:
    """The texts of a file: of a module what stands between quotes, without its docstrings."""
    if path.suffix != ".py":
        yield from path.read_text("utf-8").splitlines()
        return
    module = ast.parse(path.read_text("utf-8"))
    documentation = {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def wrong_words(text: str) -> list[str]:
    """The words of a text that an accountant should not meet, each with the one to use."""
    for right in RIGHT:
        text = text.replace(right, "")
    return [
        f"{found[0]} -> {instead}"
        for pattern, instead in NOT.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_word_for_one_thing(path: Path) -> None:
    """The list says what to write instead; a text that mixes two words makes the reader look for two things."""
    assert [(wrong, text) for text in ukrainian_of(path) for wrong in wrong_words(text)] == []


def test_the_words_are_found_where_they_are() -> None:
    """Without this, a pattern that matches nothing would let everything pass."""
    assert wrong_words("Ключ стану: сплачено, передано партнеру на пошту.") == [
        "партнер -> контрагент",
        "передано -> вивантажити, вивантажено",
        "сплач -> оплата, оплачено; сплата is for taxes",
        "пошту -> e-mail, електронна адреса",
        "Ключ стану -> код; a ключ is КЕП or the API key",
    ]
    assert wrong_words("Нова пошта, Новою поштою; статус «Повернення».") == []


def test_headers_say_what_is_counted() -> None:
    """«Нова» alone says not of what, and «Назва» is called номенклатура elsewhere."""
    headers = {column.header for table in TABLES for column in table.columns}
    assert headers & {"Нова", "Новий", "Назва", "Користувач", "Партнер", "Зовнішній номер"} == set()
    assert {"Контрагент", "Номенклатура", "Номер у джерелі", "Автор", "Нова картка"} <= headers


def test_the_words_of_quincefin(tmp_path: Path) -> None:
    """A setting chooses the words of the report and of the exported tables together."""
    tables = {table.name: table for table in chosen_tables({}, "quincefin")}
    headers = {column.header for table in tables.values() for column in table.columns}
    assert {"Код партнера", "Партнер", "Код товару", "Товар", "Зовнішній номер", "Користувач"} <= headers
    assert tables["partners"].title == "Партнери"
    assert [
        header for header in headers if re.search("контрагент|номенклатур|автор", header, re.IGNORECASE)
    ] == []
    shop = new_shop(tmp_path)
    shop.order(1, MARCH.first, [Item("10", name="Крем «Номенклатура»")])
    shop.card(1, "Автор")
    shop.rejected(2, MARCH.first, Reason.NO_PARTNER.message())
    document = render_report(books_in(shop.save(), words="quincefin"), MARCH, now=MADE_AT)
    text = " ".join(html.fromstring(document).text_content().split())
    assert "Покупець — картка партнера" in text
    assert "а в профілі не вказано партнера для таких замовлень" in text
    assert "контрагент" not in text
    # Not a word of ours: the product is called so.
    assert "Автор" in text


def test_what_somebody_typed_keeps_its_words() -> None:
    """Sentences quote names; a name is not translated, and a word that only begins alike neither."""
    assert in_words_of("quincefin", "Картка «Автор» контрагента") == "Картка «Автор» партнера"
    assert in_words_of("quincefin", "Авторизація") == "Авторизація"
    assert in_words_of("bas", "Контрагент") == "Контрагент"
