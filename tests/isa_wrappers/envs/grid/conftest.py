"""What tests of the grid tasks share."""

import pytest
from devices import DEVICES


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param:
        pytest.importorskip("torch")
    return request.param
