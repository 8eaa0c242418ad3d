"""The maintenance page's rules, where no HAProxy is at hand: it has an end, and what a person wrote breaks nothing."""

from __future__ import annotations

from memoapp_operator.render import page


def rules(staff: str | None = None) -> list[str]:
    return [line.strip() for line in page.rules("state.map", "release.map", staff).splitlines()]


def test_it_is_shown_as_long_as_its_end_is_to_come() -> None:
    found = rules()
    assert "http-request set-var(txn.left) date(),neg,add(txn.until)" in found
    assert "http-request set-var(txn.page) str(html) if { var(txn.left) -m int gt 0 }" in found
    answers = [line for line in found if "return status 503" in line]
    assert len(answers) == 2
    assert all("Retry-After" in line and "no-store" in line for line in answers)


def test_staff_is_let_through_before_anything_is_answered() -> None:
    found = rules("X-Staff")
    let = found.index("http-request unset-var(txn.page) if { var(txn.staff) -m bool }")
    assert let < next(index for index, line in enumerate(found) if "return status 503" in line)
    assert "http-request del-header X-Staff" in found
    assert not [line for line in rules() if "staff" in line]
