"""What the KeyCRM client reports, and the parts of its sentences: what happened to a request, and how often.

What KeyCRM said itself (`words`, `excerpt`) comes from the network: `crm.errors` cleans it before it becomes a value.
"""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class Advice(Sentences):
    """What several of the sentences end with."""

    WHERE_THE_KEY_IS = (
        "Store the account's key with `keycrm-pipeline key`, or set it where the environment has it: in "
        "KEYCRM_API_KEY_<PROFILE> (the profile's name in upper case) or KEYCRM_API_KEY.",
        "Збережіть ключ акаунта командою `keycrm-pipeline key` або змініть його там, де його задає середовище: у "
        "KEYCRM_API_KEY_<ПРОФІЛЬ> (назва профілю великими літерами) чи KEYCRM_API_KEY.",
    )
    ANSWER_NOT_USED = (
        "Nothing from this answer was used. If this keeps happening, KeyCRM's API has changed and the program needs "
        "an update.",
        "Із цієї відповіді нічого не взято. Якщо так триває, змінився API KeyCRM, і програму треба оновити.",
    )
    CHECK_THE_ADDRESS = (
        "Check base_url in the profile; if it is right, KeyCRM's API has changed and the program needs an update.",
        "Перевірте base_url у профілі; якщо він правильний, змінився API KeyCRM, і програму треба оновити.",
    )


class Client(Sentences):
    """Why KeyCRM could not be asked, or did not answer as it should."""

    NO_KEY_GIVEN = ("There is no API key. {advice}", "Ключа API немає. {advice}")
    KEY_IMPOSSIBLE = (
        "The API key contains characters that no key has: a space, a line break, or a letter that is not Latin. "
        "{advice}",
        "У ключі API є знаки, яких у ключі не буває: пробіл, кінець рядка або нелатинська літера. {advice}",
    )
    KEY_REFUSED = (
        "KeyCRM refused the API key ({request}, status {status}){reason} {advice} Keys are created in KeyCRM under "
        "Settings, General. Retrying with the same key does not help.",
        "KeyCRM не приймає ключ API ({request}, статус {status}){reason} {advice} Ключі створюють у KeyCRM: "
        "Налаштування - Основні. Повторювати з тим самим ключем марно.",
    )
    ACCESS_REFUSED = (
        "KeyCRM refused access ({request}, status {status}){reason} The key may be right: the account's plan may "
        "not include the API, or a firewall may block this computer. Ask KeyCRM's support; retrying does not help.",
        "KeyCRM не дає доступу ({request}, статус {status}){reason} Ключ може бути правильним: тариф акаунта може "
        "не містити API, або мережевий екран не пропускає цей комп'ютер. Зверніться до підтримки KeyCRM; "
        "повторювати марно.",
    )
    REQUEST_REFUSED = (
        "KeyCRM refused {request} with status {status}{reason} Retrying does not help. {advice}",
        "KeyCRM відхилив {request}, статус {status}{reason} Повторювати марно. {advice}",
    )
    UNREACHABLE = (
        "KeyCRM did not answer at {host}: {fault} ({request}, tried {times}). Check the network and base_url in the "
        "profile. Nothing was lost; the load can be repeated.{excerpt}",
        "KeyCRM не відповідає за адресою {host}: {fault} ({request}, спроб: {times}). Перевірте мережу і base_url у "
        "профілі. Нічого не втрачено; завантаження можна повторити.{excerpt}",
    )
    NO_USABLE_ANSWER = (
        "KeyCRM at {host} gave no usable answer to {request}, tried {times}; the last time, {fault}. Nothing was "
        "lost; the load can be repeated, which usually helps after a while.{excerpt}",
        "KeyCRM ({host}) не дав придатної відповіді на {request}, спроб: {times}; востаннє {fault}. Нічого не "
        "втрачено; завантаження можна повторити, зазвичай згодом це допомагає.{excerpt}",
    )
    VARIABLE_UNUSABLE = (
        "The environment variable {variable} is unusable: {reason}. Correct or remove it. Nothing was requested "
        "from KeyCRM.",
        "Змінна середовища {variable} непридатна: {reason}. Виправте або приберіть її. До KeyCRM нічого не "
        "надіслано.",
    )
    NOT_THAT_LIST = (
        "KeyCRM answered GET {route} (page {page}) with something other than that list: {found}. Nothing from this "
        "answer was used. {advice}",
        "На GET {route} (сторінка {page}) KeyCRM відповів чимось іншим, ніж цей перелік: {found}. Із цієї відповіді "
        "нічого не взято. {advice}",
    )
    NOT_THAT_ORDER = (
        "KeyCRM answered GET {route} with something other than that order. {advice}",
        "На GET {route} KeyCRM відповів чимось іншим, ніж це замовлення. {advice}",
    )
    FILTER_OF_PRODUCTS_IGNORED = (
        "KeyCRM answered GET {route} for certain products with rows of other products ({unexpected:number}): the "
        "filter product_id was ignored. {advice}",
        "На GET {route} для певних товарів KeyCRM відповів рядками інших товарів ({unexpected:number}): фільтр "
        "product_id не подіяв. {advice}",
    )
    FILTER_OF_BUYERS_IGNORED = (
        "KeyCRM answered GET {route} for certain buyers with rows of other buyers ({unexpected:number}): the filter "
        "buyer_id was ignored. {advice}",
        "На GET {route} для певних покупців KeyCRM відповів рядками інших покупців ({unexpected:number}): фільтр "
        "buyer_id не подіяв. {advice}",
    )
    NOT_SORTED = (
        "KeyCRM answered GET {route} (page {page}) with rows that are not sorted by id: the parameter sort was "
        "ignored, and without it rows could be lost between pages. {advice}",
        "На GET {route} (сторінка {page}) KeyCRM відповів рядками, не впорядкованими за id: параметр sort не "
        "подіяв, а без нього рядки можуть загубитися між сторінками. {advice}",
    )
    FILTER_IGNORED = (
        "KeyCRM answered GET {route} (page {page}) with orders that were not requested, {unexpected:number} of "
        "{count:number}: the filter {name} was ignored, and the answer would be the whole account. {advice}",
        "На GET {route} (сторінка {page}) KeyCRM відповів замовленнями, про які не питали: {unexpected:number} із "
        "{count:number}. Фільтр {name} не подіяв, і надійшов би весь акаунт. {advice}",
    )
    LIST_CHANGES = (
        "The list GET {route} keeps changing while it is being read: it has {total:number} rows, but reading it "
        "twice returned only {found:number} of them. None of it was used. Load again later.",
        "Перелік GET {route} змінюється, поки його читають: у ньому рядків {total:number}, а за два читання "
        "отримано лише {found:number}. Із нього нічого не взято. Завантажте ще раз пізніше.",
    )
    PAGES_CHANGE = (
        "The list GET {route} keeps changing while it is being read, or KeyCRM reports a wrong number of rows: its "
        "pages were requested again and again and do not add up to that number ({total:number}). What was fetched "
        "is kept; load again at a quieter time.",
        "Перелік GET {route} змінюється, поки його читають, або KeyCRM повідомляє неправильну кількість рядків: "
        "сторінки запитано знову й знову, а разом вони не дають цієї кількості ({total:number}). Отримане "
        "збережено; завантажте ще раз у спокійніший час.",
    )
    CLIENT_CLOSED = (
        "The KeyCRM client is closed; create a new one.",
        "З'єднання з KeyCRM уже закрито; відкрийте нове.",
    )
    CLIENT_CLOSED_MEANWHILE = (
        "The KeyCRM client was closed during a request.",
        "З'єднання з KeyCRM закрито під час запиту.",
    )
    READING_STOPPED = (
        "Reading was stopped before it was complete.",
        "Читання зупинено, не закінчивши.",
    )


