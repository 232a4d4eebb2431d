"""``isa check``: the report from the shell."""

import json

import pytest

from isa_cli.main import main


def isa(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    return caught.value.code, capsys.readouterr()


def test_the_command(capsys):
    assert isa(capsys, "check", "grid/unlock", "--strict", "--episodes", "1")[0] == 0
    code, said = isa(capsys, "check", "border_toys:Lingering")
    assert code == 0
    assert "warning  ends: walker_0, walker_1 stay in env.agents" in said.out
    assert isa(capsys, "check", "border_toys:Lingering", "--strict")[0] == 1
    code, said = isa(capsys, "check", "toy_envs:continuous", "--json")
    told = json.loads(said.out)
    assert (code, told["refused"], told["env"]) == (2, True, "toy_envs:continuous")
    assert told["findings"][0]["verdict"] == "refused"
    assert isa(capsys, "check", "toy_envs:stateless", "--state-fallback", "observations")[0] == 0
    assert isa(capsys, "check", "grid/unlok")[0] == 2
    code, said = isa(capsys, "check", "toy_envs:bursting")
    assert (code, said.err) == (2, "")
    assert "refused  interface: RuntimeError at toy_envs.py:" in said.out


@pytest.mark.slow
@pytest.mark.parametrize("success", ["prize", "0.5"])
def test_options_of_the_command(success, capsys):
    asked = ["--episodes", "3", "--success", success, "--bin-width", "5"]
    said = isa(capsys, "check", "toy_envs:prize", *asked)[1].out
    assert " of 3 random episodes" in next(line for line in said.splitlines() if " success: " in line)
    assert "change by less than half of scope.bin_width, 5" in said
