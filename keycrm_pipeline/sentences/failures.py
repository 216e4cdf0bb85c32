"""Why an exchange, a file or a command failed, and the causes that these sentences name.

The API key, names, phones and e-mails are no value of any of them: an error is shown in Dagster, in logs and on
screens.
"""

from __future__ import annotations

import errno

from keycrm_pipeline.sentences.messages import Message, Sentences


class Cause(Sentences):
    """Causes, as a part of a sentence."""

    UNKNOWN_PROGRAM = ("unknown", "невідомо яка")
    NO_SUCH_FILE = ("there is no such file", "такого файлу немає")
    PERMISSION_DENIED = ("permission denied", "немає прав доступу")
    IS_A_FILE = ("it is a file, not a directory", "це файл, а не тека")
    IS_A_DIRECTORY = ("it is a directory, not a file", "це тека, а не файл")
    NOT_A_DIRECTORY = ("a part of the path is not a directory", "частина шляху — не тека")
    READ_ONLY = ("the disk is read-only", "диск лише для читання")
    NO_SPACE = ("the disk is full", "на диску немає місця")
    IS_NO_FILE = ("it is not a file", "це не файл")
    IS_EMPTY = ("it is empty", "він порожній")
    IS_TOO_LONG = ("it is too long", "він задовгий")
    NO_ROOM_FOR_COPY = (
        "the disk has no {megabytes:number} MB free for a copy",
        "на диску немає {megabytes:number} МБ вільного місця для копії",
    )
    WRITTEN_MEANWHILE = (
        "another program wrote to it at the same time",
        "у цей час у неї писала інша програма",
    )
    COPY_DIFFERS = (
        "the copy of {table} has a different number of rows",
        "у копії {table} інша кількість рядків",
    )
    NOT_UNDERSTOOD = (
        "its content is not what this program writes ({kind})",
        "у ній не те, що пише ця програма ({kind})",
    )
    NOT_SET = ("is not set", "не задано")
    HOLDS_PASSWORD = (
        "holds a password; set it as PGPASSWORD, or in the file that PGPASSFILE names, and remove it there",
        "містить пароль; задайте його як PGPASSWORD або у файлі, який називає PGPASSFILE, а звідти приберіть",
    )
    IS_AN_ADDRESS = (
        "is an address; write it as words of libpq, such as host=db.example user=keycrm dbname=books",
        "є адресою; запишіть його словами libpq, наприклад host=db.example user=keycrm dbname=books",
    )
    IS_OTHER_PLACE = (
        "is neither a directory nor an address that begins with s3://",
        "не є ні текою, ні адресою, що починається з s3://",
    )
    NO_SUCH_PLACE = ("there is no such place or bucket", "такого місця чи сховища немає")
    PACKAGE_ABSENT = (
        "what it takes is not installed; run `pip install '{package}'`",
        "потрібного для цього не встановлено; виконайте `pip install '{package}'`",
    )
    REFUSED_OTHERWISE = ("it failed with {kind}", "помилка {kind}")
    CAUSE_IN_WORDS = ("{text}", "{text}")


class Hint(Sentences):
    """What may have been meant."""

    NEAR = ("Did you mean {name}?", "Можливо, {name}?")
    ALL_KNOWN = ("There are {names}.", "Є {names}.")


class FailurePart(Sentences):
    """Parts of what failed."""

    STATUS = ("{status_id} {name:typed}", "{status_id} {name:typed}")


NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""What the operating system says of a full disk, and of a full quota."""

_CAUSES = {
    errno.ENOENT: Cause.NO_SUCH_FILE,
    errno.EACCES: Cause.PERMISSION_DENIED,
    errno.EPERM: Cause.PERMISSION_DENIED,
    errno.EEXIST: Cause.IS_A_FILE,
    errno.ENOTDIR: Cause.NOT_A_DIRECTORY,
    errno.EISDIR: Cause.IS_A_DIRECTORY,
    errno.EROFS: Cause.READ_ONLY,
    **dict.fromkeys(NO_SPACE, Cause.NO_SPACE),
}


def cause_of(error: OSError) -> Message:
    """Why the operating system refused something: a cause of ours, or else the system's own words for its number."""
    known = _CAUSES.get(error.errno or 0)
    return (
        Cause.CAUSE_IN_WORDS.message(text=error.strerror or type(error).__name__)
        if known is None
        else known.message()
    )


