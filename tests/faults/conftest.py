"""One campaign a session: the undisturbed runs are made once, the others are compared with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeAlias

import pytest

from tests.cluster_guard import kubeconfig_or_stop
from tests.faults.calls import Write
from tests.faults.plans import Plan
from tests.faults.runner import Campaign, Outcome, report
from tests.faults.scenarios import SCENARIOS
from tests.faults.site import NotHereError, site

Plans: TypeAlias = Iterable[Plan] | Callable[[tuple[Write, ...]], Iterable[Plan]]


class Disturb(Protocol):
    """Runs a scenario under plans: one line a run, and all must end as the undisturbed run did.

    Plans may be made from the writes of that run; else it goes beside them.
    """

    def __call__(self, name: str, plans: Plans, *, together: bool = True) -> list[Outcome]:
        """``together``: several runs at once."""
        ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    kubeconfig_or_stop(request.session)
    try:
        found = site()
    except NotHereError as error:
        pytest.skip(str(error))
    return Campaign(found, tmp_path_factory.mktemp("faults"))


@pytest.fixture
def disturb(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> Disturb:
    def run(name: str, plans: Plans, *, together: bool = True) -> list[Outcome]:
        scenario = SCENARIOS[name]
        made = plans(campaign.undisturbed(scenario).writes) if callable(plans) else plans
        outcomes = []
        for outcome in campaign.run(scenario, made, together=together):
            outcomes.append(outcome)
            with capsys.disabled():
                sys.stdout.write(f"\n{outcome}")
                sys.stdout.flush()
        failed = [report(outcome) for outcome in outcomes if outcome.problems]
        assert not failed, "\n\n".join(failed)
        return outcomes

    return run
