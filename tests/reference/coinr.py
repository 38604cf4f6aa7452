"""COINr's calls carried out by this engine: each function here is named after COINr's and asks ours the same thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import moments
from scoring.components import pairwise_correlations
from scoring.construction import Tree, build, gradients
from scoring.normalisation import declared, line, over_units
from scoring.part_weights import loadings
from tests.reference.r_language import Call, Name, parse

RTOL = 1e-9
HOW = {"a_amean": "arithmetic", "a_gmean": "geometric", "a_hmean": "harmonic"}
OURS = {
    "n_prank": ("percentile rank", 0.01),
    "n_rank": ("rank", 1.0),
    "n_borda": ("borda", 1.0),
    "n_dist2ref": ("distance to reference", 0.01),
    "n_dist2max": ("min-max", 0.01),
    "n_fracmax": ("fraction of maximum", 0.01),
}
NOT_MET = {
    "stats_raw": "describes raw columns to three digits (skew, zeros, unique values), for data collected elsewhere; "
    "of a survey's items the floor, ceiling and counts of each kind of missing answer are shown instead",
    "avail": "counts zeros and blanks of each unit over all items; here every cell counts its answers item by item",
}


@dataclass(frozen=True)
class Coin:
    """Data sets by name, a unit a row in the order of their codes, and what the items are."""

    meta: pd.DataFrame
    sets: Mapping[str, pd.DataFrame]
    hows: tuple[str, ...] = ("arithmetic",)

    @property
    def items(self) -> pd.DataFrame:
        return self.meta[self.meta["Type"] == "Indicator"]

    @property
    def nodes(self) -> pd.DataFrame:
        return self.meta[self.meta["Type"] == "Aggregate"]

    def with_set(self, name: str, values: pd.DataFrame) -> "Coin":
        return Coin(self.meta, {**self.sets, name: values}, self.hows)

    def tree(self, hows: tuple[str, ...]) -> Tree:
        """The aggregation of a level is that of every node on it: levels start at 2."""

        def part(row: Any) -> SimpleNamespace:
            how = hows[min(int(row.Level) - 2, len(hows) - 1)]
            parent = row.Parent if isinstance(row.Parent, str) else None
            return SimpleNamespace(code=row.iCode, parent=parent, weight=row.Weight, aggregation=how)

        return Tree.of([part(row) for row in self.items.itertuples()], [part(row) for row in self.nodes.itertuples()])

    def under(self, parent: str) -> list[str]:
        return list(self.meta.loc[self.meta["Parent"] == parent, "iCode"])


@cache
def start(folder: Path) -> Coin:
    raw = pd.read_csv(folder / "asem_idata.csv").set_index("uCode").sort_index()
    coin = Coin(meta := pd.read_csv(folder / "asem_imeta.csv"), {})
    return Coin(meta, {"Raw": raw[list(coin.items["iCode"])].astype(float)})


def normalised(coin: Coin, given: Mapping[str, Any]) -> Coin:
    """n_minmax, n_zscore, n_scaled, n_prank, ... of every item, turned first where less is better."""
    raw = coin.sets["Raw"]
    x, turned = raw.to_numpy(), coin.items["Direction"].to_numpy(dtype=float)
    para, how = given.get("f_n_para") or {}, given["f_n"]
    if how == "n_minmax":
        low, high = para.get("l_u", (0, 100))
        values = low + (high - low) / 100 * over_units(x, "min-max", direction=turned)
    elif how == "n_zscore":
        centre, spread = para.get("m_sd", (0, 1))
        baseline = {"mean": np.nanmean(x, axis=0), "sd": np.nanstd(x, axis=0, ddof=1)}
        values = declared(x, *line("z", direction=turned, **baseline, centre=centre, spread=spread), bounded=False)
    elif how == "n_scaled":
        low, high = para.get("npara", (0, 100))
        values = declared(x * turned, *line("range", low=low, high=high), bounded=False)
    else:
        name, scale = OURS[how]
        reference = int(para["iref"]) - 1 if "iref" in para else None
        values = scale * over_units(x, name, direction=turned, reference=reference)  # type: ignore[arg-type]
    return coin.with_set("Normalised", pd.DataFrame(values, index=raw.index, columns=raw.columns))


def aggregated(coin: Coin, hows: tuple[str, ...], *, coverage: float = 0.0) -> Coin:
    given = coin.sets["Normalised"]
    values = build(given.to_numpy(), coin.tree(hows), coverage=coverage, mapped=False)
    return coin.with_set("Aggregated", pd.DataFrame(values, index=given.index, columns=coin.nodes["iCode"]))


@dataclass
class Session:
    """`mk()` makes the coin of raw data; `cc` is it normalised to 0-100 and aggregated by arithmetic means."""

    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        least = {"f_n": "n_minmax", "f_n_para": {"l_u": (0, 100)}}
        self.variables["cc"] = aggregated(normalised(start(self.folder), least), ("arithmetic",))

    def run(self, node: Any) -> Any:
        if isinstance(node, Name):
            return self.variables[node.text]
        if not isinstance(node, Call):
            return node
        name = {"{": "block", "<-": "assign", "[": "columns", "$": "field"}.get(node.function, node.function)
        step = getattr(self, "r_" + str(name).replace(".", "_").lower(), None)
        if step is None:
            pytest.skip(f"{name} of COINr has no counterpart here")
        return step(node)

    def r_block(self, node: Call) -> Any:
        return [self.run(line) for line in node.plain][-1]

    def r_assign(self, node: Call) -> None:
        self.variables[node.plain[0].text] = self.run(node.plain[1])

    def r_columns(self, node: Call) -> pd.DataFrame:
        found: pd.DataFrame = self.run(node.plain[0])[list(self.run(node.plain[2]))]
        return found

    def r_field(self, node: Call) -> Any:
        return self.run(node.plain[0])[node.plain[1].text]

    def r_c(self, node: Call) -> tuple[Any, ...]:
        return tuple(self.run(part) for part in node.plain)

    def r_list(self, node: Call) -> Any:
        named = {name: self.run(part) for name, part in node.named.items()}
        return named or self.r_c(node)

    def r_as_data_frame(self, node: Call) -> Any:
        return self.run(node.plain[0])

    def r_lapply(self, node: Call) -> Any:
        """`lapply(x, function(x) x)` takes classes away, and nothing else."""
        return self.run(node.plain[0])

    def r_mk(self, _: Call) -> Coin:
        return start(self.folder)

    def r_normalise(self, node: Call) -> Coin:
        return normalised(self.run(node.plain[0]), self.run(node.named["global_specs"]))

    def r_agg(self, node: Call) -> Coin:
        """Normalise, then Aggregate."""
        how, para, wanted = (self.run(part) for part in node.plain)
        coin = normalised(start(self.folder), {"f_n": how, "f_n_para": para})
        hows = tuple(HOW[one] for one in ((wanted,) if isinstance(wanted, str) else wanted))
        return aggregated(coin, hows, coverage=node.named.get("dat_thresh") or 0.0)

    def r_res(self, node: Call) -> pd.DataFrame:
        coin: Coin = self.run(node.plain[0])
        return coin.sets["Aggregated"].reset_index()

    def r_get_dset(self, node: Call) -> pd.DataFrame:
        coin: Coin = self.run(node.plain[0])
        return coin.sets[node.plain[1]].reset_index()

    def r_get_results(self, node: Call) -> pd.DataFrame:
        """Ranks of the index, or of every aggregate; 1 is the best."""
        scores = self.run(node.plain[0]).sets["Aggregated"]
        ranks = pd.DataFrame(
            over_units(scores.to_numpy(), "rank", direction=-1), index=scores.index, columns=scores.columns
        )
        found = ranks if node.named["use"] == "ranks" else scores
        return found.assign(Rank=ranks["Index"]).reset_index()

    def _chosen(self, node: Call) -> pd.DataFrame:
        coin: Coin = self.run(node.plain[0])
        found: pd.DataFrame = coin.sets[node.named["dset"]][sorted(coin.under(node.named["iCodes"]))]
        return found

    def r_get_cronbach(self, node: Call) -> float:
        """Of the covariances of each pair over the units that have both."""
        table = self._chosen(node)
        pairs = [table.iloc[:, list(pair)] for pair in combinations_with_replacement(range(table.shape[1]), 2)]
        products = [_covariance(pair) for pair in pairs]
        means = np.array([*np.zeros(table.shape[1]), *products])
        return float(moments.alpha(means, np.array(1.0))[0])

    def r_get_pca(self, node: Call) -> Any:
        coin: Coin = self.run(node.plain[0])
        if "iCodes" in node.named:
            sdev, vectors = loadings(self._chosen(node).to_numpy())
            found = {"PCAres": {"sdev": sdev}, "wts": vectors[:, 0]}
            return {"PCAresults": {node.named["iCodes"]: found}}
        weights = coin.meta[["iCode", "Level", "Weight"]].dropna(subset="Level").set_index("iCode")
        for parent in coin.items["Parent"].unique():
            codes = coin.under(parent)
            weights.loc[codes, "Weight"] = loadings(coin.sets[node.named["dset"]][codes].to_numpy())[1][:, 0]
        return {"Meta": {"Weights": {"pcaw": weights.reset_index()}}}

    def r_get_eff_weights(self, node: Call) -> pd.DataFrame:
        """Derivative of the index by each part: of an item by the chain rule, of a node by that of its items."""
        coin: Coin = self.run(node.plain[0])
        tree = coin.tree(("arithmetic",))
        slopes = gradients(np.zeros(tree.items), tree)
        index = list(coin.nodes["iCode"]).index("Index")
        under = np.array([slopes[index, row > 0].sum() for row in slopes])
        table = coin.meta[coin.meta["Type"].isin(["Indicator", "Aggregate"])][["iCode", "Level", "Weight"]]
        return table.assign(EffWeight=[*slopes[index], *under])

    def r_get_corr(self, node: Call) -> pd.DataFrame:
        coin: Coin = self.run(node.plain[0])
        codes = coin.under(self.run(node.named["iCodes"])[0])
        matrix = pairwise_correlations(coin.sets[node.named["dset"]][codes].to_numpy())
        table = pd.DataFrame(matrix, index=codes, columns=codes).rename_axis(index="Var1").reset_index()
        return table.melt(id_vars="Var1", var_name="Var2", value_name="Correlation")


def _covariance(pair: pd.DataFrame) -> float:
    both = pair.dropna().to_numpy()
    return float(np.cov(both[:, 0], both[:, 1])[0, 1])


def check(case: dict[str, Any]) -> None:
    """A figure of COINr agrees to the tolerance of its case; tables are matched by the codes of their rows."""
    if case["id"] in NOT_MET:
        pytest.skip(NOT_MET[case["id"]])
    found, value, rtol = Session(case["folder"]).run(parse(case["r"])), case["value"], case.get("tol", RTOL)
    if not isinstance(value, dict):
        _close(_signed(np.ravel(found), np.ravel(value)) if "wts" in case["r"] else np.ravel(found), value, rtol)
        return
    keys = [name for name in value if isinstance(found[name].iloc[0], str)]
    theirs = pd.DataFrame(value).set_index(keys).astype(float)
    mine = found.set_index(keys).reindex(theirs.index)[list(theirs.columns)].astype(float)
    assert found.shape[0] == theirs.shape[0]
    if "pcaw" in case["r"]:
        mine = _each_signed(mine, theirs, case["folder"])
    _close(mine, theirs, rtol)


def _close(mine: Any, theirs: Any, rtol: float) -> None:
    np.testing.assert_allclose(np.asarray(mine, float), np.asarray(theirs, float), rtol=rtol, atol=1e-12)


def _signed(mine: Any, theirs: Any) -> Any:
    """A component's sign is nobody's choice: taken as R happens to give it, one for the whole component."""
    return mine * np.sign(np.dot(mine, theirs))


def _each_signed(mine: pd.DataFrame, theirs: pd.DataFrame, folder: Path) -> pd.DataFrame:
    coin, turned = start(folder), mine.copy()
    for parent in coin.items["Parent"].unique():
        codes = coin.under(parent)
        turned.loc[codes, "Weight"] = _signed(mine.loc[codes, "Weight"].to_numpy(), theirs.loc[codes, "Weight"])
    return turned
