"""The page that visitors see while the app is in maintenance: plain, with its end, and gone by itself when that comes.

Its end is an epoch second in the router's map, compared with the router's clock: no operator is needed for it to fall.
Everything is in the configuration: no image is asked for, and no server behind the router.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

PAGE_KEY = "maintenance"
HTML_KEY, JSON_KEY = "page-html", "page-json"
STAFF_PATH = "/etc/memoapp/staff"
STAFF_FILE = f"{STAFF_PATH}/value"
_SAID = "this service is in maintenance"
"""In JSON, where nobody wrote anything."""
_NOTHING = " "
_UNTIL = "%[var(txn.until),utime(%Y-%m-%dT%H:%M:%SZ)]"
_READABLE = "%[var(txn.until),utime(%Y-%m-%d %H:%M)] UTC"
_HTML = f"""\
<!DOCTYPE html>
<html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>
<meta name='robots' content='noindex'><title>Maintenance</title>
<style>
body {{ margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center;
font: 1.125rem/1.6 system-ui, sans-serif; color: #1f2933; background: #f5f7fa }}
main {{ max-width: 32rem; padding: 2rem }}
h1 {{ font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem }}
p {{ margin: 0 0 .75rem }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e4e7eb; background: #1f2933 }} }}
</style></head>
<body><main><h1>We are working on it</h1>
%[var(txn.html)]
<p>This service is in maintenance, and will be back by <time datetime='{_UNTIL}'>{_READABLE}</time> at the latest.</p>
<p>Please come back a little later.</p>
</main></body></html>
"""
_JSON = (
    '{"error": "maintenance", "message": "%[var(txn.json)]", '
    f'"until": "{_UNTIL}", "retryAfterSeconds": %[var(txn.left)]}}\n'
)


def _quoted(text: str) -> str:
    """As a log-format string between double quotes. What looks like a variable of the environment is none."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")


def _answer(kind: str, content: str, condition: str) -> str:
    head = 'hdr Cache-Control no-store hdr Retry-After "%[var(txn.left)]"'
    return f'http-request return status 503 content-type {kind} {head} lf-string "{_quoted(content)}" if {condition}'


def texts(message: str) -> Mapping[str, str]:
    """What the routers' map of strings has for a message: ready for the page, each percent-encoded as one word.

    A word has nothing that a map, a command of the runtime API or the page could take for something else.
    """
    paragraph = f"<p>{html.escape(message)}</p>" if message else _NOTHING
    inside = json.dumps(message or _SAID)[1:-1]
    return {HTML_KEY: quote(paragraph, safe=""), JSON_KEY: quote(inside, safe="")}


def message_in(found: Mapping[str, str]) -> str:
    """The message that such a map has; empty where it has none, or none that was made here."""
    if unquote(found.get(HTML_KEY, "")) in {"", _NOTHING}:
        return ""
    try:
        return str(json.loads(f'"{unquote(found.get(JSON_KEY, ""))}"'))
    except ValueError:
        return ""


def rules(state_map: str, text_map: str, staff_header: str | None) -> str:
    """The rules of the frontend, before any that chooses a colour or counts: what the page answers is no app's.

    Args:
        state_map: file of the map with numbers.
        text_map: file of the map with strings.
        staff_header: header that lets behind the page who has its value; None: nobody.
    """
    shown = "{ var(txn.page) -m found }"
    behind = []
    if staff_header is not None:
        behind = [
            f"http-request set-var(txn.staff) bool(true) if {{ req.fhdr({staff_header}) -m str -f {STAFF_FILE} }}",
            f"http-request del-header {staff_header}",
            "http-request unset-var(txn.page) if { var(txn.staff) -m bool }",
        ]
    lines = [
        f"http-request set-var(txn.until) str({PAGE_KEY}),map_str_int({state_map},0)",
        "http-request set-var(txn.left) date(),neg,add(txn.until)",
        "http-request set-var(txn.page) str(html) if { var(txn.left) -m int gt 0 }",
        *behind,
        f"http-request set-var(txn.html) str({HTML_KEY}),map({text_map},%20),url_dec if {shown}",
        f"http-request set-var(txn.json) str({JSON_KEY}),map({text_map},{quote(_SAID)}),url_dec if {shown}",
        f"http-request set-var(txn.page) str(json) if {shown} {{ req.hdr(Accept) -m sub json }}",
        f"http-request set-var(txn.page) str(json) if {shown} {{ path /api }} or {shown} {{ path_beg /api/ }}",
        _answer("application/json", _JSON, "{ var(txn.page) -m str json }"),
        _answer('"text/html; charset=utf-8"', _HTML, shown),
    ]
    return "\n".join(f"  {line}" for line in lines)
