"""What is wrong with the files of the rates of the НБУ: which file, which record, what to do."""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class RateFailure(Sentences):
    """Why the files were not read."""

    RATES_FILE_WRONG = (
        "{file} was not read: {problem:sentences}. Correct it and load again.",
        "{file} не прочитано: {problem:sentences}. Виправте його й завантажте ще раз.",
    )
    RATES_FILE_NOT_READ = ("{file} cannot be read: {reason}.", "{file} не вдалося прочитати: {reason}.")
    RATES_DISAGREE = (
        "The files in {directory} have two rates of {currency} for {day:day}, {first} and {second}, and nobody knows "
        "which one counts. Remove one of them and load again.",
        "У файлах теки {directory} два курси {currency} за {day:day}, {first} і {second}: невідомо, який із них "
        "правильний. Приберіть один і завантажте ще раз.",
    )


class RateMistake(Sentences):
    """One thing that is wrong with a file of rates, without a full stop."""

    RATES_NOT_UTF8 = ("it is not encoded in UTF-8", "його кодування не UTF-8")
    RATES_NO_JSON = ("it is not valid JSON", "це не JSON")
    RATES_NO_CSV = ("it is not valid CSV", "це не CSV")
    NO_LIST = ("it is neither a list of rates nor one rate", "це не перелік курсів і не один курс")
    NO_FIELDS = (
        "its first line must name the fields {fields}",
        "у першому рядку мають бути назви полів {fields}",
    )
    NO_RECORD = ("record {number} is no rate", "запис {number} не є курсом")
    NO_CURRENCY = (
        "record {number} has no currency code such as EUR in cc",
        "у записі {number} немає коду валюти на зразок EUR (cc)",
    )
    RATE_NO_DAY = (
        "record {number} has no day such as 02.03.2026 in exchangedate",
        "у записі {number} немає дати на зразок 02.03.2026 (exchangedate)",
    )
    NO_RATE = (
        "record {number} has no number above zero with up to six decimals in rate",
        "у записі {number} немає додатного числа, щонайбільше з шістьма знаками після коми (rate)",
    )
