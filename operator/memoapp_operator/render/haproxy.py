"""The router's configuration and the maps that hold its weights.

Weights go by client, not by request: a client's bucket 0 to 99 is fixed for one release by its cookie, and it is
green's if it lies below green's weight. So a client moves at most once on the way up, and all move back at once.
The maps can be changed at run time (``set map <file> weight 50``); strings and numbers need a file each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, COUNTERS, INDICES, PAGE, SLOW_MS
from memoapp_operator.domain.manifest import CONFIG_MAP, Manifest

from . import page
from .context import NO_RELEASE, Context
from .endpoints import ROUTER, ROUTER_ADMIN_PORT, ROUTER_HEALTH_PORT, ROUTER_PORT, coloured, entry, ports_of
from .metadata import child

CONFIG = "router"
STATE = "router-state"
CONFIG_FILE = "haproxy.cfg"
STATE_PATH = "/etc/memoapp/state"
TLS_PATH = "/etc/memoapp/tls"
RUN_PATH = "/run/haproxy"
STATE_MAP = f"{STATE_PATH}/state.map"
RELEASE_MAP = f"{STATE_PATH}/release.map"
HEALTH_PATH = "/healthz"
UNCONFIRMED_SECONDS = 90
WEIGHT_KEY = "weight"
RELEASE_KEY = "release"
CONFIRMED_KEY = "confirmed"
REJECTED_KEY = "rejected"
MIGRATED_KEY = "migrated"

# maxconn and nbthread: else both follow the node's limits, and memory with them.
# hard-stop-after lies within the pod's 30 s of grace; idle connections (10 s) are gone before that.
_GLOBAL = f"""\
global
  maxconn 4096
  nbthread 2
  hard-stop-after 20s
  log stdout format raw local0
  stats socket {RUN_PATH}/admin.sock mode 600 level admin
  set-var proc.started date()

defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 10s
"""

# Only errors are logged, and no query strings: they may hold what is nobody's business.
_ENTRY = f"""\
frontend app
  bind @ANY@:{ROUTER_PORT}
  log global
  option dontlog-normal
  log-format "%ci %ft %b %ST %ts %Tt %HM %HPO"
  option idle-close-on-response
  option forwardfor
@PAGE@
  http-request set-header X-Forwarded-Proto http unless {{ req.fhdr(X-Forwarded-Proto) -m found }}
  # set before the id: conditions are evaluated where they are used
  http-request set-var(txn.new) bool(true) unless {{ req.cook(memoapp) -m found }}
  http-request set-var(txn.id) req.cook(memoapp)
  http-request set-var(txn.id) uuid() if {{ var(txn.new) -m bool }}
  http-request set-var(txn.release) str({RELEASE_KEY}),map({RELEASE_MAP},none)
  http-request set-var(txn.weight) str({WEIGHT_KEY}),map_str_int({STATE_MAP},0)
  http-request set-var(txn.bucket) var(txn.id),concat(:,txn.release,),crc32(1),mod(100)
  http-request set-var(txn.side) var(txn.bucket),sub(txn.weight)
  http-request set-var(txn.colour) str(blue)
  http-request set-var(txn.colour) str(green) if {{ var(txn.side) -m int lt 0 }}
  http-after-response add-header Set-Cookie "memoapp=%[var(txn.id)]; Path=/; HttpOnly; SameSite=Lax" \
if {{ var(txn.new) -m bool }}
@COUNT@
  use_backend %[var(txn.colour)]
"""

# No check of the server: behind its address stand pods that Kubernetes checks one by one. A connection that failed
# carried no request, so it alone is tried again, and never with the other colour.
_COLOUR = """\
backend @COLOUR@
  option http-server-close
  retries 3
  retry-on conn-failure
  server service @SERVER@
"""

# A router that starts reads its weights from a file that the kubelet may bring up to date a minute late. So it is ready
# only once the operator confirmed its weights, or, with no operator, after a while: rather old weights than no router.
# It does not read the file again; a container that starts within a minute after a switch while no operator runs serves
# what was before, until one does.
_HEALTH = f"""\
frontend health
  bind @ANY@:{ROUTER_HEALTH_PORT}
  http-request deny deny_status 404 unless {{ path {HEALTH_PATH} }}
  http-request set-var(txn.confirmed) str({CONFIRMED_KEY}),map_str_int({STATE_MAP},0)
  http-request set-var(txn.age) date(),sub(proc.started)
  http-request return status 200 if {{ var(txn.confirmed) -m int gt 0 }}
  http-request return status 200 if {{ var(txn.age) -m int gt {UNCONFIRMED_SECONDS} }}
  http-request deny deny_status 503
