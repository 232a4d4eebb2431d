"""What tests of the grid tasks share."""

import pytest


@pytest.fixture(params=[None, "cpu"])
def device(request):
    if request.param:
        pytest.importorskip("torch")
    return request.param
