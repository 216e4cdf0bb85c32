"""The well-known failures in `ops.exchanges.error`: in English, as the table stores them, and in Ukrainian.

The errors of the warehouse and of an exchange take their English from here. The KeyCRM client and the profile do not
depend on tables and word their own errors; a test raises each of them and looks it up here. Unforeseen errors, and
those for which only the English is exact, have no translation and are shown as they are.
"""

from __future__ import annotations

from keycrm_pipeline.schemas.sentences import Sentence, translated

# Failures of an exchange or of its file.

KILLED = Sentence(
    "The exchange was killed before it ended (a power failure, no memory, or by hand). What it had stored is safe; "
    "the next load continues from there.",
    "Обмін було обірвано до кінця (живлення, пам'ять або примусова зупинка). Усе, що він устиг зберегти, ціле; "
    "наступне завантаження продовжить з того місця.",
)
STOPPED = Sentence(
    "The exchange was stopped by hand. What was stored is safe; the same load continues from there.",
    "Обмін зупинила людина. Усе збережене ціле; таке саме завантаження продовжить з того місця.",
)
UNEXPECTED = Sentence(
    "Unexpected {what} (values are left out because they may be personal data). Nothing that was stored is lost; "
    "the load can be repeated.",
    "Непередбачена помилка: {what} (значення прибрано, вони можуть бути чиїмись даними). Збережене не втрачено; "
    "завантаження можна повторити.",
)
UNMAPPED_STATUSES = Sentence(
    "These statuses have no stage in the profile (statuses.stages): {statuses}. Map them, or set "
    "statuses.require_mapping to false. Nothing was loaded.",
    "Ці статуси не мають стадії в профілі (statuses.stages): {statuses}. Зіставте їх або поставте "
    "statuses.require_mapping: false. Нічого не завантажено.",
)
MANY_MISSING = Sentence(
    "KeyCRM's list lacks orders that were loaded: {missing} (for example {examples}); that is more than the ceiling "
    "of {most} (sweep.most_missing). A short list proves nothing, so nothing was marked. Check in KeyCRM: if the "
    "orders were really deleted, raise the ceiling and run the sweep again.",
    "У переліку KeyCRM бракує завантажених замовлень: {missing} (наприклад, {examples}); це більше за межу "
    "{most} (sweep.most_missing). Короткий перелік нічого не доводить, тому нічого не позначено. Перевірте в "
    "KeyCRM: якщо замовлення справді видалено, підніміть межу й повторіть звірку.",
)
MANY_UNSEEN = Sentence(
    "KeyCRM lists orders of loaded days that no load has returned: {unseen} (for example {examples}); that is more "
    "than the ceiling of {most} (sweep.most_unseen), so none was fetched one by one. They were probably imported on "
    "other days than their own. Load these days: {days}.",
    "У переліку KeyCRM є замовлення завантажених днів, яких жодне завантаження не повернуло: {unseen} (наприклад, "
    "{examples}); це більше за межу {most} (sweep.most_unseen), тому поодинці їх не отримано. Мабуть, їх імпортовано в "
    "інші дні, ніж їхні власні. Завантажте ці дні: {days}.",
)
UNKNOWN_ORDERS = Sentence(
    "KeyCRM has no order {orders}, and none of that number was ever loaded. Check the number.",
    "У KeyCRM немає замовлення {orders}, і такого ніколи не завантажували. Перевірте номер.",
)
NEVER_FETCHED = Sentence(
    "These days were never fetched from KeyCRM: {days}. {stages} cannot work on what is not here, and nothing was "
    "changed. Load the days with the job {profile}_load, with `keycrm-pipeline load`, or by materializing all stages "
    "from raw_orders on.",
    "Ці дні ще не отримано з KeyCRM: {days}. Крокам {stages} немає з чим працювати; нічого не змінено. Завантажте "
    "ці дні завданням {profile}_load, командою `keycrm-pipeline load` або матеріалізуйте всі кроки, починаючи з "
    "raw_orders.",
)
STAGE_SKIPPED = Sentence(
    "{stages} cannot work on {days}: since these days were fetched, not all stages before it have finished "
    "({skipped}). Nothing was changed. Materialize these stages as well, or load the days again.",
    "{stages} не може працювати з днями {days}: відколи їх отримано, завершилися не всі попередні кроки "
    "({skipped}). Нічого не змінено. Матеріалізуйте і ці кроки або завантажте дні ще раз.",
)
DATABASE_BUSY = Sentence(
    "The database {path} is held by another program ({holder}). Waited {seconds} s. Close the file there (a "
    "notebook, a BI tool, a SQL shell) and load again; nothing was lost.",
    "Базу {path} тримає інша програма ({holder}). Чекали {seconds} с. Закрийте файл там (блокнот, BI, консоль SQL) "
    "і завантажте ще раз; нічого не втрачено.",
)
DATABASE_UNREADABLE = Sentence(
    "The file {path} cannot be opened as a DuckDB database: {reason}. It was left unchanged. Put a backup in its "
    "place, or move it away and load again: a new file will be created.",
    "Файл {path} не відкривається як база DuckDB: {reason}. Його не змінено. Покладіть на його місце резервну "
    "копію або приберіть його й завантажте ще раз: буде створено новий файл.",
)
DISK_FULL = Sentence(
    "The disk that holds {path} is full. What was stored before is safe; free some space and load again: the load "
    "continues from there.",
    "На диску, де лежить {path}, немає місця. Збережене раніше ціле; звільніть місце й завантажте ще раз: "
    "завантаження продовжить з того місця.",
)
DIRECTORY_UNUSABLE = Sentence(
    "The data directory {path} cannot be written to: {reason}. Fix its permissions, or set another directory in "
    "KEYCRM_DATA_DIR, and load again; nothing was lost.",
    "У теку даних {path} не можна записати: {reason}. Виправте права доступу або вкажіть іншу теку в "
    "KEYCRM_DATA_DIR і завантажте ще раз; нічого не втрачено.",
)

