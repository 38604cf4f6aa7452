"""`sarhad estimate`: every flag reaches the engine, and the figures are those of R."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app import cli

DATA = Path(__file__).resolve().parents[1] / "reference" / "data"
BORDER = DATA / "border_open.csv"
TWO_STAGES = (
    "--weight", "w", "--strata", "wstratum", "--psu", "wpsu,id", "--fpc", "Npsu,Mpers",
)  # fmt: skip
Rows = list[dict[str, Any]]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Rows]:
    """Rows of the command's JSON."""

    def run(*words: str | Path, file: Path = BORDER) -> Rows:
        monkeypatch.setattr(sys, "argv", ["sarhad", "estimate", str(file), *map(str, words), "--format", "json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert not ended.value.code, err
        found: Rows = json.loads(out)
        return found

    return run


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Exit code and sentence of a call that is refused."""

    def run(*words: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["sarhad", "estimate", str(BORDER), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        err = capsys.readouterr().err
        assert "Traceback" not in err
        return int(ended.value.code or 0), " ".join(err.split())

    return run


def figures_of_r(name: str) -> dict[str, Any]:
    found = json.loads((DATA / "border_open_2stage.json").read_text(encoding="utf-8"))["cases"]
    value: dict[str, Any] = next(case["value"] for case in found if case["id"] == name)
    return value


def column(found: Rows, name: str) -> list[Any]:
    return [row[name] for row in found]


def close(mine: Sequence[Any], theirs: Sequence[Any]) -> None:
    np.testing.assert_allclose(np.array(mine, dtype=float), np.array(theirs, dtype=float), rtol=1e-9)


def test_two_stages_agree_with_r(rows: Callable[..., Rows]) -> None:
    found, theirs = rows("--mean", "q1,q2,q3", "--listwise", *TWO_STAGES), figures_of_r("mean_items")
    close(column(found, "estimate"), theirs["coef"])
    close(column(found, "se"), theirs["se"])
    close(column(found, "deff"), theirs["deff"])


def test_several_domains_and_an_expression_agree_with_r(rows: Callable[..., Rows]) -> None:
    found, theirs = rows("--mean", "q1 >= 4", "--by", "mode", *TWO_STAGES), figures_of_r("by_mode_top2")
    assert [row["by"]["mode"] for row in found] == theirs["groups"]["mode"]
    close(column(found, "se"), theirs["se"])
    boxes = rows("--top-two-box", "q1:4", "--by", "mode", *TWO_STAGES)
    close(column(boxes, "estimate"), theirs["coef"])


def test_net_score_agrees_with_r(rows: Callable[..., Rows]) -> None:
    theirs = figures_of_r("net_score")
    (row,) = rows("--net-score", "q1:2:4", *TWO_STAGES)
    close([row["estimate"], row["se"]], [*theirs["coef"], *theirs["se"]])


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("quant_wait", ["--quantile", "wait:0.1,wait:0.25,wait:0.5,wait:0.75,wait:0.9"]),
        ("quant_wait_hf7", ["--quantile", "wait:0.5,wait:0.9", "--quantile-rule", "hf7"]),
        ("quant_wait_xlogit", ["--quantile", "wait:0.5,wait:0.9", "--quantile-interval", "xlogit"]),
    ],
)
def test_quantiles_agree_with_r(rows: Callable[..., Rows], case: str, words: list[str]) -> None:
    found = rows(*words, *TWO_STAGES)
    theirs = np.array(figures_of_r(case)["q"]["wait"]["values"], dtype=float)
    close([[row["estimate"], row["low"], row["high"], row["se"]] for row in found], theirs)
    assert {row["statistic"] for row in found} == {"quantile"}


@pytest.mark.parametrize(("kind", "case"), [("logit", "logit"), ("beta", "beta"), ("xlogit", "xlogit"), ("t", "mean")])
def test_intervals_of_a_share_agree_with_r(rows: Callable[..., Rows], kind: str, case: str) -> None:
    level = "4" if kind == "logit" else "5"
    theirs = figures_of_r(f"ciprop_{case}")
    (row,) = rows("--top-two-box", f"q1:{level}", "--interval", kind, "--where", "not missing(q1)", *TWO_STAGES)
    np.testing.assert_allclose([row["low"], row["high"]], theirs["ci"], rtol=1e-8)


def test_alpha_and_variance_agree_with_r(rows: Callable[..., Rows]) -> None:
    (alpha,) = rows("--alpha", "q1,q2,q3,q4", *TWO_STAGES)
    close([alpha["estimate"]], figures_of_r("cralpha")["v"])
    matrix = np.array(figures_of_r("corr_cov")["m"]["values"])
    found = rows("--covariance", "q1,q2,q3", *TWO_STAGES)
    close(column(found, "estimate"), matrix[np.triu_indices(3)])
    assert all(row["se"] > 0 and row["low"] < row["estimate"] < row["high"] for row in found)


def test_contrast_and_coefficient_of_variation_agree_with_r(rows: Callable[..., Rows]) -> None:
    theirs = figures_of_r("wave_diff")
    found = rows("--mean", "index", "--by", "wave", "--contrast", "change = `2` - `1`", *TWO_STAGES)
    close([found[-1]["estimate"], found[-1]["se"]], [*theirs["coef"], *theirs["se"]])
    assert found[-1]["measure"] == "change"
    by_point = rows("--mean", "index", "--by", "point", "--cv", *TWO_STAGES)
    close(column(by_point, "cv"), figures_of_r("cv_by")["v"])


def test_replicate_weights_of_the_file_give_the_jackknife(rows: Callable[..., Rows], tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [2.0, 4, 6, 8, 1, 3], "w": 10.0})
    for left_out in range(6):
        frame[f"rep_{left_out}"] = np.where(np.arange(6) == left_out, 0.0, 12.0)
    frame.to_csv(tmp_path / "rep.csv", index=False)
    (tmp_path / "scales.txt").write_text("\n".join(["1"] * 6), encoding="utf-8")
    file = {"file": tmp_path / "rep.csv"}
    words = ["--mean", "x", "--weight", "w"]
    (read,) = rows(*words, "--replicates", "rep_*", "--rep-type", "JK1", "--rscales", tmp_path / "scales.txt", **file)
    (made,) = rows(*words, "--rep-type", "jackknife", **file)
    (straight,) = rows(*words, **file)
    close([read["se"], made["se"]], [straight["se"]] * 2)
    assert read["df"] == 5
    (again, same) = (rows(*words, "--rep-type", "rao-wu", "--seed", "7", **file)[0] for _ in range(2))
    assert again == same
    assert again["se"] == pytest.approx(straight["se"], rel=0.2)


def test_margins_of_a_toml_file_are_met_without_error(rows: Callable[..., Rows], tmp_path: Path) -> None:
    margins = '[[margin]]\ncolumns = ["mode"]\ntotals = {car = 5000, foot = 2000, truck = 1000}\n'
    (tmp_path / "margins.toml").write_text(f'kind = "poststratify"\n{margins}', encoding="utf-8")
    words = ["--total", "mode", "--weight", "w", "--strata", "wstratum", "--psu", "wpsu"]
    found = rows(*words, "--calibrate", tmp_path / "margins.toml")
    assert {row["category"]: row["estimate"] for row in found} == pytest.approx(
        {"car": 5000, "foot": 2000, "truck": 1000}
    )
    assert max(column(found, "se")) < 1e-8 * 5000


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--mean", "index", "--lonely", "maybe"], 2, "--lonely is 'maybe'; it may be fail, remove, certainty"),
        (["--quantile", "wait"], 2, "'wait' is no number; write as in a:4, a:2:4 or a:0.5"),
        (["--quantile", "wait:2"], 2, "write variable:share with a share from 0 to 1"),
        (["--mean", "nosuch(q1)"], 2, "expected one of the functions"),
        (["--mean", "nosuch"], 1, "column 'nosuch' is not in the data"),
        (["--mean", "index", "--rep-type", "lottery"], 2, "are not made here; make jackknife"),
        (["--mean", "index", "--replicates", "none_*", "--rep-type", "JK1"], 2, "no column of the data is called like"),
        (["--mean", "index", "--replicates", "w"], 2, "--replicates needs --rep-type"),
        (["--mean", "index", "--calibrate", BORDER], 2, "is no TOML"),
        (["--mean", "index", "--interval", "wilson"], 2, "wilson intervals are for proportions"),
        (["--mean", "index", "--protect", "--contrast", "a = index"], 2, "exclude one another"),
        (["--mean", "index", "--contrast", "a = nosuch"], 2, "there is no estimate 'nosuch'; there are index"),
        (["--mean", "index", "--crossings", "age", "--most-crossings", "0"], 1, "give a number of crossings above 0"),
    ],
)
def test_wrong_call_is_one_sentence(
    refusal: Callable[..., tuple[int, str]], words: list[str], code: int, sentence: str
) -> None:
    found, said = refusal(*words)
    assert sentence.lower() in said.lower()
    assert found == code


def test_neighbours_crossings_and_protection_reach_the_engine(rows: Callable[..., Rows]) -> None:
    words = ["--mean", "index", "--weight", "w", "--strata", "wstratum", "--psu", "wpsu"]
    (plain,), (together,) = rows(*words), rows(*words, "--neighbours", "wave")
    assert together["estimate"] == plain["estimate"]
    assert together["df"] >= plain["df"]
    (person,) = rows(*words, "--crossings", "age", "--most-crossings", "40")
    assert person["estimate"] != plain["estimate"]
    protected = rows(*words, "--quantile", "wait:0.5", "--by", "point,mode,direction", "--protect")
    assert {row["status"] for row in protected} >= {"suppressed"}
    assert all(row["n"] is None or row["n"] % 5 == 0 for row in protected)