"""

# The runtime API for the operator alone: "ssl" on a stats socket is ignored, a listener before it is not.
_ADMIN = f"""\
listen admin
  mode tcp
  bind @ANY@:{ROUTER_ADMIN_PORT} ssl crt {TLS_PATH}/server.pem ca-file {TLS_PATH}/ca.crt verify required
  server socket unix@{RUN_PATH}/admin.sock
"""


# What gates rest on: responses by colour and class, those of the router itself (502, 503, 504) among them. Four keys,
# so nothing grows; a read table and a new weight change nothing in it, a new process begins at 0.
_MEASURE = f"""\
backend {COUNTERS}
  stick-table type string len 16 size 16 expire 24d store gpc({len(INDICES)})
"""


def _counting() -> str:
    """The rules that count a response, once each, as its headers go out; ``domain/counters.py`` says what each is."""
    conditions = {"requests": "", "client_errors": " if { status 400:499 }", "server_errors": " if { status 500:599 }"}
    conditions |= {f"slow_{limit}": f" if {{ res.timer.hdr gt {limit} }}" for limit in SLOW_MS}
    lines = [
        f"http-request set-var(txn.class) str({PAGE})",
        f"http-request set-var(txn.class) str({API}) if {{ path /api }} or {{ path_beg /api/ }}",
        "http-request set-var(txn.key) var(txn.colour),concat(-,txn.class,)",
        f"http-request track-sc0 var(txn.key) table {COUNTERS}",
        *(f"http-after-response sc-inc-gpc({index},0){conditions[name]}" for index, name in enumerate(INDICES)),
    ]
    return "\n".join(f"  {line}" for line in lines)


def configuration(context: Context) -> str | None:
    """haproxy.cfg; None as long as the address of a Service is unknown, or its port, which the revision tells."""
    addresses: list[str] = []
    servers: dict[Colour, str] = {}
    for colour in Colour:
        component = entry(context, colour)
        address, port = context.addresses.get(coloured(colour, component)), ports_of(context, colour).get(component)
        if not address or port is None:
            return None
        addresses.append(address)
        servers[colour] = f"{_bracketed(address)}:{port}"
    colours = [_COLOUR.replace("@COLOUR@", colour).replace("@SERVER@", server) for colour, server in servers.items()]
    entered = _ENTRY.replace("@PAGE@", page.rules(STATE_MAP, RELEASE_MAP, _staff(context))).replace(
        "@COUNT@", _counting()
    )
    text = "\n".join((_GLOBAL, entered, *colours, _MEASURE, _HEALTH, _ADMIN))
    return text.replace("@ANY@", _any(addresses))


def router_config(context: Context) -> tuple[Manifest, ...]:
    """The ConfigMap with haproxy.cfg; none as long as an address or the certificates are missing."""
    text = configuration(context)
    if text is None or context.credentials.router_digest is None:
        return ()
    return ({**child(CONFIG_MAP, context, CONFIG, component=ROUTER), "data": {CONFIG_FILE: text}},)


def router_state(context: Context) -> tuple[Manifest, ...]:
    """The ConfigMap with the maps: what a router that starts anew reads.

    It also keeps which revision is rejected, and what became of migrations: together with the weights they rebuild a
    status that was lost. None before the first release: the clients' buckets are fixed for one.
    """
    if context.release == NO_RELEASE:
        return ()
    data = {
        "state.map": f"{WEIGHT_KEY} {context.green_weight}\n{page.PAGE_KEY} {context.page_until}\n{CONFIRMED_KEY} 0\n",
        "release.map": f"{RELEASE_KEY} {context.release}\n{_lines(page.texts(context.page_message))}",
        REJECTED_KEY: context.rejected,
    }
    if context.migrated:
        data[MIGRATED_KEY] = context.migrated
    return ({**child(CONFIG_MAP, context, STATE, component=ROUTER), "data": data},)


def _lines(entries: Mapping[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in entries.items())


def _staff(context: Context) -> str | None:
    """The header that lets staff behind the page, once its value is known."""
    declared = context.app.spec.traffic.staff
    return declared.header if declared is not None and context.credentials.staff is not None else None


def _any(addresses: Iterable[str]) -> str:
    """Every address of the pod: in a cluster of IPv6 that is ``[::]``."""
    return "[::]" if any(":" in address for address in addresses) else ""


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
