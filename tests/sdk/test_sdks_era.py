"""The scenarios of test_sdks.py with the SDKs of Bifrost's time: a file of its own, so that another worker takes it."""

import pytest
from test_sdks import CASES, run

from running import Process


@pytest.mark.parametrize(("sdk", "scenario"), CASES)
def test_sdk_of_the_era(sdk: str, scenario: str, running_gateway: Process) -> None:
    run("era", sdk, scenario, running_gateway.url)
