"""Whom the page answers, what it lets them do, and what it keeps out of addresses and logs."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html
from starlette.routing import Route

from keycrm_pipeline.page import documents
from keycrm_pipeline.page.application import create_application
from keycrm_pipeline.page.passwords import write_password
from keycrm_pipeline.page.rendering import STATIC_FILES
from keycrm_pipeline.page.security import LOGGED_IN_FOR
from keycrm_pipeline.page.server import listening
from keycrm_pipeline.page.settings import PageError, PageSettings
from keycrm_pipeline.profile import Settings
from keycrm_pipeline_tests.page.site import Clock, Visitor, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

PASSWORD = "дуже довгий пароль"
STATIC = Path(documents.__file__).parent / "static"
SEARCH = "/profiles/shop/documents"
NO_PLACES = Settings(Path("profiles"), Path("data"))


# Where it is served


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "shop.example", ""])  # noqa: S104
def test_a_network_needs_a_password(host: str) -> None:
    with pytest.raises(PageError, match="--set-password"):
        PageSettings(NO_PLACES, host=host)
    PageSettings(NO_PLACES, host=host, password_file=Path("password"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.9"])
def test_this_machine_needs_none(host: str) -> None:
    PageSettings(NO_PLACES, host=host)


def test_an_address_of_dagster_that_is_none_is_refused() -> None:
    """It becomes a link on every page."""
    with pytest.raises(PageError, match="no address"):
        PageSettings(NO_PLACES, dagster="javascript:alert(1)")


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(PageError, match=f"port {port} .* choose another"),
            listening(PageSettings(NO_PLACES, port=port)),
        ):
            pass


def test_a_missing_password_file_is_told_before_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(PageError, match="no password file"),
        listening(PageSettings(NO_PLACES, password_file=tmp_path / "password")),
    ):
        pass


# Who is answered


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3001", ""]
)
def test_another_host_is_not_answered(visitor: Visitor, host: str) -> None:
    """A page of the internet whose name was rebound to this machine would read the books."""
    answer = visitor.get("/", Host=host)
    assert answer.status_code == 400
    assert "Профілі" not in answer.text


def test_a_further_name_is_answered_when_it_is_given(small: Books) -> None:
    with visited(small.settings, host_names=("page.shop.example",)) as visitor:
        assert visitor.get("/", Host="page.shop.example").status_code == 200
        assert visitor.get("/", Host="localhost:8080").status_code == 200
        assert visitor.get("/", Host="other.shop.example").status_code == 400


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/nothing", "/profiles/none/documents", "/login"])
def test_every_answer_forbids_foreign_content(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_names_of_buyers_are_not_kept_by_browsers(visitor: Visitor) -> None:
    assert visitor.get(SEARCH).headers["cache-control"] == "no-store"
    assert "immutable" in visitor.get("/static/page.css").headers["cache-control"]


def test_the_cookie_is_for_this_page_alone(small: Books) -> None:
    with visited(small.settings) as visitor:
        given = visitor.get("/").headers["set-cookie"]
        assert re.fullmatch(r"keycrm_page_\d+=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", given)
        assert "set-cookie" not in visitor.get("/").headers
        secure = httpx.get(visitor.client.base_url, headers={"X-Forwarded-Proto": "https"}, trust_env=False)
        assert secure.headers["set-cookie"].endswith("; Secure")


def test_nothing_but_the_style_and_htmx_is_served(visitor: Visitor) -> None:
    assert {visitor.get(f"/static/{name}").status_code for name in STATIC_FILES} == {200}
    for name in ("NOTICE", "..%2fserver.py", "../server.py", "%2e%2e/templates/base.html.j2", "page.css/.."):
        assert visitor.get(f"/static/{name}").status_code == 404


def test_htmx_is_the_file_that_the_notice_names() -> None:
    """Vendored code is what its authors published, and the notice tells version, licence and digest."""
    notice = (STATIC / "NOTICE").read_text("utf-8")
    content = (STATIC / "htmx.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() in notice
    (version,) = re.findall(r"htmx (\d+\.\d+\.\d+),", notice)
    assert f'version:"{version}"'.encode() in content
    assert "0BSD" in notice


# Forms


def _posting_paths() -> list[str]:
    routes = create_application(PageSettings(NO_PLACES)).routes
    examples = {
        "{profile}": "shop", "{run_id:uuid}": "00000000-0000-4000-8000-000000000001", "{cards}": "partners",
        "{kind}": "report",
    }  # fmt: skip
    found = []
    for route in routes:
        assert isinstance(route, Route)
        if "POST" in (route.methods or ()):
            path = route.path
            for name, value in examples.items():
                path = path.replace(name, value)
            found.append(path)
    return found


@pytest.mark.parametrize("path", _posting_paths())
def test_no_form_is_taken_without_its_token(visitor: Visitor, path: str) -> None:
    """Every route that changes something, also one that is added later."""
    assert visitor.client.post(path, data={"from": "2026-03-02", "to": "2026-03-02"}).status_code == 403
    wrong = {"token": "0" * 64, "from": "2026-03-02", "to": "2026-03-02"}
    assert visitor.client.post(path, data=wrong).status_code == 403


def test_a_token_of_another_visitor_is_worth_nothing(visitor: Visitor, small: Books) -> None:
    del small
    with httpx.Client(base_url=visitor.client.base_url, trust_env=False) as other:
        other.get("/")
        assert other.post(SEARCH, data={"token": visitor.token(SEARCH)}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        # The page of Dagster is another port of the same machine, and so the same site.
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(visitor: Visitor, headers: dict[str, str]) -> None:
    data = {"token": visitor.token(SEARCH)}
    assert visitor.client.post(SEARCH, data=data, headers=headers).status_code == 403
    assert visitor.client.post(SEARCH, data=data).status_code == 303


def test_files_and_large_forms_are_refused(visitor: Visitor) -> None:
    token = visitor.token(SEARCH)
    upload = visitor.client.post(SEARCH, data={"token": token}, files={"file": b"x"})
    assert upload.status_code == 415
    assert visitor.client.post(SEARCH, data={"token": token, "text": "x" * 600_000}).status_code == 413
    assert visitor.client.put(SEARCH, data={"token": token}).status_code == 405
    broken = visitor.client.post(
        SEARCH, content=b"token=%FF", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert broken.status_code == 400


# What stays inside


def test_a_searched_name_is_in_no_address_and_no_log(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = visitor.send(SEARCH, SEARCH, text="0501112233", responsible="olena", organisation="ФОП Інший")
    assert found.status_code == 303
    address = found.headers["location"]
    assert re.fullmatch(r"/profiles/shop/documents\?search=[\w-]{16}", address)
    shown = visitor.page(address)
    assert shown.xpath("//input[@name='text']/@value") == ["0501112233"]
    ours = [
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    ]
    assert not any("0501112233" in message or "olena" in message for message in ours)


def test_an_unforeseen_error_tells_no_values(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception may quote a buyer: neither the page nor the log repeats it."""

    def fail(*_arguments: object) -> None:
        raise KeyError("'Олена Тестова' +380501112233")

    monkeypatch.setattr(documents, "read_order", fail)
    answer = visitor.get("/profiles/shop/documents/501")
    assert answer.status_code == 500
    assert "Непередбачена помилка" in answer.text
    assert "KeyError" in answer.text
    assert "content-security-policy" in answer.headers
    for said in (answer.text, caplog.text):
        assert "Олена" not in said
        assert "0501112233" not in said


