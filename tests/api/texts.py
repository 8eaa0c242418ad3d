"""Strings that a pattern takes and refuses. A pattern without an entry here turns the tests red."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """Examples of one pattern.

    Attributes:
        accept: strings that match.
        reject: strings that do not, and break no other limit.
        first: begins a string of any length that matches; ``fill`` goes on with it, and ``last`` ends it.
    """

    accept: tuple[str, ...]
    reject: tuple[str, ...]
    first: str = "a"
    fill: str = "a"
    last: str = ""

    def of_length(self, length: int) -> str:
        """A string of exactly that length; it matches where the pattern has a match of that length."""
        return (self.first + self.fill * length)[: length - len(self.last)] + self.last


ANY = Texts(accept=("x",), reject=())

TEXTS = {
    # schedule
    r"^[0-9A-Za-z*,/?-]+( [0-9A-Za-z*,/?-]+){4}$": Texts(
        accept=("0 2 * * *", "*/15 0-6,12 1 jan MON-FRI", "0 2 ? * *"),
        reject=("", "@daily", "0 2 * *", "0 2 * * * *", " 0 2 * * *", "0  2 * * *", "TZ=UTC 0 2 * * *", "0 2 * * *\n"),
        first="0 2 * * 1",
        fill="1",
    ),
    # schedule of a window
    r"^[0-9A-Za-z*,/?#-]+( [0-9A-Za-z*,/?#-]+){4}$": Texts(
        accept=("0 23 * * 6", "0 2 * * 5#2", "30 1 L * *", "0 3 * * 0L"),
        reject=("", "@weekly", "0 2 * *", "0 2 * * * *", " 0 2 * * *", "TZ=UTC 0 2 * * *", "0 2 * * *\n"),
        first="0 2 * * 1",
        fill="1",
    ),
    # date
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": Texts(
        accept=("2026-12-26",),
        reject=("", "26.12.2026", "2026-1-1", "2026-12-2\n"),
        first="2026-12-26",
    ),
    # label
    r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$": Texts(
        accept=("tier", "example.com/tier", "A_b.c-1"),
        reject=("-a", "a-", "a/b/c", "A/b", "a b", "tier\n"),
    ),
    # value of a label
    r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$": Texts(
        accept=("", "gold", "A_b.c-1"),
        reject=("-a", "a-", "a/b", "a b", "gold\n"),
    ),
    # name of a header
    r"^[A-Za-z][A-Za-z0-9-]*$": Texts(accept=("X-Staff", "a"), reject=("1a", "X Staff", "X:Y", "X_Y", "X-Staff\n")),
    # label of an alert
    r"^[a-zA-Z_][a-zA-Z0-9_]*$": Texts(accept=("namespace", "_a9"), reject=("9a", "a-b", "a.b", "a b", "a\n")),
    # time of day
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": Texts(
        accept=("00:00", "23:59", "09:05"), reject=("24:00", "9:05", "23:60", "12.30", ""), first="12:00"
    ),
    # one line
    r"^[^\x00-\x1f\x7f]+$": Texts(accept=("Back at 2 <b>&", "ü"), reject=("a\nb", "a\x00", "\x7f")),
    # time zone
    r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$": Texts(
        accept=("UTC", "Etc/GMT+3", "America/Argentina/Buenos_Aires"),
        reject=("", "/UTC", "Europe/", "a b", "../etc", "Europe/Berlin\n"),
    ),
    # address of a store
    r"^https?://[^\s/?#@]+$": Texts(
        accept=("https://s3.example:9000", "http://[fd00::1]:9000"),
        reject=(
            "s3.example",
            "https://",
            "https://s3.example/",
            "https://a@s3.example",
            "ftp://s3.example",
            "https://a b",
        ),
        first="https://a",
    ),
    # bucket
    r"^[a-z0-9][-.a-z0-9]*[a-z0-9]$": Texts(
        accept=("abc", "my.bucket-1"),
        reject=("Abc", "-abc", "abc-", "a_b", "abc\n"),
    ),
    # prefix of keys
    r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$": Texts(
        accept=("", "team", "team/a_b.c-d"),
        reject=("/team", "team/", "a//b", "a b", "team\n"),
    ),
    # region
    r"^[A-Za-z0-9-]+$": Texts(
        accept=("us-east-1", "eu"),
        reject=("us_east", "a b", "eu\n"),
    ),
    # folder of a backup
    r"^([A-Za-z0-9._-]+/)+$": Texts(
        accept=("a/", "prod/memo/2026/11/one/"),
        reject=("a", "/a/", "a//", "a b/", "a/\n"),
        first="a/",
        fill="b/",
    ),
    # dump of old scripts
    r"^([A-Za-z0-9._-]+/)*[A-Za-z0-9._-]*[0-9]{8}[_-][0-9]{6}[.]sql([.]gz)?$": Texts(
        accept=("memo_app_20231101_020000.sql.gz", "old/20231101-020000.sql"),
        reject=("memo.sql.gz", "memo_20231101.sql.gz", "/20231101_020000.sql", "20231101_020000.sql.zip", "a b"),
        last="20231101_020000.sql.gz",
    ),
    # a file in a destination
    r"^([A-Za-z0-9._-]+/)*[A-Za-z0-9._-]+$": Texts(
        accept=(".env", "old/.env"),
        reject=("/.env", "old/", "a b", ".env\n"),
    ),
    # version
    r"^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$": Texts(
        accept=("1", "1.4.0", "v2", "2026-11-23_rc.1"),
        reject=("-1", "1-", ".1", "1.", "1 4", "1+2", "1\n", "é"),
    ),
    # image
    r"^[^\s]+$": Texts(
        accept=("memo", "registry.example:5000/memo/backend@sha256:" + "0" * 64),
        reject=("a b", " a", "a\n", "a\tb"),
    ),
    # path
    r"^/[^\s]*$": Texts(
        accept=("/", "/api/health?full=1"),
        reject=("health", "https://example.org/", "/a b", "/a\n"),
        first="/",
    ),
    # DNS label
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": Texts(
        accept=("b", "9", "back-end", "x1"),
        reject=("Backend", "-a", "a-", "a.b", "a_b", "a\n"),
    ),
    # DNS subdomain
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$": Texts(
        accept=("a", "9", "a.b-c.d1"),
        reject=("A", "a..b", ".a", "a.", "-a", "a-", "a_b", "a/b", "a\n"),
    ),
    # PostgreSQL identifier
    r"^[a-z_][a-z0-9_]*$": Texts(
        accept=("a", "_a1", "memo_2"),
        reject=("1a", "Memo", "memo-app", 'a"b', "a b", "a;b", "a\n"),
    ),
    # quantity
    r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$": Texts(
        accept=("1", "0.5", "500m", "10Gi", "2E"),
        reject=("-1", "+1", "1.", ".5", "10GB", "10 Gi", "1e3", "", "1\n"),
        first="1",
        fill="0",
    ),
    # duration
    r"^([0-9]{1,6}(s|m|h))+$": Texts(
        accept=("30s", "5m", "1h30m", "90m", "000030s", "604800s"),
        reject=("", "30", "h", "1d", "1.5h", "-1m", "+1m", "1 m", "1H", "1m\n", "0000001s"),
        first="1s",
        fill="1s",
    ),
    # time that is measured
    r"^([0-9]{1,6}(ms|s|m))+$": Texts(
        accept=("1s", "500ms", "5m", "1m1s1ms", "0s"),
        reject=("", "30", "1h", "1.5s", "-1s", "1 s", "1MS", "1s\n", "0000001s"),
        first="1s",
        fill="1s",
    ),
    # percent
    r"^([0-9]{1,2}(\.[0-9]{1,3})?|100)$": Texts(
        accept=("0", "0.1", "5", "99.999", "100"),
        reject=("", "101", "100.1", "-1", "1.", ".5", "1e1", "5%", " 5", "5\n"),
        first="10.125",
    ),
    # number
    r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$": Texts(
        accept=("0", "-1.5", "100", "0.000000001", "999999999999999"),
        reject=("", "-", "1.", ".5", "1e3", "+1", "0x1", "NaN", "1 ", "1\n"),
        first="123456789012345.",
        fill="1",
    ),
    # address of a Prometheus
    r"^https?://[^\s?#@]+$": Texts(
        accept=("http://a", "https://prometheus.example:9090/x/"),
        reject=("ftp://aaaa", "https://", "http://a b", "https://user:word@a", "https://a/?x=1", "https://a#b"),
        first="https://a",
    ),
    # interval
    r"^([0-9]{1,3}(s|m))+$": Texts(
        accept=("2s", "30s", "5m", "1m30s"),
        reject=("", "10", "1h", "-1s", "1.5s", "10 s", "1000s", "5m\n"),
        first="1s",
        fill="1s",
    ),
    # key of a Secret or ConfigMap
    r"^[-._a-zA-Z0-9]+$": Texts(accept=("a", ".env", "A-b_c.1"), reject=("a/b", "a b", "ä", "a\n")),
    # name of a variable
    r"^[-._a-zA-Z][-._a-zA-Z0-9]*$": Texts(
        accept=("A", "_a", "a.b-c", "A1"),
        reject=("1A", "A B", "A=B", "$A", "A\n"),
    ),
    # reason of a condition
    r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$": Texts(
        accept=("A", "RolledBack", "a_1", "A,b:c"),
        reject=("1A", "A b", "A:", "A-b", "A\n"),
    ),
}
