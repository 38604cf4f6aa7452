"""`sarhad test` and `sarhad regress`: figures of R through the command, and faults as one sentence."""

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app import cli

HERE = Path(__file__).resolve()
DATA = HERE.parents[1] / "reference" / "data"
BESIDE = Path(os.environ.get("SARHAD_REFERENCE", HERE.parents[3] / "shared")) / "oracles"
BORDER = DATA / "border_open.csv"
DESIGN = ("--weight", "w", "--strata", "wstratum", "--psu", "wpsu,id", "--fpc", "Npsu,Mpers")
SCHOOLS = ("--weight", "pw", "--psu", "dnum", "--fpc", "fpc")
SUMMIT = 1e-4  # R stops before the summit, which moves its standard errors
Tables = dict[str, Any]
Run = Callable[..., Tables]


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Exit code and what a call prints."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sarhad", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), printed, " ".join(err.split())

    return run


@pytest.fixture
def run(out: Callable[..., tuple[int, str, str]]) -> Run:
    """Tables of the command's JSON."""

    def tables(command: str, *words: str | Path, file: Path = BORDER, design: tuple[str, ...] = DESIGN) -> Tables:
        code, printed, err = out(command, file, *words, *design, "--format", "json")
        assert code == 0, err
        found: Tables = json.loads(printed)
        return found

    return tables


def of_r(name: str, path: Path = DATA / "border_open_2stage.json") -> dict[str, Any]:
    if not path.exists():
        pytest.skip(f"{path.name} lies beside the checkout and is not there")
    found = json.loads(path.read_text(encoding="utf-8"))["cases"]
    case: dict[str, Any] = next(case for case in found if case["id"] == name)
    return case["value"] | {key: case.get(key) for key in ("repfile", "scale", "rscales")}


def close(mine: Any, theirs: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(np.array(mine, dtype=float), np.array(theirs, dtype=float), rtol=rtol)


def columns(rows: list[Mapping[str, Any]], *names: str) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]


def held_to(found: Tables, theirs: Mapping[str, Any], rtol: float = 1e-9) -> None:
    """Coefficients with their errors, tests and intervals are those of `svyglm`."""
    rows = found["coefficients"]
    close(columns(rows, "estimate", "se", "t"), [theirs["coef"], theirs["se"], theirs["t"]], rtol)
    close(columns(rows, "p"), [theirs["p"]], rtol * 1e3)  # of a p of 1e-163 the last digits are those of t
    close(columns(rows, "low", "high"), np.transpose(theirs["ci"]["values"]), max(rtol, 1e-8))
    assert {row["df"] for row in rows} == {theirs["df_residual"]}


# Tests


def test_two_means_differ_as_in_r(run: Run) -> None:
    (row,), theirs = run("test", "--t", "index,wave")["tests"], of_r("wave_ttest")
    close([row["estimate"], row["statistic"], row["df_2"], row["p"]],
          [theirs["estimate"][0], theirs["statistic"][0], theirs["parameter"][0], theirs["p"]])  # fmt: skip
    close([row["low"], row["high"]], theirs["ci"])
    assert (row["test"], row["n"], row["left_out"]) == ("t, 2 less 1", 633, 1)


@pytest.mark.parametrize(
    ("case", "pair", "statistic"),
    [("chisq_q1_mode", "q1,mode", "F"), ("chisq_wave", "q1,wave", "F"), ("chisq_wald", "direction,mode", "Wald")],
)
def test_a_table_is_tested_as_in_r(run: Run, case: str, pair: str, statistic: str) -> None:
    (row,), theirs = run("test", "--chi", pair, "--statistic", statistic)["tests"], of_r(case)
    close([row["statistic"], row["df_1"], row["df_2"], row["p"]],
          [*theirs["statistic"], *theirs["parameter"], theirs["p"]])  # fmt: skip


@pytest.mark.parametrize("statistic", ["Chisq", "adjWald"])
def test_other_statistics_of_a_table_are_those_of_r(run: Run, statistic: str) -> None:
    theirs = of_r(f"chisq_{statistic}", BESIDE / "apiclus1.json")
    words = ("--chi", "sch.wide,stype", "--statistic", statistic)
    (row,) = run("test", *words, file=BESIDE / "apiclus1.csv", design=SCHOOLS)["tests"]
    close([row["statistic"], row["p"]], [theirs["statistic"][0], theirs["p"]])


