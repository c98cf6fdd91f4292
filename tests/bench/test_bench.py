"""The benchmarks' table, and what other packages do in the same place."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import bench, conduct, figures, measure, peers
from benchmarks.figures import Job
from item56_life import main as item56
from tests.helpers import ROOT


@pytest.mark.parametrize("way", figures.PEERS)
def test_every_peer_gives_the_grid_of_item_56(way: str) -> None:
    board = measure.board("serial", 45)

    async def generation() -> str:
        with peers.stepping(way) as step:
            return str(await measure.once(step, board))

    assert asyncio.run(generation()) == str(item56.simulate(board))


def test_the_table_fits_100_columns_and_tells_everything() -> None:
    path = ROOT / "benchmarks" / "results.json"
    results = json.loads(path.read_text())
    out = io.StringIO()
    bench.report(results, Console(width=100, file=out))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert str(results["machine"]["processor"]) in text
    for wait in bench.WAITS:
        for cells in figures.sizes_of(results):
            for row in figures.rows(results, cells, wait):
                for column in figures.columns(row):
                    assert column in text
    flat = " ".join(text.split())
    for entry in results["entries"]:
        if "left_out" in entry:
            assert entry["left_out"] in flat


def test_a_run_keeps_its_figures_as_json(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever the figures are; the measuring itself is played here."""

    def play(job: Job) -> dict[str, Any]:
        if job.kind == "timeline":
            return {"seconds": 1.0, "waits": [[0.0, 1.0]]}
        if job.kind == "cost":
            return {"threads": 1, "bytes": 2.0}
        if job.way == "pool":
            return {"left_out": "refused"}
        return {"seconds": 1.0, "processor": 0.5}

    setting = conduct.QUICK._replace(budget=0)
    monkeypatch.setattr(bench, "QUICK", setting)
    monkeypatch.setattr(bench, "measure", play)
    bench.main([str(tmp_path / "mine.json"), "--quick", "--peers"])

    results = json.loads((tmp_path / "mine.json").read_text())
    assert set(results["machine"]) >= {
        "processor",
        "cores",
        "python",
        "GIL",
        "system",
    }
    jobs, computed = figures.plan(
        setting.sizes, setting.longest, with_peers=True
    )
    assert len(results["entries"]) == len(jobs) + len(computed)
    text = capsys.readouterr().out
    for way in (*measure.AT_ONCE, *figures.PEERS):
        assert f" {way} " in text
    assert "pool, 45 cells, generation (timer): refused" in text


def test_a_missing_folder_is_refused_before_anything_is_measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "measure", pytest.fail)
    with pytest.raises(SystemExit):
        bench.main([str(tmp_path / "none" / "mine.json"), "--quick"])
    assert f"there is no folder {tmp_path / 'none'}" in " ".join(
        capsys.readouterr().err.split()
    )
