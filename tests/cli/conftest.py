"""What the tests of the command line share: figures are blank where no test looks at them."""

import pytest


@pytest.fixture(autouse=True)
def no_figures(blank_figures):
    """Have every test here draw none, but those marked ``figures``."""
