"""Brings the catalogue of messages up to date with the code, and compiles it.

Run by `make messages` after a message was added or reworded: it writes new messages into the catalogue without a
translation, and removes those that the code no longer has. Then somebody translates them in the `.po` file, and runs it
again to compile the `.mo` that the program reads. What is read: calls of `_`, `gettext`, `ngettext`, `counted` and
`message`, the docstrings of commands, the templates, and the words of click that a person sees.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from keycrm_pipeline.language import DOMAIN, LOCALE_DIRECTORY

PACKAGE = LOCALE_DIRECTORY.parent
KEYWORDS = {"_": (0,), "gettext": (0,), "message": (0,), "ngettext": (0, 1), "counted": (0, 1)}
"""Functions -> the positions of their message, or of its singular and plural."""

CLICKS_MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
"""What of click speaks to a person."""

CLICKS_WORDS = ("required",)
"""What click translates without writing it out there."""

WIDTH = 120
EXIT_UNTRANSLATED = 1

Text = str | tuple[str, ...]


def _texts(call: ast.Call, positions: tuple[int, ...]) -> Text | None:
    """The message of a call; None if it is not written out there."""
    texts = [call.args[position] for position in positions if position < len(call.args)]
    values = [text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
    if len(values) < len(positions):
        return None
    return values[0] if len(positions) == 1 else tuple(values)


def _messages_of(file: Path) -> Iterator[Text]:
    """The messages of a module; babel's own reader overlooks those within f-strings before Python 3.12."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            text = _texts(node, KEYWORDS[node.func.id])
            if text is not None:
                yield text
        if isinstance(node, ast.FunctionDef) and _is_command(node):
            yield ast.get_docstring(node) or ""


def _is_command(function: ast.FunctionDef) -> bool:
    """Whether its docstring is what `--help` says."""
    return any(
        isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in {"main.command", "click.group"}
        for decorator in function.decorator_list
    )


def messages() -> set[Text]:
    """Every message of the program; a message with a plural is a pair."""
    clicks = Path(click.__file__).parent
    modules = [*PACKAGE.rglob("*.py"), *(clicks / f"{name}.py" for name in CLICKS_MODULES)]
    found = {text for module in modules for text in _messages_of(module)}
    for _file, _line, text, _comments, _context in extract_from_dir(PACKAGE, [("**.j2", "jinja2")]):
        found.add(text)
    return (found | {*CLICKS_WORDS}) - {""}


def catalogue_file(language: str) -> Path:
    """The catalogue that people edit; the compiled one is next to it, with the suffix `.mo`."""
    return LOCALE_DIRECTORY / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(language: str) -> Catalog:
    """The catalogue as it is stored."""
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def up_to_date(stored: Catalog) -> Catalog:
    """The catalogue with exactly the messages of the code; those that were there keep their translation."""
    known = {_key(entry): entry for entry in stored if entry.id}
    fresh = Catalog(
        locale=stored.locale,
        domain=DOMAIN,
        project=DOMAIN,
        header_comment="# Ukrainian messages of keycrm_pipeline; see CONTRIBUTING.md, Messages.",
        creation_date=stored.creation_date,
        revision_date=stored.revision_date,
        charset="utf-8",
        fuzzy=False,
        version="1",
        msgid_bugs_address="CONTRIBUTING.md",
        last_translator="keycrm_pipeline contributors",
        language_team="uk",
    )
    for text in sorted(messages(), key=str):
        entry = known.get(text)
        fresh.add(text, entry.string if entry else None, flags=entry.flags - {"fuzzy"} if entry else ())
    return fresh


def _key(entry: Message) -> Text:
    return tuple(entry.id) if isinstance(entry.id, list | tuple) else entry.id


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages without a translation, or without one of its plural forms."""
    return [
        str(entry.id)
        for entry in catalogue
        if entry.id and not all(entry.string if isinstance(entry.string, tuple) else [entry.string])
    ]


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as gettext reads it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def main() -> int:
    """Writes both files, and lists what is not translated yet."""
    language = "uk"
    catalogue = up_to_date(read_catalogue(language))
    path = catalogue_file(language)
    with path.open("wb") as file:
        write_po(file, catalogue, width=WIDTH, no_location=True, sort_output=True)
    path.with_suffix(".mo").write_bytes(compiled(catalogue))
    missing = untranslated(catalogue)
    for text in missing:
        print(f"Not translated: {text}")
    return EXIT_UNTRANSLATED if missing else 0


if __name__ == "__main__":
    sys.exit(main())
