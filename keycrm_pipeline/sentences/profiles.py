"""Mistakes in a profile file and with its API key: what is wrong, what is allowed, what to do.

Text that may be a secret or a person's name is never a value.
"""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class ProfileProblem(Sentences):
    """A mistake in a profile, from its parts."""

    UNUSABLE_PROFILE = (
        "The profile {file} cannot be used:\n  - {problems:items}",
        "Профіль {file} непридатний:\n  - {problems:items}",
    )
    NO_CURRENT_DIRECTORY = (
        "The directory in which the terminal works has been removed. Change into the directory of the project again: "
        'cd "$PWD", if it was made anew.',
        'Теку, у якій працює термінал, видалено. Перейдіть у теку проєкту ще раз: cd "$PWD", якщо її створено заново.',
    )
    DIRECTORY_VARIABLE_UNUSABLE = (
        "The environment variable {variable} cannot be used: {what}. Set it to the path of a directory.",
        "Змінна середовища {variable} непридатна: {what}. Вкажіть у ній шлях до теки.",
    )
    PROBLEM = ("{what}.", "{what}.")
    PROBLEM_ALLOWED = ("{what}. {allowed}.", "{what}. {allowed}.")
    PROBLEM_OF_SETTING = ("{key}: {what}.", "{key}: {what}.")
    PROBLEM_OF_SETTING_ALLOWED = ("{key}: {what}. {allowed}.", "{key}: {what}. {allowed}.")