_OF_AN_EXCHANGE = (
    KILLED,
    STOPPED,
    UNEXPECTED,
    UNMAPPED_STATUSES,
    MANY_MISSING,
    MANY_UNSEEN,
    UNKNOWN_ORDERS,
    NEVER_FETCHED,
    STAGE_SKIPPED,
    DATABASE_BUSY,
    DATABASE_UNREADABLE,
    DISK_FULL,
    DIRECTORY_UNUSABLE,
)

# Errors of the profile and of the KeyCRM client, in their own words.

_OF_THE_CLIENT = (
    Sentence(
        "No API key is set for profile {profile}. Take the key from KeyCRM (Налаштування - Основні - API-ключ) and "
        "store it with `keycrm-pipeline key --profile {name}`, or set it in the environment variable {variable}, or in "
        "KEYCRM_API_KEY for all profiles.",
        "Для профілю {profile} не задано ключа API. Візьміть ключ у KeyCRM (Налаштування - Основні - API-ключ) і "
        "збережіть його командою `keycrm-pipeline key --profile {name}` або задайте в змінній середовища {variable} чи "
        "в KEYCRM_API_KEY для всіх профілів.",
    ),
    Sentence(
        "The API key of profile {profile} in {place} contains spaces or characters that no API key has and cannot be "
        "used. Take the key from KeyCRM (Налаштування - Основні - API-ключ) again.",
        "Ключ API профілю {profile} ({place}) містить пробіли або знаки, яких у ключі не буває; скористатися ним не "
        "можна. Візьміть ключ у KeyCRM ще раз (Налаштування - Основні - API-ключ).",
    ),
    Sentence(
        "The environment variable {variable} must hold the absolute path of a file with the API key of profile "
        "{profile}. The key itself belongs in {own}.",
        "У змінній середовища {variable} має бути повний шлях до файлу з ключем API профілю {profile}. Сам ключ "
        "задають у {own}.",
    ),
    Sentence(
        "The API key of profile {profile} was not used, because others on this machine can read {path}. Close it "
        "with: {commands}. If somebody may have read it, create a new key in KeyCRM.",
        "Ключ API профілю {profile} не використано: файл {path} можуть прочитати інші користувачі цього комп'ютера. "
        "Закрийте його командами: {commands}. Якщо ключ хтось міг прочитати, створіть у KeyCRM новий.",
    ),
    Sentence(
        "The file {path} must hold the API key of profile {profile}, but cannot be used: {reason}.",
        "Файл {path}, у якому має бути ключ API профілю {profile}, непридатний: {reason}.",
    ),
    Sentence(
        "KeyCRM refused the API key ({asked}, status {status}){reason} Store the account's key with `keycrm-pipeline "
        "key`, or set it where the environment has it: in KEYCRM_API_KEY_<PROFILE> (the profile's name in upper case) "
        "or KEYCRM_API_KEY. Keys are created in KeyCRM under Settings, General. Retrying with the same key does not "
        "help.",
        "KeyCRM не приймає ключ API ({asked}, статус {status}){reason} Збережіть ключ акаунта командою "
        "`keycrm-pipeline key` або змініть його там, де його задає середовище: у KEYCRM_API_KEY_<ПРОФІЛЬ> (назва "
        "профілю великими літерами) чи KEYCRM_API_KEY. Ключі створюють у KeyCRM: Налаштування - Основні. Повторювати з "
        "тим самим ключем марно.",
    ),
    Sentence(
        "KeyCRM refused access ({asked}, status {status}){reason} The key may be right: the account's plan may not "
        "include the API, or a firewall may block this computer. Ask KeyCRM's support; retrying does not help.",
        "KeyCRM не дає доступу ({asked}, статус {status}){reason} Ключ може бути правильним: тариф акаунта може не "
        "містити API, або мережевий екран не пропускає цей комп'ютер. Зверніться до підтримки KeyCRM; повторювати "
        "марно.",
    ),
    Sentence(
        "The environment variable {variable} is unusable: {problem}. Correct or remove it. Nothing was requested from "
        "KeyCRM.",
        "Змінна середовища {variable} непридатна: {problem}. Виправте або приберіть її. До KeyCRM нічого не надіслано.",
    ),
    Sentence(
        "KeyCRM did not answer at {host}: {fault} ({asked}, tried {times}). Check the network and base_url in the "
        "profile. Nothing was lost; the load can be repeated.",
        "KeyCRM не відповідає за адресою {host}: {fault} ({asked}, спроб: {times}). Перевірте мережу і base_url у "
        "профілі. Нічого не втрачено; завантаження можна повторити.",
    ),
    Sentence(
        "KeyCRM at {host} gave no usable answer to {asked}, tried {times}; the last time, {fault}. Nothing was lost; "
        "the load can be repeated, which usually helps after a while.{excerpt}",
        "KeyCRM ({host}) не дав придатної відповіді на {asked}, спроб: {times}; востаннє {fault}. Нічого не "
        "втрачено; завантаження можна повторити, зазвичай згодом це допомагає.{excerpt}",
    ),
)