def test_ranks_are_compared_as_in_r_but_for_ties(run: Run) -> None:
    """R gives equal answers ranks that depend on the order of the rows; ours do not."""
    (row,), theirs = run("test", "--rank", "index,direction")["tests"], of_r("rank_mode")
    assert row["df_2"] == theirs["parameter"][0]
    assert row["estimate"] == pytest.approx(theirs["estimate"][0], rel=0.01)
    assert row["p"] == pytest.approx(theirs["p"], rel=0.01)
    (same,) = run("test", "--rank", "exp(index),direction")["tests"]
    assert same["p"] == pytest.approx(row["p"], rel=1e-9)
    (several,) = run("test", "--rank", "index,mode", "--ranks", "vanderWaerden")["tests"]
    assert several["df_1"] == 2
    assert "estimate" not in {name for name, value in several.items() if value is not None}


# Models


def test_a_linear_model_is_that_of_r(run: Run) -> None:
    found = run("regress", "--outcome", "index", "--on", "wave,mode,age", "--categorical", "wave")
    held_to(found, of_r("wave_glm"))
    assert [row["term"] for row in found["coefficients"]] == ["intercept", "wave=2", "mode=foot", "mode=truck", "age"]


def test_a_product_of_groups_is_that_of_r(run: Run) -> None:
    found = run("regress", "--outcome", "index", "--on", "wave,direction,wave:direction", "--categorical", "wave")
    held_to(found, of_r("wave_glm_interact"))


def test_a_term_of_several_columns_is_tested_as_in_r(run: Run) -> None:
    theirs = of_r("wave_term")
    found = run("regress", "--outcome", "index", "--on", "wave,mode", "--categorical", "wave")["tests"]
    (row,) = (row for row in found if row["test"] == "mode")
    close([row["f"], row["k"], row["df"], row["p"]], [theirs[name] for name in ("Ftest", "df", "ddf", "p")])
    assert [row["test"] for row in found] == ["all slopes", "mode"]


def test_the_test_of_all_slopes_of_one_number_is_its_t_test(run: Run) -> None:
    found = run("regress", "--outcome", "index", "--on", "age")
    (whole,), slope = found["tests"], found["coefficients"][1]
    close([whole["f"], whole["p"]], [slope["t"] ** 2, slope["p"]])


def test_a_logistic_model_is_that_of_r_and_tells_odds(run: Run) -> None:
    words = ("--on", "age,mode,wave", "--categorical", "wave", "--family", "binomial")
    found = run("regress", "--outcome", "q1 >= 4", *words)
    theirs, rows = of_r("logit_top2"), found["coefficients"]
    close(columns(rows, "estimate"), [theirs["coef"]], 1e-6)
    close(columns(rows, "se"), [theirs["se"]], SUMMIT)
    slopes = rows[1:]
    close(columns(slopes, "odds_ratio", "odds_low", "odds_high"), np.exp(columns(slopes, "estimate", "low", "high")))
    assert rows[0]["odds_ratio"] is None


def test_an_ordinal_model_is_that_of_r(run: Run) -> None:
    words = ("--on", "mode,wave", "--categorical", "wave", "--family", "ordinal")
    found, theirs = run("regress", "--outcome", "q4", *words), of_r("olr_q4_mode")
    rows = found["coefficients"]
    close(columns(rows, "estimate"), [theirs["coef"]], 1e-4)  # R's optimiser stops before the summit
    close(columns(rows, "se"), [theirs["se"]], 1e-5)
    checks = {row["test"]: row["k"] for row in found["tests"]}
    assert checks == {
        "all slopes": 3, "mode": 2, "proportional odds": 9, "proportional odds of mode": 6,
        "proportional odds of wave": 3,
    }  # fmt: skip


def test_odds_that_are_proportional_are_not_rejected_and_others_are(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=900)
    noise = rng.logistic(size=900)
    even = np.digitize(0.7 * x + noise, [-1, 0.5, 2])
    uneven = np.digitize(noise * np.exp(0.6 * x), [-1, 0.5, 2])  # the scale differs, so slopes differ by threshold
    pd.DataFrame({"x": x, "even": even, "uneven": uneven}).to_csv(tmp_path / "odds.csv", index=False)
    file: dict[str, Any] = {"file": tmp_path / "odds.csv", "design": ()}
    p = {
        name: run("regress", "--outcome", name, "--on", "x", "--family", "ordinal", **file)["tests"][-1]
        for name in ("even", "uneven")
    }
    assert {row["test"] for row in p.values()} == {"proportional odds"}
    assert p["even"]["p"] > 0.05
    assert p["uneven"]["p"] < 1e-6