class Wrong(Sentences):
    """What is wrong with a setting or a file, as a sentence without a full stop."""

    # What was found in place of a setting.
    IS_VALUE = ("it is {value}", "тут стоїть {value}")
    IS_QUOTED = ("it is «{value:typed}»", "тут стоїть «{value:typed}»")
    IS_TEXT = ("it is text", "тут стоїть текст")
    IS_LIST = ("it is a list", "тут стоїть перелік")
    IS_SECTION = ("it contains keys and values", "тут стоять ключі зі значеннями")
    IS_BLANK = ("it is blank", "тут порожньо")
    IS_MISSING = ("it is missing", "цього налаштування немає")
    NOT_AN_ID = ("{value} is not a valid id", "{value} не є номером")
    ONE_IS_NOT_AN_ID = ("one of them is not a valid id", "одне з них не є номером")
    SECRET_IN_FILE = ("a key or password must not be in a file", "ключа чи пароля у файлі не має бути")
    NO_SUCH_SETTING = ("there is no such setting", "такого налаштування немає")
    WRONG_OTHERWISE = ("it is wrong ({text})", "значення неправильне ({text})")
    # What a setting must not be.
    NOT_A_CHOICE = ("it is not a valid choice", "такого вибору немає")
    NOT_A_TIME = ("it is not a valid time", "це не час доби")
    UNCLOSED_QUOTE = ("it has an unclosed quote", "у команді не закрито лапки")
    NOT_A_CURRENCY = ("one of them is not a currency", "одне з них не є валютою")
    NOT_A_CUSTOM_FIELD = (
        "one of them is not the id of a custom field with the name of a column",
        "одне з них не є номером додаткового поля з назвою колонки",
    )
    TWO_FIELDS_OF_ONE_NAME = ("two fields have one name", "два поля мають одну назву")
    CUSTOM_FIELD_TAKEN = (
        "the field {field} has the name of the column '{column}' that the table {table} has already",
        "поле {field} має назву колонки '{column}', яка в таблиці {table} вже є",
    )
    NOT_A_REQUISITE = (
        "one of them is not a requisite of the format",
        "одне з них не є реквізитом формату",
    )
    ACCOUNT_LISTED_TWICE = ("one of the accounts is listed twice", "один із рахунків названо двічі")
    METHOD_LISTED_TWICE = (
        "one of the payment methods is listed twice",
        "один зі способів оплати названо двічі",
    )
    SOURCE_LISTED_TWICE = ("one of the sources is listed twice", "одне з джерел названо двічі")
    ACCOUNT_OF_TWO_SOURCES = (
        "one of the accounts is that of a payment gateway and of a register",
        "один із рахунків вказано і для платіжного шлюзу, і для реєстру",
    )
    NO_MONEY_TO_COMPARE = (
        "payment method {method} has `{setting}`, and there is no money to compare its payments with",
        "у способу оплати {method} стоїть `{setting}`, а надходжень, з якими звіряти оплати, немає",
    )
    TWO_ACCOUNTS = (
        "payment method {method} has an account in `accounts` too",
        "рахунок способу оплати {method} вказано ще й у `accounts`",
    )
    UNKNOWN_ORGANISATION = (
        "the organisation of payment method {method} is not one of them",
        "організації способу оплати {method} серед них немає",
    )
    SEVERAL_DEFAULTS = ("several organisations are the default", "основною названо кілька організацій")
    UNENCRYPTED = (
        "http:// would send the API key unencrypted over the network",
        "http:// передавав би ключ API мережею без шифрування",
    )
    NO_SUCH_DATE = ("there is no such date", "такої дати немає")
    NOT_A_DATE = ("it is not a valid date", "це не дата")
    TOO_EARLY = ("{day} is too early", "{day} — це зарано")
    TOO_LATE = ("{day} is too late", "{day} — це запізно")
    NO_SUCH_ZONE = ("there is no such time zone", "такого часового поясу немає")
    TOO_MANY = ("{value} is too many", "{value} — це забагато")
    NOT_A_FILE = ("it is not a file", "це не файл")
    LAKE_HAS_NO_COPY = (
        "a lake has no copy: it is read while exchanges write",
        "озеро не має копії: його читають і під час обміну",
    )
    NAMES_A_DIRECTORY = ("it is a directory", "це тека")
    NO_HOME = (
        "the home directory that ~ stands for is not known",
        "домашню теку, яку означає ~, не знайдено",
    )
    NO_PATH = ("it is not a path", "це не шлях")
    NAME_TOO_LONG = ("it is longer than the name of a file may be", "це довше, ніж може бути назва файлу")
    NOT_AN_OWNER = ("one of them is not a valid owner", "одне з них не може бути власником")
    UNKNOWN_ACCOUNT = (
        "one of the accounts is not an account of this profile",
        "одного з рахунків у цьому профілі немає",
    )
    NOT_AN_ADDRESS = ("it is not a valid address", "це не адреса")
    ADDRESS_WITH_PASSWORD = ("it contains a user or a password", "в адресі є користувач або пароль")
    ADDRESS_WITH_QUERY = ("it contains ? or #", "в адресі є ? або #")
    # What is wrong with a file.
    FILE_ABSENT = (
        "there is no such file (existing profiles: {profiles})",
        "такого файлу немає (наявні профілі: {profiles})",
    )
    FILE_ABSENT_AS_ALL = (
        "there is no such file (existing profiles: none)",
        "такого файлу немає (жодного профілю ще немає)",
    )
    OF_ANOTHER_INSTALLATION = (
        "it is not among the profiles of this installation ({variable}: {profiles})",
        "його немає серед профілів цього встановлення ({variable}: {profiles})",
    )
    FILE_NOT_READ = ("it cannot be read: {reason}", "його не вдалося прочитати: {reason}")
    FILE_NOT_WRITTEN = ("it cannot be written: {reason}", "його не вдалося записати: {reason}")
    NOT_UTF8 = ("it is not UTF-8", "це не UTF-8")
    TOO_LARGE = (
        "it is larger than {kilobytes:number} KB, and no profile",
        "він більший за {kilobytes:number} КБ, це не профіль",
    )
    NOT_A_PROFILE = ("it cannot be read as a profile", "його не вдалося прочитати як профіль")
    NOT_YAML = ("it is not readable YAML", "це не YAML, який можна прочитати")
    NOT_YAML_AT = ("line {line}: {text}", "рядок {line}: це не YAML ({text})")
    KEY_TWICE = ("line {line}: the key {key} occurs twice", "рядок {line}: ключ {key} стоїть двічі")
    KEY_WITHOUT_COLON = (
        "line {line}: between braces {key} stands without a colon and a value; put a text with a comma in quotes, and "
        "write a point in a number, such as 1.5",
        "рядок {line}: {key} у фігурних дужках стоїть без двокрапки й значення; текст із комою візьміть у лапки, а в "
        "числі пишіть крапку, наприклад 1.5",
    )
    NO_TEXT_AT = (
        "line {line}: it contains a character that no text has",
        "рядок {line}: тут є знак, якого в тексті не буває",
    )
    ALIAS_OF_ITSELF_AT = (
        "line {line}: an alias (*) of what contains it",
        "рядок {line}: посилання (*) на те, що його містить",
    )
    TOO_MANY_ALIASES_AT = (
        "line {line}: its aliases (*) stand for more than a profile has",
        "рядок {line}: посилання (*) означають більше, ніж буває в профілі",
    )
    VALUE_NOT_READ_AT = ("line {line}: this value cannot be read", "рядок {line}: це значення не прочитати")
    TOO_MANY_DIGITS_AT = (
        "line {line}: a number of more than {most} digits",
        "рядок {line}: число, у якому понад {most} цифр",
    )
    NO_SUCH_DATE_AT = ("line {line}: there is no such date", "рядок {line}: такої дати немає")
    NO_KEYS_AND_VALUES = (
        "it does not consist of keys and values",
        "він складається не з ключів зі значеннями",
    )
    NOT_A_NAME = ("«{name}» is not a valid profile name", "«{name}» не може бути назвою профілю")
    NAME_IN_FILE = ("the file name is the profile's name", "назвою профілю є назва файлу")
    SAME_DATABASE = (
        "profile {profiles} uses the same file",
        "цей самий файл використовує профіль {profiles}",
    )
    NO_DIRECTORY = ("there is no such directory", "такої теки немає")
    WRONG_ENDING = ("its name ends in .yml", "його назва закінчується на .yml")