# Login


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    write_password(path, PASSWORD)
    return path


def test_nothing_is_shown_without_the_password(small: Books, password_file: Path) -> None:
    with visited(small.settings, password_file=password_file) as visitor:
        for path in ("/", SEARCH, "/profiles/shop/files/0/download", "/nothing"):
            answer = visitor.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        polled = visitor.get(
            "/profiles/shop/runs/00000000-0000-4000-8000-000000000001/progress", **{"HX-Request": "true"}
        )
        assert (polled.status_code, polled.headers["hx-redirect"]) == (204, "/login")
        assert visitor.get("/static/page.css").status_code == 200
        assert visitor.send(SEARCH, "/login", text="x").status_code == 303
        assert visitor.get("/").status_code == 303


def test_the_password_opens_the_page_for_twelve_hours(small: Books, password_file: Path) -> None:
    clock = Clock()
    with visited(small.settings, password_file=password_file, clock=clock) as visitor:
        before = visitor.client.get("/login").cookies or dict(visitor.client.cookies)
        assert visitor.send("/login", "/login", password="не той пароль").status_code == 403
        assert visitor.send("/login", "/login", password=PASSWORD).headers["location"] == "/"
        # A cookie that somebody planted before the login is worth nothing after it.
        assert dict(visitor.client.cookies) != dict(before)
        assert visitor.get("/").status_code == 200
        clock.now += LOGGED_IN_FOR - timedelta(seconds=1)
        assert visitor.get("/").status_code == 200
        clock.now += LOGGED_IN_FOR
        assert visitor.get("/").status_code == 303


def test_logging_out(small: Books, password_file: Path) -> None:
    """Offered to whoever has logged in, and not before."""
    with visited(small.settings, password_file=password_file) as visitor:
        assert "/logout" not in visitor.get("/login").text
        visitor.send("/login", "/login", password=PASSWORD)
        assert 'action="/logout"' in visitor.get("/").text
        assert visitor.send("/logout", "/").headers["location"] == "/login"
        assert visitor.get("/").status_code == 303


def test_five_wrong_passwords_make_even_the_right_one_wait(small: Books, password_file: Path) -> None:
    clock = Clock()
    with visited(small.settings, password_file=password_file, clock=clock) as visitor:
        for number in range(5):
            assert visitor.send("/login", "/login", password=f"не той {number}").status_code == 403
        assert visitor.send("/login", "/login", password=PASSWORD).status_code == 429
        clock.now += timedelta(minutes=15)
        assert visitor.send("/login", "/login", password=PASSWORD).status_code == 303


def test_dagster_is_linked_to_by_a_name_that_the_browser_reaches(small: Books) -> None:
    """On this machine by the name that was typed; through a proxy only where somebody said at which address."""
    more = {"host_names": ("page.shop.example",), "dagster": "http://127.0.0.1:3000"}

    def links(guest: Visitor, host: str) -> set[str]:
        found = html.fromstring(guest.get("/", host=host).text).xpath("//a[.//text()='Dagster']/@href")
        return {address.split("/locations/")[0] for address in found}

    with visited(small.settings, **more) as guest:
        assert links(guest, "localhost:3001") == {"http://localhost:3000"}
        assert links(guest, "127.0.0.1:3001") == {"http://127.0.0.1:3000"}
        assert links(guest, "page.shop.example") == set()
    with visited(small.settings, dagster_link="https://dagster.shop.example", **more) as guest:
        assert links(guest, "page.shop.example") == {"https://dagster.shop.example"}
    with visited(small.settings, dagster="http://dagster:3000", host_names=("page",)) as guest:
        assert links(guest, "page") == {"http://dagster:3000"}
    with pytest.raises(PageError, match="no address of Dagster"):
        PageSettings(small.settings, dagster_link="dagster.shop.example")
