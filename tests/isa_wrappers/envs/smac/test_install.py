"""What is said when oxwhirl's smac, its protobuf, the game or a map is missing: one line, what and where."""

import os
import subprocess
import sys

import pytest

from isa_wrappers.envs import available_tasks, make_batch, make_parallel
from isa_wrappers.envs.smac.install import game_folder, load_smac, smac_missing, smac_names
from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.errors import MissingDependencyError

SOURCE = r"pip install git\+https://github.com/oxwhirl/smac.git"

# What PyPI's smac 2.4.1 says of itself at import, and its folders; no smac.env, no __version__.
OPTIMISER = """
print("PyPI's smac was imported")
name, package_name, version = "SMAC3", "smac", "2.4.1"
description = "SMAC3, a Python implementation of 'Sequential Model-based Algorithm Configuration'."
from smac.facade import HyperparameterOptimizationFacade
from smac.scenario import Scenario
__all__ = ["Scenario", "HyperparameterOptimizationFacade"]
"""


def refused(message, make=make_parallel, *arguments):
    with pytest.raises(MissingDependencyError, match=message) as caught:
        make("smac/3m", *arguments)
    assert "\n" not in str(caught.value)


@pytest.fixture
def nowhere(stand_in, tmp_path, monkeypatch):
    """No smac of any kind."""
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path / "site")])
    sys.path_importer_cache.clear()


def write_optimiser(tmp_path):
    package = tmp_path / "optimiser" / "smac"
    for folder in ("facade", "acquisition", "runhistory"):
        (package / folder).mkdir(parents=True)
        (package / folder / "__init__.py").write_text("class HyperparameterOptimizationFacade: ...\n")
    (package / "__init__.py").write_text(OPTIMISER)
    (package / "scenario.py").write_text("class Scenario: ...\n")
    metadata = tmp_path / "optimiser" / "smac-2.4.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: smac\nVersion: 2.4.1\n")
    return str(tmp_path / "optimiser")


def test_without_smac(nowhere):
    refused(f"^smac/3m needs oxwhirl's smac, which is not installed; {SOURCE}$")
    assert "not installed" in smac_missing()
    assert not [name for name in available_tasks() if name.startswith("smac/")]


def test_a_clone_beside_the_program_is_no_installation(nowhere, tmp_path, monkeypatch):
    (tmp_path / "cwd" / "smac" / "docs").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "cwd")
    refused("which is not installed")


@pytest.mark.slow
def test_pypis_smac_is_told_apart(nowhere, tmp_path, monkeypatch, capfd):
    monkeypatch.syspath_prepend(write_optimiser(tmp_path))
    message = f"installed smac 2.4.1 is PyPI's, a hyper-parameter optimiser .* pip uninstall smac, then {SOURCE}$"
    refused(message)
    assert capfd.readouterr().out == "", "it is not imported for that"
    import smac

    assert smac.HyperparameterOptimizationFacade
    refused(message)  # nor does it matter that somebody else imported it
    refused(message, make_batch, 1)  # a worker's error arrives as it was raised


def test_without_the_game(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("SC2PATH", str(tmp_path / "nowhere"))
    where = "install the game from https://github.com/Blizzard/s2client-proto#downloads and set SC2PATH to its folder"
    refused(f"StarCraft II: {tmp_path}/nowhere is not a folder, the value of SC2PATH; {where}")
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    refused(f"StarCraft II: {tmp_path} does not contain StarCraft II, the value of SC2PATH")
    monkeypatch.delenv("SC2PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    refused(f"StarCraft II: {tmp_path}/StarCraftII is not a folder, and SC2PATH is not set")
    monkeypatch.setattr(sys, "platform", "win32")
    assert game_folder() is None
    load_smac("3m")  # pysc2 looks in the registry of games there


def test_without_maps(stand_in, tmp_path):
    maps = tmp_path / "game" / "Maps" / "SMAC_Maps"
    (maps / "3m.SC2Map").unlink()
    refused(f"needs SMAC's maps: no {maps}/3m.SC2Map; unpack https://.*SMAC_Maps.zip into {tmp_path}/game/Maps$")
    assert make_parallel("smac/8m").possible_agents[-1] == "ally_7"
    assert smac_missing() is None
    assert smac_names() == ["2s3z", "2s_vs_1sc", "8m", "MMM"]
    assert "smac/8m" in available_tasks()
    for path in maps.iterdir():
        path.unlink()
    assert smac_missing().startswith(f"smac/NAME needs SMAC's maps: no {maps};")


def test_a_protobuf_that_is_too_new(stand_in, tmp_path):
    (tmp_path / "site" / "smac" / "env" / "__init__.py").write_text(
        "raise TypeError('Descriptors cannot be created directly.\\nIf this call came from a _pb2.py file, ...')\n"
    )
    refused("pysc2's messages with protobuf .* PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python before Python starts, or")


def test_something_smac_imports_is_missing(stand_in, tmp_path):
    (tmp_path / "site" / "smac" / "env" / "__init__.py").write_text("import missing_pysc2.lib\n")
    refused(r"needs missing_pysc2\S*, which smac imports but which is not installed; pip install missing_pysc2$")


@pytest.mark.slow
def test_new_protobufs_are_slowed_down_in_time(stand_in):
    """Where nobody has loaded it yet; its fast form refuses the messages that pysc2 brings."""
    pytest.importorskip("google.protobuf")
    code = "import os; from isa_wrappers.envs import make_parallel; make_parallel('smac/3m')\n"
    code += "from google.protobuf.internal import api_implementation; print(api_implementation.Type())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "python\n"


def test_hang_timeout_reaches_pysc2s_flag(stand_in):
    flags = pytest.importorskip("absl.flags")
    if "sc2_timeout" not in flags.FLAGS:
        flags.DEFINE_integer("sc2_timeout", 360, "as pysc2 defines it")
    SMACParallelEnv("3m", hang_timeout=45)
    assert flags.FLAGS.sc2_timeout == 45


def test_isa_envs_says_what_to_install(nowhere, capsys):
    pytest.importorskip("typer")
    from isa_cli.envs import envs

    envs()
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("smac/NAME"))
    assert "needs oxwhirl's smac, which is not installed; pip install git+https" in line


def test_isa_envs_lists_the_maps_that_are_there(stand_in, capsys):
    from isa_cli.envs import envs

    envs()
    out = capsys.readouterr().out
    assert "smac/2s_vs_1sc" in out
    assert "smac/NAME" not in out
