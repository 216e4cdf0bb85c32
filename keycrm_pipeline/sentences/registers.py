"""What is wrong with a register of a carrier, an acquirer or a bank (R15), and with KeyCRM's bank transactions.

No cell is a value of a message: those of a register are names and purposes of payments.
"""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class RegisterFailure(Sentences):
    """Why something is not in the reconciliation."""

    REGISTER_NOT_OPENED = ("{file} cannot be read: {reason}.", "{file} не вдалося прочитати: {reason}.")
    REGISTER_OF_NONE = (
        "{file} belongs to no register of the profile. Registers: {registers}. Begin its name with that of a register, "
        "or say in reconciliation.registers which files are its own.",
        "{file} не належить жодному реєстру профілю. Реєстри: {registers}. Почніть назву файлу з назви реєстру або "
        "вкажіть у reconciliation.registers, які файли йому належать.",
    )
    REGISTER_IS_FOLDER = (
        "{file} is a folder, and what is inside is not read: put its files into {folder} themselves.",
        "{file} — це папка, файли в ній не читаються: покладіть їх просто в {folder}.",
    )
    REGISTER_OF_SEVERAL = (
        "{file} belongs to several registers of the profile: {registers}. Say in reconciliation.registers which files "
        "belong to each.",
        "{file} належить кільком реєстрам профілю: {registers}. Вкажіть у reconciliation.registers, які файли якому "
        "належать.",
    )
    TRANSACTIONS_NOT_READ = (
        "KeyCRM's bank transactions could not be read, so the reconciliation does without those of this exchange. "
        "{reason} If this account has none, set reconciliation.external_transactions: false.",
        "Банківські операції з KeyCRM не прочитано, тому у звірці немає тих, що мали прийти з цим обміном. {reason} "
        "Якщо в акаунті їх немає, поставте reconciliation.external_transactions: false.",
    )
    TRANSACTIONS_MANY_ABSENT = (
        "{count:number} bank transactions that KeyCRM listed before are not listed now, more than sweep.most_missing "
        "({most:number}) allows. None was marked: the reconciliation still counts them as money. If they were really "
        "deleted, raise that setting.",
        "{count:number} банківських операцій, що раніше були в KeyCRM, тепер у переліку немає — більше, ніж дозволяє "
        "sweep.most_missing ({most:number}). Жодну не позначено: звірка й далі рахує їх як гроші. Якщо їх справді "
        "видалено, збільште це значення.",
    )
    TRANSACTIONS_WITHOUT_NUMBER = (
        "Bank transactions of KeyCRM whose number cannot be read: {count:number}. The reconciliation does without "
        "them.",
        "Банківські операції з KeyCRM, номер яких не читається: {count:number}. Звірку зроблено без них.",
    )
    TRANSACTIONS_UNREADABLE = (
        "Bank transactions of KeyCRM whose day, amount or currency cannot be read: {transaction_ids}. The "
        "reconciliation does without them.",
        "Банківські операції з KeyCRM, у яких не читається день, сума або валюта: {transaction_ids}. Звірку зроблено "
        "без них.",
    )


class RegisterMistake(Sentences):
    """One thing that is wrong with a register, after its line and column."""

    EMPTY_REGISTER = ("the file is empty", "файл порожній")
    NO_HEADER = (
        "no row names the columns {columns}; correct them in reconciliation.registers",
        "немає рядка з назвами колонок {columns}; виправте їх у reconciliation.registers",
    )
    REGISTER_LACKS_COLUMN = (
        "there is no such column; correct its name in reconciliation.registers",
        "такої колонки немає; виправте її назву в reconciliation.registers",
    )
    TWO_SUCH_COLUMNS = (
        "several columns are called so; rename all but one in the file",
        "так названо кілька колонок; перейменуйте у файлі всі, крім однієї",
    )
    CELL_EMPTY = ("it is empty", "тут порожньо")
    NO_DAY = (
        "it is not a day; write it as 31.10.2026 or 2026-10-31",
        "це не дата; напишіть її як 31.10.2026 або 2026-10-31",
    )
    NO_SUM = (
        "it is not a sum that can be read for certain; write it as 1234,50",
        "суму не можна прочитати напевно; напишіть її як 1234,50",
    )
    DAY_OUT_OF_REACH = (
        "the day is before 2000 or after 2099; correct it",
        "дата раніша за 2000 або пізніша за 2099 рік; виправте її",
    )
    SUM_TOO_LARGE = ("the sum is too large; correct it", "сума завелика; виправте її")
    REGISTER_TEXT_TOO_LONG = (
        "it is longer than {most} characters; check the separator and the quotes",
        "довше за {most} знаків; перевірте роздільник і лапки",
    )
    REGISTER_UNREADABLE = (
        "it is neither an Excel workbook (.xlsx) nor a text file (.csv), or it is damaged or too large; save it as "
        "one of them",
        "це не книга Excel (.xlsx) і не текстовий файл (.csv), або файл пошкоджений чи завеликий; збережіть його "
        "як щось із них",
    )
