"""benchmarks/floors.py runs by itself and says of every stage how fast it is and how fast it could be."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
BENCHMARKS = str(Path(__file__).parents[1] / "benchmarks")
PARTS = ("environment", "isa_arithmetic", "policy", "update", "all")


@pytest.mark.slow
def test_one_command_writes_all_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import floors

    monkeypatch.setattr(floors, "SMALL", floors.Sizes(4, 4, 64, 2, 3, 4, 50, 2, 1 << 16, 32))
    monkeypatch.setattr(floors, "has_jaxmarl", lambda: False)
    try:
        floors.main(["--device", "cpu", "--small", "--json", str(tmp_path / "floors.json")])
    finally:
        for name in ("floors", "throughput"):
            sys.modules.pop(name, None)
    shown = capsys.readouterr().out
    found = json.loads((tmp_path / "floors.json").read_text())
    assert found["device"] == "cpu, 1 threads"
    assert {"torch", "numpy", "isa-marl", "cuda"} <= set(found["versions"])
    assert found["peak_memory_bytes"] > 10**6
    assert found["copy_bytes_per_second"] > 0
    assert found["float32_operations_per_second"] > 0
    stages = found["stages"]
    assert set(stages) == {"environment", "counts", "scope", *(f"training: {part}" for part in PARTS)}
    for name, stage in stages.items():
        assert stage["per_second"] == pytest.approx(stage["amount"] / stage["seconds"]), name
        floor = stage["moved"] / found["copy_bytes_per_second"]
        floor = max(floor, stage["operations"] / found["float32_operations_per_second"])
        assert stage["floor_seconds"] == pytest.approx(floor), name
        assert stage["moved"] > 0, name
        assert 0 < stage["peak_memory_bytes"] <= found["peak_memory_bytes"], name
        assert f"{name} " in shown