_PHRASES = (
    Sentence("unknown", "невідомо яка"),
    Sentence("permission denied", "немає прав доступу"),
    Sentence("it is a file, not a directory", "це файл, а не тека"),
    Sentence("it is not a file", "це не файл"),
    Sentence("it is empty", "він порожній"),
    Sentence("it is too long", "він задовгий"),
    Sentence("there is no such file", "такого файлу немає"),
    Sentence("Permission denied", "немає прав доступу"),
    Sentence("once", "1"),
    Sentence("{count} times", "{count}"),
    Sentence("no connection could be made", "з'єднання не встановлено"),
    Sentence("no connection could be made in time", "з'єднання не встановлено вчасно"),
    Sentence("no answer arrived in time", "відповідь не надійшла вчасно"),
    Sentence(
        "the answer was not complete after {seconds} s", "відповідь не надійшла повністю за {seconds} с"
    ),
    Sentence(
        "the connection was lost before the answer was complete",
        "з'єднання обірвалося раніше, ніж відповідь надійшла повністю",
    ),
    Sentence(
        "it refused because of too many requests{wait} (status {status})",
        "він відмовив через надто багато запитів{wait} (статус {status})",
    ),
    Sentence(
        "it reported an internal error{wait} (status {status})",
        "він повідомив про власний збій{wait} (статус {status})",
    ),
    Sentence(
        "it answered with an error (status {status}), without giving a reason",
        "він відповів помилкою (статус {status}) без пояснення",
    ),
    Sentence(
        "it answered with an error (status {status}): {reason}",
        "він відповів помилкою (статус {status}): {reason}",
    ),
    Sentence(
        "the answer (status {status}, {size} bytes) was not complete JSON{hint}",
        "відповідь (статус {status}, байтів: {size}) не була цілим JSON{hint}",
    ),
    Sentence(
        "a web page came instead of KeyCRM's answer (status {status}, {size} bytes): a firewall or a proxy blocks the "
        "requests",
        "замість відповіді KeyCRM надійшла вебсторінка (статус {status}, байтів: {size}): мережевий екран або проксі "
        "не пропускає запити",
    ),
    Sentence("its value is not the address of a proxy", "її значення не є адресою проксі"),
    Sentence(
        "it names a SOCKS proxy, and this program supports only HTTP proxies",
        "вона вказує на SOCKS-проксі, а програма працює лише з HTTP-проксі",
    ),
    Sentence(
        "it must name existing certificates in PEM format, which can be read",
        "вона має вказувати на наявні сертифікати у форматі PEM, які можна прочитати",
    ),
    Sentence(
        "it redirected to another address (status {status}), which is not followed. Check base_url in the profile",
        "він вказує на іншу адресу (статус {status}), куди програма не переходить. Перевірте base_url у профілі",
    ),
    Sentence(
        " and asked to try again in {minutes} minutes", " і просив повернутися пізніше (хвилин: {minutes})"
    ),
    Sentence(
        ". If this keeps happening, base_url in the profile is wrong",
        ". Якщо так триває, base_url у профілі неправильний",
    ),
    Sentence(" The answer begins: {excerpt}", " Початок відповіді: {excerpt}"),
)
"""Parts of those sentences."""


def error_in_ukrainian(stored: str) -> str:
    """The error of an exchange in Ukrainian, with its values unchanged; an unknown error stays as it is."""
    found = translated(stored, (*_OF_AN_EXCHANGE, *_OF_THE_CLIENT), _phrase)
    return stored if found is None else found


def _phrase(text: str) -> str:
    found = translated(text, _PHRASES, lambda value: _phrase(value) if value else value)
    return text if found is None else found


OUTCOMES = ("running", "succeeded", "failed", "stopped", "killed")
"""How an exchange is shown: what its status says, and of a failed one whether it failed by itself."""


def outcome_of(status: str, error: str | None) -> str:
    """How an exchange ended, one of `OUTCOMES`; the status of one that was stopped or killed is `failed` too (R13).

    Args:
        status: Its status in the log.
        error: Its error in the log.
    """
    if status == "failed" and error is not None:
        return {STOPPED.english: "stopped", KILLED.english: "killed"}.get(error, status)
    return status
