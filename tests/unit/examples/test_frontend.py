"""The promises of the frontend's nginx configuration that the operator and the pods rely on."""

import re

import pytest

from images.build.image_build.catalogue import repository_root

FOLDER = repository_root() / "examples/memoapp/frontend"
CONFIG = (FOLDER / "nginx.conf").read_text()


def values(directive: str) -> list[str]:
    return re.findall(rf"^\s*{directive}\s+(.+?);", CONFIG, re.MULTILINE)


def test_the_backend_is_hard_coded() -> None:
    assert values("proxy_pass") == ["http://backend"]
    assert values("server") == ["backend:3001"]


def test_connections_to_the_backend_are_kept() -> None:
    assert values("keepalive") == ["32"]
    assert values("proxy_http_version") == ["1.1"]
    assert 'Connection ""' in values("proxy_set_header")


def test_an_idle_connection_is_closed_by_nginx_before_the_backend_does() -> None:
    server = (FOLDER.parent / "backend/memo_backend/server.py").read_text()
    backend = re.search(r"_KEEP_ALIVE = (\d+)", server)
    assert backend
    (frontend,) = values("keepalive_timeout")
    assert int(frontend.partition("s")[0]) < int(backend[1])


def test_health_is_answered_by_nginx_itself() -> None:
    block = re.search(r"location = /health \{(.*?)\}", CONFIG, re.DOTALL)
    assert block
    assert "return 200" in block[1]
    assert "proxy_pass" not in block[1]


@pytest.mark.parametrize(
    "directive",
    ["pid", "client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"],
)
def test_all_that_nginx_writes_goes_to_tmp(directive: str) -> None:
    (path,) = values(directive)
    assert path.startswith("/tmp/")  # noqa: S108


def test_the_version_stands_in_page_and_header() -> None:
    assert "@VERSION@" in (FOLDER / "site/index.html").read_text()
    assert "add_header X-Frontend-Version @VERSION@ always" in CONFIG


def test_the_page_never_makes_markup_of_what_people_wrote() -> None:
    script = (FOLDER / "site/memos.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