class RefusalWords(Sentences):
    """What KeyCRM said when it refused, as the end of a sentence."""

    REFUSAL_ENDS = (".", ".")
    REFUSAL_WITHOUT_REASON = (", without giving a reason.", " без пояснення.")
    REFUSAL_WITH_WORDS = (": {words}", ": {words}")


class Times(Sentences):
    """How often a request was sent."""

    TRIED_ONCE = ("once", "1")
    TRIED_TIMES = ("{count:number} times", "{count:number}")


class Fault(Sentences):
    """Why an attempt brought no usable answer, as a clause."""

    NO_CONNECTION = ("no connection could be made", "з'єднання не встановлено")
    NO_CONNECTION_IN_TIME = ("no connection could be made in time", "з'єднання не встановлено вчасно")
    PROXY_REFUSED = (
        "the proxy that the environment names (HTTPS_PROXY) let no connection through",
        "проксі, названий у середовищі (HTTPS_PROXY), не пропустив з'єднання",
    )
    NO_ANSWER_IN_TIME = ("no answer arrived in time", "відповідь не надійшла вчасно")
    NOT_COMPLETE_IN_TIME = (
        "the answer was not complete after {seconds:number} s",
        "відповідь не надійшла повністю за {seconds:number} с",
    )
    ANSWER_DAMAGED = ("the compressed answer was damaged", "стиснута відповідь була пошкоджена")
    ANSWER_TOO_LARGE = (
        "the answer was larger than {megabytes:number} MB unpacked (largest_answer_megabytes in the profile), so the "
        "rest was not read",
        "відповідь у розпакованому вигляді більша за {megabytes:number} МБ (largest_answer_megabytes у профілі), тому "
        "її не дочитано",
    )
    CERTIFICATE_REFUSED = (
        "the certificate of its server was refused, so nothing was sent. If a proxy or a firewall of your network "
        "replaces certificates, name its certificate in SSL_CERT_FILE; otherwise somebody may be listening",
        "сертифікат його сервера не прийнято, тому нічого не надіслано. Якщо сертифікати підміняє проксі чи мережевий "
        "екран вашої мережі, вкажіть його сертифікат у SSL_CERT_FILE; інакше з'єднання може хтось прослуховувати",
    )
    CONNECTION_LOST = (
        "the connection was lost before the answer was complete",
        "з'єднання обірвалося раніше, ніж відповідь надійшла повністю",
    )
    TOO_MANY_REQUESTS = (
        "it refused because of too many requests (status {status})",
        "він відмовив через надто багато запитів (статус {status})",
    )
    TOO_MANY_REQUESTS_FOR_LONG = (
        "it refused because of too many requests and asked to try again in {minutes:number} minutes (status "
        "{status})",
        "він відмовив через надто багато запитів і просив повернутися пізніше (хвилин: {minutes:number}; статус "
        "{status})",
    )
    INTERNAL_ERROR = (
        "it reported an internal error (status {status})",
        "він повідомив про власний збій (статус {status})",
    )
    INTERNAL_ERROR_FOR_LONG = (
        "it reported an internal error and asked to try again in {minutes:number} minutes (status {status})",
        "він повідомив про власний збій і просив повернутися пізніше (хвилин: {minutes:number}; статус {status})",
    )
    ERROR_ANSWER = (
        "it answered with an error (status {status}), without giving a reason",
        "він відповів помилкою (статус {status}) без пояснення",
    )
    ERROR_ANSWER_WITH_WORDS = (
        "it answered with an error (status {status}): {words}",
        "він відповів помилкою (статус {status}): {words}",
    )
    NOT_JSON = (
        "the answer (status {status}, {size:number} bytes) was not complete JSON",
        "відповідь (статус {status}, байтів: {size:number}) не була цілим JSON",
    )
    NOT_JSON_NOT_FOUND = (
        "the answer (status {status}, {size:number} bytes) was not complete JSON. If this keeps happening, base_url "
        "in the profile is wrong",
        "відповідь (статус {status}, байтів: {size:number}) не була цілим JSON. Якщо так триває, base_url у профілі "
        "неправильний",
    )
    WEB_PAGE = (
        "a web page came instead of KeyCRM's answer (status {status}, {size:number} bytes): a firewall or a proxy "
        "blocks the requests",
        "замість відповіді KeyCRM надійшла вебсторінка (статус {status}, байтів: {size:number}): мережевий екран "
        "або проксі не пропускає запити",
    )
    REDIRECTED = (
        "it redirected to another address (status {status}), which is not followed. Check base_url in the profile",
        "він вказує на іншу адресу (статус {status}), куди програма не переходить. Перевірте base_url у профілі",
    )
    ANSWER_NOT_SHOWN = ("", "")
    ANSWER_BEGINS = (" The answer begins: {excerpt}", " Початок відповіді: {excerpt}")