def test_a_domain_is_that_of_r(run: Run) -> None:
    theirs = of_r("glm_domain", BESIDE / "apiclus1.json")
    words = ("--outcome", "api00", "--on", "ell,meals", "--where", "stype == 'E'")
    held_to(run("regress", *words, file=BESIDE / "apiclus1.csv", design=SCHOOLS), theirs)


def test_predicted_means_are_those_of_r(run: Run) -> None:
    """Their errors are not: R adds the variances of people and of coefficients as if these were independent."""
    theirs = of_r("predmeans", BESIDE / "apiclus1.json")
    words = ("--outcome", "api00", "--on", "ell,meals,stype", "--predict", f"stype:{','.join(theirs['names'])}")
    rows = run("regress", *words, file=BESIDE / "apiclus1.csv", design=SCHOOLS)["predicted"]
    assert [row["value"] for row in rows] == theirs["names"]
    close(columns(rows, "estimate"), [theirs["coef"]])


def test_predicted_shares_of_groups_alone_are_their_shares(run: Run) -> None:
    """A logistic model on one group foretells the share of each group itself, with the standard error of a share."""
    words = ("--outcome", "q1 >= 4", "--on", "direction", "--family", "binomial", "--predict", "direction:in,out")
    mine = run("regress", *words)["predicted"]
    estimated = [
        "estimate", BORDER, "--mean", "q1 >= 4", "--by", "direction", *DESIGN, "--format", "json",
    ]  # fmt: skip
    theirs = run_estimate(estimated)
    close(columns(mine, "estimate", "se"), columns(theirs, "estimate", "se"), 1e-8)


def run_estimate(words: list[Any]) -> list[dict[str, Any]]:
    from typer.testing import CliRunner  # noqa: PLC0415 - beside the fixture, which reads what is printed

    printed = CliRunner().invoke(cli.app, [str(word) for word in words])
    found: list[dict[str, Any]] = json.loads(printed.stdout)
    return found


def test_replicate_weights_of_the_file_are_used_as_in_r(run: Run, tmp_path: Path) -> None:
    theirs = of_r("strat_jkn_glm", BESIDE / "api_replicates.json")
    both = [pd.read_csv(BESIDE / name) for name in ("apistrat.csv", theirs["repfile"])]
    pd.concat(both, axis=1).to_csv(tmp_path / "both.csv", index=False)
    (tmp_path / "scales.txt").write_text("\n".join(map(str, theirs["rscales"])), encoding="utf-8")
    words = ("--outcome", "api00", "--on", "ell,meals", "--replicates", "rw*", "--rep-type", "JKn",
             "--scale", str(theirs["scale"]), "--rscales", tmp_path / "scales.txt")  # fmt: skip
    held_to(run("regress", *words, file=tmp_path / "both.csv", design=("--weight", "pw")), theirs)


# What is printed


def test_df_by_satterthwaite_are_those_of_each_coefficient(run: Run) -> None:
    words = ("regress", "--outcome", "q4", "--on", "mode", "--family", "ordinal")
    plain, own = run(*words), run(*words, "--df", "satterthwaite")
    close(columns(own["coefficients"], "estimate", "se"), columns(plain["coefficients"], "estimate", "se"))
    assert len({row["df"] for row in plain["coefficients"]}) == 1
    assert len({row["df"] for row in own["coefficients"]}) > 1
    assert own["tests"][0]["df"] < plain["tests"][0]["df"]


