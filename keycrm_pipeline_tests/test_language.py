"""The language in which the program speaks: who chooses it, and that the catalogue of messages is whole."""

from __future__ import annotations

import gettext
import importlib.util
import io
import re
from collections.abc import Mapping
from string import Formatter as FieldParser
from types import ModuleType

import pytest
from jinja2 import Environment

from keycrm_pipeline import language
from keycrm_pipeline.language import Language, _, counted, language_of_environment, speaking
from keycrm_pipeline_tests.product import PROJECT

_PYTHON_FIELD = re.compile(r"%\((\w+)\)s")


def tool() -> ModuleType:
    """The script behind `make messages`."""
    spec = importlib.util.spec_from_file_location("messages", PROJECT / "scripts" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MESSAGES = tool()


def fields(text: str) -> set[str]:
    """Names of the placeholders of a text, in either notation."""
    return {name for _before, name, _kind, _conversion in FieldParser().parse(text) if name} | {
        *_PYTHON_FIELD.findall(text)
    }


def test_the_catalogue_has_the_messages_of_the_code() -> None:
    """A message that was added or reworded is translated, and nothing is left of those that went."""
    stored = MESSAGES.read_catalogue("uk")
    assert {MESSAGES._key(entry) for entry in stored if entry.id} == MESSAGES.messages()
    assert stored.obsolete == {}
    assert MESSAGES.untranslated(stored) == []
    assert [entry.id for entry in stored if entry.fuzzy] == []


def test_the_compiled_catalogue_is_that_of_the_sources() -> None:
    """Whoever edits the translations runs `make messages`, which compiles what the program reads."""
    stored = MESSAGES.read_catalogue("uk")
    compiled = MESSAGES.catalogue_file("uk").with_suffix(".mo").read_bytes()
    told = gettext.GNUTranslations(io.BytesIO(compiled))
    fresh = gettext.GNUTranslations(io.BytesIO(MESSAGES.compiled(stored)))
    assert vars(told)["_catalog"] == vars(fresh)["_catalog"]


def test_a_translation_has_the_placeholders_of_its_message() -> None:
    """A missing value would be lost, and a misspelt one would end the command."""
    wrong = []
    for entry in MESSAGES.read_catalogue("uk"):
        if not entry.id:
            continue
        if isinstance(entry.id, str):
            expected, forms = fields(entry.id), [entry.string]
        else:
            expected, forms = fields(entry.id[0]) | fields(entry.id[1]), list(entry.string)
        # A form for one may leave out the number.
        wrong += [entry.id for form in forms if not fields(form) <= expected]
        wrong += [entry.id for form in forms[-1:] if fields(form) < expected and isinstance(entry.id, str)]
    assert wrong == []


def test_no_translation_has_a_word_that_accountants_read_otherwise() -> None:
    """The words of the glossary: «етап», «метод оплати» and «перерахунок» are not among them."""
    avoided = re.compile(
        r"\bетап|метод\w* оплат|перерахун|код\w* пропозиці|передати|побачен|не сходи|середн\w* замовлення",
        re.IGNORECASE,
    )
    texts = [str(entry.string) for entry in MESSAGES.read_catalogue("uk") if entry.id]
    assert [text for text in texts if avoided.search(text)] == []


@pytest.mark.parametrize(
    ("count", "word"),
    [
        (1, "замовлення"),
        (2, "замовлення"),
        (5, "замовлень"),
        (11, "замовлень"),
        (21, "замовлення"),
        (112, "замовлень"),
    ],
)
def test_a_count_has_its_form(count: int, word: str) -> None:
    """1 замовлення, 2 замовлення, 5 замовлень; the teens are as five."""
    with speaking("uk"):
        assert counted("order", "orders", count) == word


def test_english_needs_no_catalogue() -> None:
    """What the code says is what is shown, with its values."""
    assert (counted("order", "orders", 1), counted("order", "orders", 2)) == ("order", "orders")
    assert _("Wrote {path}.", path="a{b}.yaml") == "Wrote a{b}.yaml."


def test_words_of_quincefin_but_values_as_they_are() -> None:
    """A message follows `words`; the name of a file or of a shop does not."""
    with speaking("uk", "quincefin"):
        assert _("New partners (Контрагент)") == "Нові картки партнерів"
        assert _("Wrote {path}.", path="контрагент.yaml") == "Записано контрагент.yaml."
    with speaking("uk"):
        assert _("New partners (Контрагент)") == "Нові картки контрагентів"


def test_templates_can_use_the_catalogue() -> None:
    """Jinja2's own extension for translations takes the two functions as they are."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.gettext, language.ngettext, newstyle=True
    )
    template = environment.from_string("{{ _('Stopped.') }} {% trans %}Payments{% endtrans %}")
    with speaking("uk"):
        assert template.render() == "Зупинено. Оплати"
    assert template.render() == "Stopped. Payments"


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"LANG": "uk_UA.UTF-8"}, "uk"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "uk_UA.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "uk_UA.UTF-8", "LC_MESSAGES": "uk", "LC_ALL": "POSIX"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "uk:en"}, "uk"),
        ({"LANG": "uk_UA.UTF-8", "LC_ALL": ""}, "uk"),
        ({"LANG": "pl_PL.UTF-8"}, None),
        ({}, None),
    ],
)
def test_the_language_of_an_environment(variables: Mapping[str, str], found: Language | None) -> None:
    """The strongest variable that is set decides; a third language decides nothing."""
    assert language_of_environment(variables) == found
