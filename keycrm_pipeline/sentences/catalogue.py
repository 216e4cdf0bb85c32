"""What is wrong with the files of the accounting catalogue (R12): which file, which line, what to do.

No cell is a value of a message: in a file without its first line, even the names of its columns are people's.
"""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class CatalogueFailure(Sentences):
    """Why the files were not read."""

    CATALOGUE_FILES_WRONG = ("{files:lines}", "{files:lines}")
    CATALOGUE_FILE_WRONG = (
        "{file} was not read; correct it and load again:\n  {problems:indented}",
        "{file} не прочитано; виправте його й завантажте ще раз:\n  {problems:indented}",
    )
    CATALOGUE_FILE_NOT_READ = (
        "{file} cannot be read: {reason}.",
        "{file} не вдалося прочитати: {reason}.",
    )
    SAME_CARDS_IN_TWO_FILES = (
        "{directory} has both {first} and {second}, and nobody knows which one counts. Remove one of them and load "
        "again.",
        "У теці {directory} є і {first}, і {second}: невідомо, який із них правильний. Приберіть один і завантажте "
        "ще раз.",
    )
    AT_LINE = ("line {line}: {problem}", "рядок {line}: {problem}")
    AT_COLUMN = ("line {line}, column {column}: {problem}", "рядок {line}, колонка {column}: {problem}")
    AT_ROW = ("row {line}: {problem}", "рядок {line}: {problem}")
    AT_CELL = ("row {line}, column {column}: {problem}", "рядок {line}, колонка {column}: {problem}")
    MORE_PROBLEMS = ("and {count:number} more", "і ще {count:number}")


class CatalogueMistake(Sentences):
    """One thing that is wrong with a file, after its line and column."""

    NO_KIND_OF_PRODUCT = (
        "it is no kind of product; write {kinds}",
        "це не є видом товару; напишіть {kinds}",
    )
    SKU_OF_PRODUCT_WITH_SKU = (
        "a product_with_sku (Товар з SKU) has its SKUs on its variants; leave the column empty",
        "у Товару з SKU (product_with_sku) артикули стоять на варіантах; залиште колонку порожньою",
    )
    STANDS_TWICE = (
        "the same {column} stands in line {line} already; every {column} may stand once",
        "таке саме значення {column} вже стоїть у рядку {line}; кожне значення {column} може стояти лише раз",
    )
    TOO_MANY_FIELDS = (
        "{fields:number} fields where the header names {columns:number} columns; put a field that contains the "
        "separator into double quotes",
        "полів {fields:number}, а колонок у заголовку {columns:number}; візьміть поле, у якому є роздільник, у "
        "подвійні лапки",
    )
    MISSING_IN_CARD = (
        "the {column} is missing; every card needs one",
        "немає {column}; без нього картки не буває",
    )
    EMPTY_FILE = (
        "the file is empty; its first line must name the columns {columns}",
        "файл порожній; у його першому рядку мають стояти назви колонок {columns}",
    )
    NO_COLUMN = (
        "the first line names no column {column}; the columns are {columns}",
        "у першому рядку немає колонки {column}; колонки: {columns}",
    )
    UNKNOWN_COLUMN = (
        "there is no such column; the columns are {columns}",
        "такої колонки немає; колонки: {columns}",
    )
    UNKNOWN_COLUMN_NEAR = (
        "there is no such column; did you mean {near}? the columns are {columns}",
        "такої колонки немає; можливо, {near}? Колонки: {columns}",
    )
    COLUMN_TWICE = ("the column is named twice", "колонку названо двічі")
    BROKEN_QUOTES = (
        "the line cannot be read ({reason}); a double quote inside a quoted field must be doubled",
        "рядок не вдалося прочитати ({reason}); подвійні лапки всередині поля в лапках треба подвоїти",
    )
    TOO_LONG = (
        "it is longer than {most} characters; check the separator and the quotes",
        "довше за {most} знаків; перевірте роздільник і лапки",
    )
    NOT_PRINTABLE = (
        "it contains characters that cannot be printed; type it again",
        "тут є знаки, яких не видно; наберіть значення ще раз",
    )
    CELL_WRONG = ("it is wrong ({check})", "значення неправильне ({check})")
    CATALOGUE_NOT_UTF8 = (
        "it is not in UTF-8; save the file as “CSV UTF-8”",
        "це не UTF-8; збережіть файл як «CSV UTF-8»",
    )
    NOT_A_WORKBOOK = (
        "it is not an Excel workbook (.xlsx), or it is damaged or too large; save it as one, or as “CSV UTF-8”",
        "це не книга Excel (.xlsx), або файл пошкоджений чи завеликий; збережіть його як книгу або як «CSV UTF-8»",
    )