def test_csv_and_table_hold_what_json_holds(out: Callable[..., tuple[int, str, str]], run: Run) -> None:
    words = ("--outcome", "index", "--on", "mode", "--predict", "mode:car")
    found = run("regress", *words)
    _, text, _ = out("regress", BORDER, *words, *DESIGN, "--format", "csv")
    table = pd.read_csv(io.StringIO(text))
    assert table["part"].tolist() == ["coefficients"] * 3 + ["tests"] * 2 + ["predicted"]
    close(table["estimate"].dropna(), [row["estimate"] for row in [*found["coefficients"], *found["predicted"]]])
    _, shown, _ = out("regress", BORDER, *words, *DESIGN)
    assert "outcome index, family gaussian, n 633, left out 1" in shown
    assert f"{found['coefficients'][1]['estimate']:.6g}" in shown


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["test"], 2, "name one of --chi a,b, --t y,group and --rank y,group"),
        (["test", "--chi", "q1,mode", "--t", "q1,mode"], 2, "name one of --chi"),
        (["test", "--chi", "q1"], 2, "--chi names two, as in --chi a,b"),
        (["test", "--chi", "q1,nosuch"], 2, "column 'nosuch' is not in border_open.csv; check its spelling"),
        (["test", "--chi", "q1,mode", "--statistic", "fisher"], 2, "--statistic is 'fisher'; it may be F, Chisq"),
        (["test", "--rank", "q1,mode", "--ranks", "mood"], 2, "--ranks is 'mood'; it may be wilcoxon"),
        (["test", "--chi", "q1,mode", "--where", "mode == 'car'"], 1, "'mode' has one category here"),
        (["test", "--t", "q1,mode", "--where", "mode == 'car'"], 1, "'mode' has one category here"),
        (["test", "--t", "q1,mode"], 2, "compares two groups and 'mode' has 3: car, foot, truck"),
        (["test", "--t", "mode,direction"], 2, "'mode' is text; name numbers, or a condition"),
        (["test", "--t", "q1,mode", "--where", "q1 > 9"], 1, "nobody answered all questions"),
        (["regress", "--outcome", "nosuch", "--on", "age"], 2, "column 'nosuch' is not in border_open.csv"),
        (["regress", "--outcome", "q1", "--on", "nosuch"], 2, "column 'nosuch' is not in border_open.csv"),
        (["regress", "--outcome", "q1", "--on", "age", "--family", "gamma"], 2, "--family is 'gamma'; it may be"),
        (["regress", "--outcome", "q1", "--on", "age", "--df", "none"], 2, "--df is 'none'; it may be design"),
        (["regress", "--outcome", "q1", "--on", "age,age"], 2, "each once"),
        (["regress", "--outcome", "mode", "--on", "age"], 2, "'mode' is text; name numbers"),
        (["regress", "--outcome", "q1", "--on", "age", "--categorical", "mode"], 2, "no explaining variable; name it"),
        (["regress", "--outcome", "q1", "--on", "mode", "--where", "mode == 'car'"], 1, "'mode' has one category"),
        (["regress", "--outcome", "q1", "--on", "age,age / 2"], 1, "say the same"),
        (["regress", "--outcome", "q1 >= 4", "--on", "q1", "--family", "binomial"], 1, "foretell an answer with certa"),
        (["regress", "--outcome", "q1", "--on", "q1", "--family", "ordinal"], 1, "foretell an answer with certainty"),
        (["regress", "--outcome", "q1", "--on", "age", "--family", "binomial"], 1, "which is not binomial; choose"),
        (["regress", "--outcome", "q1", "--on", "mode", "--predict", "mode:bus"], 2, "no category 'bus'; it has car"),
        (["regress", "--outcome", "q1", "--on", "age", "--predict", "age:old"], 2, "'age' is a number and 'old' is"),
        (["regress", "--outcome", "q1", "--on", "age", "--predict", "sex:f"], 2, "'sex' is no explaining variable"),
        (["regress", "--outcome", "q1", "--on", "age", "--predict", "age"], 2, "write a variable and its values"),
        (
            ["regress", "--outcome", "q1", "--on", "age", "--family", "ordinal", "--predict", "age:20"],
            2,
            "ask a logistic one",
        ),
        (
            ["regress", "--outcome", "q1", "--on", "age", "--family", "ordinal", "--rep-type", "jackknife"],
            2,
            "ordinal models take no replicate weights",
        ),
        (
            ["regress", "--outcome", "q1", "--on", "age", "--predict", "age:20", "--rep-type", "jackknife"],
            2,
            "mean predictions take no replicate weights",
        ),
    ],
)
def test_wrong_call_is_one_sentence(
    out: Callable[..., tuple[int, str, str]], words: list[str], code: int, sentence: str
) -> None:
    found, _, said = out(words[0], BORDER, *words[1:], *DESIGN)
    assert sentence.lower() in said.replace("│ ", "").replace(" │", "").lower()
    assert found == code