class Allowed(Sentences):
    """What is allowed in place of a mistake, or what to do about it, as a sentence without a full stop."""

    ONLY_WHOLE_NUMBER = (
        "It must be a whole number, without quotes",
        "Тут має бути ціле число без лапок",
    )
    ONLY_TRUE_OR_FALSE = (
        "It must be true or false, without quotes",
        "Тут має бути true або false без лапок",
    )
    ONLY_TEXT = (
        "It must be text; put it in quotes if it looks like a number, a date, yes or no",
        "Тут має бути текст; візьміть його в лапки, якщо він схожий на число, дату, yes чи no",
    )
    NOT_BLANK = ("It must be text that is not blank", "Тут має бути непорожній текст")
    ONLY_SECTION = (
        "It must have lines of `key: value`, indented below it",
        "Нижче з відступом мають стояти рядки `ключ: значення`",
    )
    ONLY_LIST = ("It must be a list such as [7, 12]", "Тут має бути перелік, наприклад [7, 12]")
    ONE_OF = ("It must be one of these: {values}", "Тут має бути одне з такого: {values}")
    ABOVE = ("It must be above {value}", "Значення має бути більше за {value}")
    AT_LEAST = ("The minimum is {value}", "Найменше значення: {value}")
    AT_MOST = ("The maximum is {value}", "Найбільше значення: {value}")
    ONLY_SUM = (
        "It must be a sum such as 1000000 or 1000000.50, without quotes",
        "Тут має бути сума, наприклад 1000000 або 1000000.50, без лапок",
    )
    DECIMALS_AT_MOST = ("It has {value} decimals at most", "Знаків після крапки: не більше ніж {value}")
    MATCHING = ("It must match {pattern}", "Значення має відповідати зразку {pattern}")
    CURRENCY_CODE = (
        "It must be three capital letters such as UAH",
        "Тут мають бути три великі латинські літери, наприклад UAH",
    )
    ADD_START_DATE = (
        "Add a line such as start_date: 2024-01-01",
        "Додайте рядок, наприклад start_date: 2024-01-01",
    )
    IDS = (
        "Ids are whole numbers from 1 on, without quotes; `keycrm-pipeline check` lists them",
        "Номери — це цілі числа від 1, без лапок; їх показує `keycrm-pipeline check`",
    )
    STORE_THE_KEY = (
        "Store the API key with `keycrm-pipeline key --profile {profile}`, or set it in the environment variable "
        "{variable}",
        "Збережіть ключ API командою `keycrm-pipeline key --profile {profile}` або задайте його в змінній "
        "середовища {variable}",
    )
    PERHAPS = ("Perhaps it should be {setting}", "Можливо, мало бути {setting}")
    SETTINGS = ("Allowed: {settings}", "Дозволено: {settings}")
    SETTINGS_BELOW = ("Allowed below it: {settings}", "Нижче дозволено: {settings}")
    ALL_OR_STATUS_IDS = (
        "Allowed: `all`, or a list of status ids (whole numbers) such as [1, 12]",
        "Дозволено: `all` або перелік номерів статусів (цілі числа), наприклад [1, 12]",
    )
    TIME_OF_DAY = (
        'Allowed: a time from "05:00" to "20:59", in quotes',
        'Дозволено: час від "05:00" до "20:59", у лапках',
    )
    COMMAND = (
        "Allowed: a command as in a terminal, such as mail -s Обмін root",
        "Дозволено: команда, як у терміналі, наприклад mail -s Обмін root",
    )
    CUSTOM_FIELDS = (
        "Allowed: ids such as OR_1012, each with a name of its own of small Latin letters, digits and _, such as "
        "packaging",
        "Дозволено: номери на зразок OR_1012, кожен з окремою назвою з малих латинських літер, цифр і _, наприклад "
        "packaging",
    )
    ANOTHER_NAME = (
        "Give the field {field} another name, such as {name}",
        "Дайте полю {field} іншу назву, наприклад {name}",
    )
    CURRENCY_NAMES = (
        "Allowed: codes such as EUR, each with a name of three characters",
        "Дозволено: коди, наприклад EUR, кожен із назвою з трьох знаків",
    )
    REQUISITES = ("Allowed: {requisites}", "Дозволено: {requisites}")
    FOR_ONE_ORGANISATION = (
        "Allowed: each of them for one organisation",
        "Дозволено: кожне з них для однієї організації",
    )
    ONE_DEFAULT = (
        "Allowed: `default: true` for one of them at most",
        "Дозволено: `default: true` щонайбільше для однієї з них",
    )
    ENCRYPTED_ADDRESS = (
        "Allowed: `sandbox`, or an address that starts with https:// (http:// only on this machine)",
        "Дозволено: `sandbox` або адреса, що починається з https:// (http:// лише на цьому комп'ютері)",
    )
    DATE = ("Allowed: a date such as 2024-01-01", "Дозволено: дата, наприклад 2024-01-01")
    DATE_FROM = ("Allowed: a date from {day} on", "Дозволено: дата від {day}")
    DATE_UP_TO = ("Allowed: a date up to {day}", "Дозволено: дата до {day} включно")
    ZONE = (
        "Allowed: an IANA time zone name such as Europe/Kyiv",
        "Дозволено: назва часового поясу IANA, наприклад Europe/Kyiv",
    )
    UP_TO = ("Allowed: 1 to {most}", "Дозволено: від 1 до {most}")
    FILE_PATH = (
        "Allowed: the path of a file, such as shop.duckdb",
        "Дозволено: шлях до файлу, наприклад shop.duckdb",
    )
    READ_THE_LAKE = (
        "Remove publish, and read the lake itself",
        "Приберіть publish і читайте саме озеро",
    )
    OWNER = (
        "Allowed: `team:` and a name, or an e-mail address",
        "Дозволено: `team:` і назва або електронна адреса",
    )
    NAMED_ACCOUNTS = (
        "Allowed: the names in `account`, `accounts` and `payment_methods`",
        "Дозволено: назви з `account`, `accounts` і `payment_methods`",
    )
    GATEWAY_OR_REGISTER = (
        "Allowed: an account in `gateways` or in `registers`, or its money would count twice",
        "Дозволено: рахунок або в `gateways`, або в `registers`, інакше його гроші враховано двічі",
    )
    SOURCES_OF_MONEY = (
        "Name registers, or switch on external_transactions, in `reconciliation`",
        "Вкажіть у `reconciliation` реєстри або ввімкніть external_transactions",
    )
    ACCOUNT_IN_ONE_PLACE = (
        "Allowed: one account for a payment method, in `accounts` or in `payment_methods`",
        "Дозволено: один рахунок для способу оплати, в `accounts` або в `payment_methods`",
    )
    NAMED_ORGANISATIONS = (
        "Allowed: in `payment_methods` the names that stand in `organisations`",
        "Дозволено: у `payment_methods` назви, що стоять в `organisations`",
    )
    ADDRESS = (
        "Allowed: an address that starts with https:// or http://",
        "Дозволено: адреса, що починається з https:// або http://",
    )
    ADDRESS_WITHOUT_USER = (
        "Allowed: an address that starts with https:// or http://, without a user before @",
        "Дозволено: адреса, що починається з https:// або http://, без користувача перед @",
    )
    CREATE_PROFILE = (
        "Create it with `keycrm-pipeline init --profile {profile}`, or set {variable}",
        "Створіть його командою `keycrm-pipeline init --profile {profile}` або задайте {variable}",
    )
    WORK_WHERE_BOOKS_ARE = (
        "Work with it where its books are, or add it to {variable}",
        "Працюйте з ним там, де його облік, або додайте його до {variable}",
    )
    SET_VARIABLE = ("Set {variable}", "Задайте {variable}")
    CREATE_DIRECTORY = ("Create it, or set {variable}", "Створіть її або задайте {variable}")
    SAVE_AS_UTF8 = ("Save it as UTF-8 text", "Збережіть файл як текст UTF-8")
    SEE_DEMO = ("Look at profiles/demo.yaml", "Зразок: profiles/demo.yaml")
    FILE_NAME = (
        "The file name must start with a-z, contain only a-z, 0-9 and _, and end in .yaml",
        "Назва файлу має починатися з a-z, складатися лише з a-z, 0-9 та _ і закінчуватися на .yaml",
    )
    REMOVE_LINE = ("Remove this line", "Приберіть цей рядок")
    OWN_DATABASE = (
        "Each account needs its own file, or their orders would be mixed",
        "Кожен акаунт потребує власного файлу, інакше їхні замовлення змішаються",
    )
    RENAME = ("Rename it to {file}", "Перейменуйте його на {file}")