class Variable(Sentences):
    """What is wrong with a variable of the environment."""

    NO_PROXY_ADDRESS = ("its value is not the address of a proxy", "її значення не є адресою проксі")
    SOCKS_PROXY = (
        "it names a SOCKS proxy, and this program supports only HTTP proxies",
        "вона вказує на SOCKS-проксі, а програма працює лише з HTTP-проксі",
    )
    NO_CERTIFICATES = (
        "it must name existing certificates in PEM format, which can be read",
        "вона має вказувати на наявні сертифікати у форматі PEM, які можна прочитати",
    )


class Answer(Sentences):
    """What came in place of a list."""

    ANSWER_OF_ANOTHER_KIND = (
        "a JSON {kind} instead of an object with `total` and `data`",
        "JSON ({kind}) замість об'єкта з `total` і `data`",
    )
    ANSWER_WITHOUT_DATA = ("`data` is missing", "`data` немає")
    ANSWER_DATA_NO_LIST = ("`data` is not a list", "`data` не є переліком")
    ANSWER_TOTAL_NO_NUMBER = (
        "`total` is {value} instead of a number of rows",
        "`total` не є кількістю рядків ({value})",
    )
    ANSWER_OF_ANOTHER_PAGE = ("it is page {page}", "це сторінка {page}")
