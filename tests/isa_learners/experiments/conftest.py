"""What tests of plans share."""

import pytest


@pytest.fixture
def plan_file(tmp_path):
    def write(text):
        (tmp_path / "plan.yaml").write_text(text)
        return tmp_path / "plan.yaml"

    return write