class Key(Sentences):
    """Why a profile has no usable API key; the key itself is no value."""

    NO_KEY = (
        "No API key is set for profile {profile}. Take the key from KeyCRM (Налаштування - Основні - API-ключ) and "
        "store it with `keycrm-pipeline key --profile {profile}`, or set it in the environment variable {variable}, "
        "or in KEYCRM_API_KEY for all profiles.",
        "Для профілю {profile} не задано ключа API. Візьміть ключ у KeyCRM (Налаштування - Основні - API-ключ) і "
        "збережіть його командою `keycrm-pipeline key --profile {profile}` або задайте в змінній середовища "
        "{variable} чи в KEYCRM_API_KEY для всіх профілів.",
    )
    NO_KEY_FOR_NEW = (
        "No API key is given for the new profile {profile}. Run `keycrm-pipeline init --profile {profile}` in a "
        "terminal without --yes, which asks for it, pass the key on standard input with --key-stdin, or set it in the "
        "environment variable {variable}.",
        "Для нового профілю {profile} не задано ключа API. Запустіть `keycrm-pipeline init --profile {profile}` у "
        "терміналі без --yes: команда про нього запитає. Або передайте ключ на стандартний вхід з --key-stdin чи "
        "задайте в змінній середовища {variable}.",
    )
    NO_KEY_AT_PLACE = (
        "The API key of profile {profile} in {place} contains spaces or characters that no API key has and cannot "
        "be used. Take the key from KeyCRM (Налаштування - Основні - API-ключ) again.",
        "Ключ API профілю {profile} ({place}) містить пробіли або знаки, яких у ключі не буває; скористатися ним не "
        "можна. Візьміть ключ у KeyCRM ще раз (Налаштування - Основні - API-ключ).",
    )
    KEY_PATH_NOT_ABSOLUTE = (
        "The environment variable {variable} must hold the absolute path of a file with the API key of profile "
        "{profile}. The key itself belongs in {own}.",
        "У змінній середовища {variable} має бути повний шлях до файлу з ключем API профілю {profile}. Сам ключ "
        "задають у {own}.",
    )
    KEY_OPEN_TO_OTHERS = (
        "The API key of profile {profile} was not used, because others on this machine can read {path}. Close it "
        "with: {commands}. If somebody may have read it, create a new key in KeyCRM.",
        "Ключ API профілю {profile} не використано: файл {path} можуть прочитати інші користувачі цього комп'ютера. "
        "Закрийте його командами: {commands}. Якщо ключ хтось міг прочитати, створіть у KeyCRM новий.",
    )
    KEY_FILE_UNUSABLE = (
        "The file {path} must hold the API key of profile {profile}, but cannot be used: {reason}.",
        "Файл {path}, у якому має бути ключ API профілю {profile}, непридатний: {reason}.",
    )
    KEY_NOT_STORED = (
        "The API key of profile {profile} was not stored: it is empty, or contains spaces or characters that no API "
        "key has. Take the key from KeyCRM (Налаштування - Основні - API-ключ).",
        "Ключ API профілю {profile} не збережено: він порожній або містить пробіли чи знаки, яких у ключі не буває. "
        "Візьміть ключ у KeyCRM (Налаштування - Основні - API-ключ).",
    )
    KEY_FILE_NOT_WRITTEN = (
        "The API key of profile {profile} cannot be stored in {path}: {reason}.",
        "Ключ API профілю {profile} не вдалося записати у файл {path}: {reason}.",
    )
    KEY_FILE_NOT_REMOVED = (
        "The stored API key of profile {profile}, {path}, cannot be removed: {reason}.",
        "Збережений ключ API профілю {profile} ({path}) не вдалося прибрати: {reason}.",
    )
    KEY_OF_NO_PROFILE = (
        "«{profile}» is not a valid profile name.",
        "«{profile}» не може бути назвою профілю.",
    )