class Trial(Sentences):
    """Why nobody knows what a rebuild would change."""

    REBUILD_NOT_TRIED = (
        "The rebuild could not be tried. Try it with `keycrm-pipeline rebuild --dry-run`.",
        "Спробувати переформування не вдалося. Спробуйте командою `keycrm-pipeline rebuild --dry-run`.",
    )


class Failure(Sentences):
    """Why an exchange, an export, a report or a file failed, and what to do."""

    KILLED = (
        "The exchange was killed before it ended (a power failure, no memory, or by hand). What it had stored is "
        "safe; the next load continues from there.",
        "Обмін було обірвано до кінця (живлення, пам'ять або примусова зупинка). Усе, що він устиг зберегти, ціле; "
        "наступне завантаження продовжить з того місця.",
    )
    STOPPED = (
        "The exchange was stopped by hand. What was stored is safe; the same load continues from there.",
        "Обмін зупинила людина. Усе збережене ціле; таке саме завантаження продовжить з того місця.",
    )
    UNEXPECTED = (
        "Unexpected {kind} at {places} (its text is left out because it may contain personal data). Nothing that "
        "was stored is lost; the load can be repeated.",
        "Непередбачена помилка {kind}, {places} (її текст прибрано, бо в ньому можуть бути чиїсь дані). Збережене "
        "не втрачено; завантаження можна повторити.",
    )
    NOTHING_LOADED_YET = (
        "Nothing has been loaded for this profile yet: load a period first, then run changes.",
        "Для цього профілю ще нічого не завантажено: спершу завантажте якийсь період, а тоді запускайте обмін "
        "змінами.",
    )
    UNMAPPED_STATUSES = (
        "These statuses have no stage in the profile (statuses.stages): {statuses:parts}. Map them, or set "
        "statuses.require_mapping to false. Nothing was loaded.",
        "Ці статуси не мають стадії в профілі (statuses.stages): {statuses:parts}. Зіставте їх або поставте "
        "statuses.require_mapping: false. Нічого не завантажено.",
    )
    MANY_MISSING = (
        "KeyCRM's list lacks orders that were loaded: {missing:number} (for example {examples}); that is more than "
        "the ceiling of {most:number} (sweep.most_missing). A short list proves nothing, so nothing was marked. "
        "Check in KeyCRM: if the orders were really deleted, raise the ceiling and run the sweep again.",
        "У переліку KeyCRM бракує завантажених замовлень: {missing:number} (наприклад, {examples}); це більше за "
        "межу {most:number} (sweep.most_missing). Короткий перелік нічого не доводить, тому нічого не позначено. "
        "Перевірте в KeyCRM: якщо замовлення справді видалено, підніміть межу й повторіть звірку.",
    )
    MANY_UNSEEN = (
        "KeyCRM lists orders of loaded days that no load has returned: {unseen:number} (for example {examples}); "
        "that is more than the ceiling of {most:number} (sweep.most_unseen), so none was fetched one by one. They "
        "were probably imported on other days than their own. Load these days: {days:periods}.",
        "У переліку KeyCRM є замовлення завантажених днів, яких жодне завантаження не повернуло: {unseen:number} "
        "(наприклад, {examples}); це більше за межу {most:number} (sweep.most_unseen), тому поодинці їх не "
        "отримано. Мабуть, їх імпортовано в інші дні, ніж їхні власні. Завантажте ці дні: {days:periods}.",
    )
    NO_ORDER_NAMED = (
        "Name at least one order by its number in KeyCRM.",
        "Назвіть хоча б одне замовлення за його номером у KeyCRM.",
    )
    UNKNOWN_ORDERS = (
        "KeyCRM has no order {orders}, and none of that number was ever loaded. Check the number.",
        "У KeyCRM немає замовлення {orders}, і такого ніколи не завантажували. Перевірте номер.",
    )
    NEVER_FETCHED = (
        "These days were never fetched from KeyCRM: {days:periods}. {stages} cannot work on what is not here, and "
        "nothing was changed. Load the days with the job {profile}_load, with `keycrm-pipeline load`, or by "
        "materializing all stages from raw_orders on.",
        "Ці дні ще не отримано з KeyCRM: {days:periods}. Крокам {stages} немає з чим працювати; нічого не змінено. "
        "Завантажте ці дні завданням {profile}_load, командою `keycrm-pipeline load` або матеріалізуйте всі кроки, "
        "починаючи з raw_orders.",
    )
    STAGE_SKIPPED = (
        "{stages} cannot work on {days:periods}: since these days were fetched, not all stages before it have "
        "finished ({skipped}). Nothing was changed. Materialize these stages as well, or load the days again.",
        "{stages} не може працювати з днями {days:periods}: відколи їх отримано, завершилися не всі попередні кроки "
        "({skipped}). Нічого не змінено. Матеріалізуйте і ці кроки або завантажте дні ще раз.",
    )
    DATABASE_BUSY = (
        "The database {path} is held by another program ({holder}). Waited {seconds:number} s. Close the file there "
        "(a notebook, a BI tool, a SQL shell) and load again; nothing was lost.",
        "Базу {path} тримає інша програма ({holder}). Чекали {seconds:number} с. Закрийте файл там (блокнот, BI, "
        "консоль SQL) і завантажте ще раз; нічого не втрачено.",
    )
    LAKE_BUSY = (
        "The books of {profile} are being written by another exchange ({holder}). Waited {seconds:number} s. Try "
        "again when it has ended; nothing was lost.",
        "Дані обліку {profile} саме записує інший обмін ({holder}). Чекали {seconds:number} с. Спробуйте ще раз, коли "
        "він завершиться; нічого не втрачено.",
    )
    FENCED_OFF = (
        "This exchange of {profile} lost its lock in PostgreSQL (the network was cut, the machine slept, or somebody "
        "ended its session), and another one has begun since. So PostgreSQL refused what this one wanted to store: "
        "nothing is stored twice, and what it had stored before is safe. Load again.",
        "Цей обмін {profile} втратив своє блокування в PostgreSQL (обірвалася мережа, заснула машина або хтось "
        "завершив сеанс), і відтоді почався інший. Тому PostgreSQL не прийняв того, що він хотів зберегти: двічі "
        "нічого не записано, а збережене раніше ціле. Завантажте ще раз.",
    )
    WITHOUT_NUMBER = (
        "A program wanted to write into the books of {profile} without holding their lock, and PostgreSQL refused it. "
        "Nothing was changed. Write through keycrm-pipeline; to read, attach the lake with READ_ONLY.",
        "Програма хотіла писати в дані обліку {profile}, не маючи їхнього блокування, і PostgreSQL їй відмовив. Нічого "
        "не змінено. Пишіть через keycrm-pipeline, а для читання під’єднуйте озеро з READ_ONLY.",
    )
    CATALOG_UNREACHABLE = (
        "The catalogue of the books of {profile} in PostgreSQL cannot be used: {reason}. Check that PostgreSQL is "
        "running, KEYCRM_LAKE_CATALOG, and the password (PGPASSWORD or a passfile), and try again; nothing was lost.",
        "Каталог даних обліку {profile} у PostgreSQL недоступний: {reason}. Перевірте, чи працює PostgreSQL, "
        "KEYCRM_LAKE_CATALOG і пароль (PGPASSWORD або passfile), і спробуйте ще раз; нічого не втрачено.",
    )
    CATALOG_CUT = (
        "The connection with the catalogue of {profile} in PostgreSQL broke off. What was stored before is safe; what "
        "was being stored is there whole or not at all. Load again: the load continues from there.",
        "Зв’язок із каталогом {profile} у PostgreSQL обірвався. Збережене раніше ціле; те, що саме записувалося, є "
        "повністю або його немає. Завантажте ще раз: завантаження продовжить з того місця.",
    )
    LAKE_CHANGED = (
        "While the files of {profile} were merged, the number of rows of {tables} changed. The merge was undone and "
        "nothing was removed. Keep the data as they are, make a backup, and report this.",
        "Під час об’єднання файлів {profile} змінилася кількість рядків у {tables}. Об’єднання скасовано, нічого не "
        "видалено. Не змінюйте даних, зробіть резервну копію і повідомте про це.",
    )
    DATABASE_UNREADABLE = (
        "The file {path} cannot be opened as a DuckDB database: {reason}. It was left unchanged. Put a backup in "
        "its place, or move it away and load again: a new file will be created.",
        "Файл {path} не відкривається як база DuckDB: {reason}. Його не змінено. Покладіть на його місце резервну "
        "копію або приберіть його й завантажте ще раз: буде створено новий файл.",
    )
    FILE_FORBIDDEN = (
        "The file {path} cannot be opened: permission denied. It was left unchanged. Allow the user that runs this "
        "program to read and write it, and load again.",
        "Файл {path} не вдалося відкрити: немає прав доступу. Його не змінено. Дайте користувачу, від якого працює "
        "програма, право читати й записувати цей файл і завантажте ще раз.",
    )
    FOREIGN_LOG = (
        "The database {path} cannot be opened, because {log} next to it does not fit it: it belongs to another copy, "
        "or is damaged. Neither was changed. If a backup was put in place, also put back the .wal of that backup, or, "
        "if it has none, move {log} away; then load the days since the backup again.",
        "База {path} не відкривається, бо {log} поруч до неї не підходить: він від іншої копії або пошкоджений. Нічого "
        "не змінено. Якщо ви поклали резервну копію, покладіть і її файл .wal, а якщо його немає, приберіть {log}; "
        "тоді завантажте ще раз дні після копії.",
    )
    DISK_FULL = (
        "The disk that holds {path} is full. What was stored before is safe; free some space and load again: the "
        "load continues from there.",
        "На диску, де лежить {path}, немає місця. Збережене раніше ціле; звільніть місце й завантажте ще раз: "
        "завантаження продовжить з того місця.",
    )
    DIRECTORY_UNUSABLE = (
        "The data directory {path} cannot be written to: {reason}. Fix its permissions, or set another directory in "
        "KEYCRM_DATA_DIR, and load again; nothing was lost.",
        "У теку даних {path} не можна записати: {reason}. Виправте права доступу або вкажіть іншу теку в "
        "KEYCRM_DATA_DIR і завантажте ще раз; нічого не втрачено.",
    )
    HOME_FULL = (
        "The disk that holds Dagster's history {path} is full. The books were not harmed; free some space, or set "
        "another directory in DAGSTER_HOME, and run the command again.",
        "На диску, де лежить історія Dagster {path}, немає місця. Дані обліку цілі; звільніть місце або вкажіть іншу "
        "теку в DAGSTER_HOME і запустіть команду ще раз.",
    )
    HOME_UNUSABLE = (
        "Dagster's history {path} cannot be written to: {reason}. Fix its permissions, or set another directory in "
        "DAGSTER_HOME, and run the command again; nothing was lost.",
        "В історію Dagster {path} не можна записати: {reason}. Виправте права доступу або вкажіть іншу теку в "
        "DAGSTER_HOME і запустіть команду ще раз; нічого не втрачено.",
    )
    DATABASE_NEWER = (
        "The database {path} has version {found}, but this program only knows versions up to {known}. Update the "
        "program. The file was not changed.",
        "База {path} має версію {found}, а ця програма знає версії лише до {known}. Оновіть програму. Файл не "
        "змінено.",
    )
    DATABASE_MISSING = (
        "There is no database {path} yet: nothing was loaded for this profile.",
        "Бази {path} ще немає: для цього профілю нічого не завантажено.",
    )
    NOT_COMPACTED = (
        "The database {path} has grown, but could not be compacted: {reason}. Nothing was lost and the file was not "
        "changed; the next exchange will try again.",
        "База {path} розрослася, але стиснути її не вдалося: {reason}. Нічого не втрачено, файл не змінено; "
        "наступний обмін спробує ще раз.",
    )
    NOT_PUBLISHED = (
        "The copy of the books for readers, {path}, could not be made: {reason}. The earlier copy stays as it was; the "
        "next exchange will try again.",
        "Копію обліку для читання, {path}, зробити не вдалося: {reason}. Попередня копія лишилася як була; "
        "наступний обмін спробує ще раз.",
    )
    NEVER_PUBLISHED = (
        "There is no copy of the books for readers, {path}, yet. Set `publish: true` in the profile and load a period.",
        "Копії обліку для читання, {path}, ще немає. Додайте у профіль `publish: true` і завантажте період.",
    )
    LAKE_MISSING = (
        "There is no lake of the profile {profile} yet: nothing was loaded for it.",
        "Озера профілю {profile} ще немає: для нього нічого не завантажено.",
    )
    LAKE_SETTING = (
        "A profile says `database: lake`, but {variable} {reason}. See docs/scaling.md.",
        "У профілі вказано `database: lake`, але {variable} {reason}. Див. docs/scaling.md.",
    )
    LAKE_NAME = (
        "A lake cannot be named {profile}: PostgreSQL uses that name itself, or it is longer than 63 letters. Give the "
        "profile another name.",
        "Озеро не може називатися {profile}: таку назву використовує сам PostgreSQL або вона довша за 63 літери. Дайте "
        "профілю іншу назву.",
    )
    LAKE_ELSEWHERE = (
        "The files of the lake of {profile} are in {found}, but KEYCRM_LAKE_DATA leads to {named}. Set it to the place "
        "where they are; nothing was changed.",
        "Файли озера {profile} лежать у {found}, а KEYCRM_LAKE_DATA веде до {named}. Вкажіть те місце, де вони є; "
        "нічого не змінено.",
    )
    ALREADY_THERE = (
        "The books of {profile} are in a {place} already.",
        "Облік {profile} уже там ({place}).",
    )
    NOT_MOVED = (
        "Nothing was moved: `database` in {profile} is tied to other lines (a YAML anchor). Untie it with a text "
        "editor.",
        "Нічого не перенесено: `database` у {profile} пов'язано з іншими рядками (якір YAML). Розв'яжіть їх у "
        "текстовому редакторі.",
    )
    MOVED_BUT_NOT_NOTED = (
        "The books were copied to {new}, but {profile} could not be changed, or somebody else has changed it. Write "
        "`{setting}` there before the next exchange, or it goes on with the old books.",
        "Облік скопійовано до {new}, але {profile} змінити не вдалося або його змінив хтось інший. Впишіть туди "
        "`{setting}` до наступного обміну, інакше він продовжить старий облік.",
    )
    BOOKS_MOVED = (
        "The books of {profile} were moved to another place while this waited for its turn. Nothing was written; start "
        "it again.",
        "Поки ця робота чекала своєї черги, облік {profile} перенесено в інше місце. Нічого не записано; запустіть її "
        "ще раз.",
    )
    BOOKS_IN_THE_WAY = (
        "There are books in {place} already. Rename the file, or remove that lake (its schema in PostgreSQL and its "
        "files), and move again; nothing was changed.",
        "У {place} вже є облік. Перейменуйте файл або видаліть те озеро (його схему в PostgreSQL і файли) й перенесіть "
        "ще раз; нічого не змінено.",
    )
    BOOKS_DIFFER = (
        "The table {table} was not the same after it was copied. The copy was undone, and the books are where they "
        "were.",
        "Після копіювання таблиця {table} вийшла іншою. Копіювання скасовано, облік лишився там, де був.",
    )
    LAKE_FILES = (
        "The files of the lake of {profile} in {place} cannot be read or written ({reason}). Check that the place is "
        "there and that this machine may write to it, and try again; what was stored before is safe.",
        "Файли озера {profile} у {place} не вдається прочитати або записати ({reason}). Перевірте, чи це місце існує "
        "та чи може ця машина туди писати, і спробуйте ще раз; збережене раніше ціле.",
    )
    LAKE_PACKAGE = (
        "A lake needs the package {package}, which is not installed here for DuckDB {version}. Install the versions "
        "that fit together: `pip install 'keycrm-pipeline[distributed]'`. Nothing was changed.",
        "Озеру потрібен пакет {package}, а для DuckDB {version} його тут не встановлено. Встановіть версії, що пасують "
        "одна до одної: `pip install 'keycrm-pipeline[distributed]'`. Нічого не змінено.",
    )
    LAKE_KEYS = (
        "There are no usable keys for S3. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.",
        "Немає придатних ключів для S3. Задайте AWS_ACCESS_KEY_ID і AWS_SECRET_ACCESS_KEY або надайте машині роль.",
    )
    NO_SUCH_TABLE = (
        "There is no table or view '{table}'. {hint}",
        "Таблиці чи подання '{table}' немає. {hint}",
    )
    NO_SUCH_COLUMN = (
        "There is no column of {table} '{column}'. {hint}",
        "У {table} немає колонки '{column}'. {hint}",
    )
    TABLE_WITHOUT_DAYS = (
        "The rows of {table} belong to no day: read it without a first or last day.",
        "Рядки {table} не належать до днів: читайте без першого й останнього дня.",
    )
