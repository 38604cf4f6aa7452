"""R survey's calls carried out by this engine: each function here is named after R's and asks ours the same thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import Calibration, Margin, Resampling, SurveyDesign, covariance_of, measure
from scoring.calibration import calibrate
from scoring.compare import adjusted
from scoring.contrasts import contrast_estimates
from scoring.estimates import covariance, variance
from scoring.figures import Rules
from scoring.intervals import intervals
from scoring.margins import standardised
from scoring.measured import Measured
from scoring.tables import card_of, coefficient_of_variation
from scoring.units import units, weights
from scoring.variables import Wanted
from tests.reference.r_language import Call, Name, parse

TEST_STATISTICS = (
    "svyglm", "svyolr", "svychisq", "svyttest", "svyranktest", "regTermTest", "svypredmeans", "svyloglin", "anova"
)  # fmt: skip


@cache
def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


@dataclass(frozen=True)
class Design:
    """A design object of R: the data, our design, the subset so far, and what was done to the weights."""

    data: pd.DataFrame
    design: SurveyDesign
    where: tuple[str, ...] = ()
    calibration: Calibration | None = None
    replicates: Resampling | None = None

    def asked(self, rules: Rules | None = None, *, interval: str = "t", **wanted: Any) -> Measured:
        where = " and ".join(f"({text})" for text in self.where) or None
        return measure(
            self.data, self.design, Wanted(**wanted, where=where), rules=rules or Rules(), calibration=self.calibration,
            replicates=self.replicates, quantile_interval=interval,
        )  # fmt: skip

    def table(self, rules: Rules | None = None, **wanted: Any) -> pd.DataFrame:
        rules = rules or Rules()
        return card_of(self.asked(rules, **wanted), rules=rules).table

    def known(self, text: str) -> bool:
        return text in self.data.columns


@dataclass(frozen=True)
class Stat:
    """Estimates in R's order: names, and for each its (cell, row) of ours."""

    names: list[str]
    found: Measured
    places: list[tuple[int, int]]
    groups: dict[str, list[Any]] | None = None

    def pick(self, matrix: Any) -> Any:
        return np.array([matrix[place] for place in self.places])

    @property
    def coef(self) -> Any:
        return self.pick(self.found.estimates.values)

    @property
    def se(self) -> Any:
        return np.sqrt(self.pick(variance(self.found.estimates).variance))

    @property
    def df(self) -> Any:
        return self.pick(variance(self.found.estimates).design_df)

    @property
    def vcov(self) -> Any:
        matrix = covariance_of(self.found).to_numpy()
        size = len(self.found.rows)
        flat = [cell * size + row for cell, row in self.places]
        return matrix[np.ix_(flat, flat)]

    def deff(self, kind: Any) -> Any:
        card = card_of(self.found, rules=Rules(deff="with" if kind == "replace" else "without")).table
        return self.pick(card["deff"].to_numpy().reshape(len(self.found.labels), -1))


def text_of(node: Any) -> str:  # noqa: C901, PLR0911 - one branch a form of expression
    """An R expression in the small grammar of ours."""
    if isinstance(node, Name):
        return f"`{node.text}`"
    if isinstance(node, str):
        return f'"{node}"'
    if isinstance(node, float):
        return f"{node:.15g}"
    if node.function == "%in%":
        values = ", ".join(text_of(part) for part in node.plain[1].plain)
        return f"({text_of(node.plain[0])} in ({values}))"
    parts = [text_of(part) for part in node.plain]
    if node.function in ("I", "as.numeric", "("):
        return f"({parts[0]})"
    if node.function == "is.na":
        return f"missing({parts[0]})" if isinstance(node.plain[0], Name) else _any_missing(node.plain[0])
    if node.function == "!":
        return f"(not ({parts[0]}))"
    if node.function == "-" and len(parts) == 1:
        return f"-{parts[0]}"
    signs = {"&": "and", "|": "or", "^": "**"}
    if node.function in ("+", "-", "*", "/", "==", "!=", "<", ">", "<=", ">=", *signs):
        return f"({parts[0]} {signs.get(node.function, node.function)} {parts[1]})"
    assert node.function in ("log", "exp", "sqrt", "asin", "interaction"), node
    return f"{node.function}({', '.join(parts)})"


def _any_missing(node: Any) -> str:
    return " or ".join(f"missing(`{name}`)" for name in names_in(node))


def names_in(node: Any) -> list[str]:
    if isinstance(node, Name):
        return [node.text]
    return [name for part in node.plain for name in names_in(part)] if isinstance(node, Call) else []


def terms(formula: Call) -> list[Any]:
    """Terms of a one-sided formula."""

    def split(node: Any) -> list[Any]:
        if isinstance(node, Call) and node.function == "+":
            return [*split(node.plain[0]), *split(node.plain[1])]
        return [node]

    return split(formula.plain[-1])


def term_text(node: Any) -> tuple[str, str, bool]:
    """How R calls the term, how we do, and whether its levels are counted."""
    if isinstance(node, Name):
        return node.text, node.text, False
    if node.function == "factor":
        return f"factor({node.plain[0].text})", node.plain[0].text, True
    if node.function == "interaction":
        names = ", ".join(part.text for part in node.plain)
        return f"interaction({names})", text_of(node), True
    return "", text_of(node), False


def levels(data: pd.DataFrame, node: Any) -> list[str]:
    """Levels in R's order: sorted; of an interaction the first variable fastest."""
    if isinstance(node, Call) and node.function == "interaction":
        each = [levels(data, part) for part in node.plain]
        return [".".join((a, b)) for b in each[1] for a in each[0]]
    name = node.text if isinstance(node, Name) else node.plain[0].text
    found = sorted(data[name].dropna().unique())
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in found]


def ordered(formula: Call, design: Design, what: str, **options: Any) -> Stat:
    """svymean and svytotal: ours asked listwise, rows put in R's order."""
    wanted: dict[str, list[str]] = {"mean": [], "total": [], "proportion": []}
    names, keys = [], []
    for node in terms(formula):
        shown, asked, counted = term_text(node)
        counted = counted or (isinstance(node, Name) and not pd.api.types.is_numeric_dtype(design.data[node.text]))
        statistic = "total" if what == "total" else "proportion" if counted else "mean"
        if counted and what == "total" and isinstance(node, Name) is False:
            raise AssertionError(node)
        wanted[statistic].append(asked)
        for level in levels(design.data, node) if counted else [None]:
            names.append(shown + (level or ""))
            keys.append((statistic, asked, level))
    by = [node.text for node in terms(options["by"])] if "by" in options else []
    found = design.asked(**{key: tuple(value) for key, value in wanted.items()}, by=tuple(by), listwise=True)
    place = {(row.statistic, row.measure, row.category): number for number, row in enumerate(found.rows)}
    columns = [place[key] for key in keys]
    if not by:
        return Stat(names, found, [(0, column) for column in columns])
    cells, groups = group_order(found.labels, by)
    places = [(cell, column) for column in columns for cell in cells]
    labels = [".".join(value) for value in zip(*groups.values(), strict=True)]
    return Stat(labels if len(columns) == 1 else [f"{g}:{n}" for n in names for g in labels], found, places, groups)


def group_order(labels: pd.DataFrame, by: Sequence[str]) -> tuple[list[int], dict[str, list[str]]]:
    """Cells with the first variable fastest, as R lists them."""
    table = labels[list(by)].reset_index(drop=True)
    order = sorted(table.index, key=lambda row: tuple(table.iloc[row][::-1]))
    return list(order), {name: [table.iloc[row][name] for row in order] for name in by}


class Session:
    """Variables of one case and the functions of R that it may call."""

    def __init__(self, variables: dict[str, Any], options: dict[str, Any] | None = None) -> None:
        self.variables, self.options = variables, options or {}

    def run(self, node: Any) -> Any:
        if isinstance(node, Name):
            return self.variables[node.text]
        if not isinstance(node, Call):
            return node
        if isinstance(node.function, Call):
            return self.run(node.function)(*[self.run(part) for part in node.plain])
        if node.function in TEST_STATISTICS:
            pytest.skip("regression and test statistics come later")
        return getattr(self, "r_" + NAMES.get(node.function, node.function).replace(".", "_"))(node)

    def design(self, node: Call, place: int = 1) -> Design:
        found = node.named.get("design") or node.plain[place]
        result = self.run(found)
        assert isinstance(result, Design)
        return result

    def r_block(self, node: Call) -> Any:
        return [self.run(line) for line in node.plain][-1]

    def r_assign(self, node: Call) -> Any:
        self.variables[node.plain[0].text] = self.run(node.plain[1])
        return self.variables[node.plain[0].text]

    def r_c(self, node: Call) -> Any:
        parts = [np.atleast_1d(self.run(part)) for _, part in node.parts]
        return np.concatenate(parts)

    def r_structure(self, node: Call) -> Any:
        return self.run(node.plain[0])

    r_unname = r_structure
    r_I = r_structure  # noqa: N815 - R's name

    def r_list(self, node: Call) -> dict[str, Any]:
        return {name: self.run(part) for name, part in node.parts}

    def r_neg(self, node: Call) -> Any:
        parts = [self.run(part) for part in node.plain]
        return -parts[0] if len(parts) == 1 else parts[0] - parts[1]

    def r_quote(self, node: Call) -> str:
        return text_of(node.plain[0])

    def r_as_numeric(self, node: Call) -> Any:
        found = self.run(node.plain[0])
        return found.coef if isinstance(found, Stat) else np.asarray(found, dtype=float)

    def r_as_matrix(self, node: Call) -> Any:
        return self.run(node.plain[0])

    def r_matrix(self, node: Call) -> Any:
        size = int(self.run(node.plain[1]))
        return np.asarray(self.run(node.plain[0])).reshape(size, -1).T

    def r_index(self, node: Call) -> Any:
        if len(node.plain) > 2:
            return np.asarray(self.run(node.plain[0]))[int(self.run(node.plain[2])) - 1]
        return np.asarray(self.run(node.plain[0]))[int(self.run(node.plain[1])) - 1]

    def r_index2(self, node: Call) -> Any:
        return self.run(node.plain[0])

    def r_dollar(self, node: Call) -> Any:
        return self.run(node.plain[0])[node.plain[1].text]

    def r_abs(self, node: Call) -> Any:
        return np.abs(self.run(node.plain[0]))

    def r_data_frame(self, node: Call) -> pd.DataFrame:
        return pd.DataFrame({name: self.run(part) for name, part in node.parts})

    def r_as_data_frame(self, node: Call) -> Any:
        return self.run(node.plain[0])

    def r_transform(self, node: Call) -> pd.DataFrame:
        data = self.run(node.plain[0])
        return data.assign(**{name: data.eval(text_of(part)) for name, part in node.named.items()})

    def r_subset(self, node: Call) -> Design:
        design = self.run(node.plain[0])
        return replace(design, where=(*design.where, text_of(node.plain[1])))

    def r_update(self, node: Call) -> Design:
        design = self.run(node.plain[0])
        data = design.data
        for name, part in node.named.items():
            low, high = part.plain[1].plain[0].plain[1], part.plain[0].plain[0].plain[1]
            assert low < high
            data = data.assign(**{name: _net(data[names_in(part)[0]], low, high)})
        return replace(design, data=data)

    def r_svydesign(self, node: Call) -> Design:
        given = node.named
        weight = given.get("weights") or given.get("weight")
        names = {key: tuple(names_in(given[key].plain[0])) for key in ("id", "strata", "fpc") if key in given}
        data = self.run(given["data"])
        ultimate = self.options.get("survey.ultimate.cluster", False)
        fpc = names.get("fpc", ())
        design = SurveyDesign(
            weight=names_in(weight.plain[0])[0] if weight else None,
            strata=names.get("strata"), psu=names["id"] or None, fpc=fpc, nest=bool(given.get("nest")),
            lonely=self.options.get("survey.lonely.psu", "fail"),
            lonely_in_domains=bool(self.options.get("survey.adjust.domain.lonely")),
        )  # fmt: skip
        if ultimate:  # R's option survey.ultimate.cluster: weights of both stages, variance of the first
            data = data.assign(_weight=weights(data, design, units(data, design)))
            design = SurveyDesign(weight="_weight", psu=names["id"][0], fpc=fpc[0])
        return Design(data, design)

    def r_svymean(self, node: Call) -> Stat:
        return ordered(node.plain[0], self.design(node), "mean")

    def r_svytotal(self, node: Call) -> Stat:
        return ordered(node.plain[0], self.design(node), "total")

    def r_svyratio(self, node: Call, by: Any = None, design: Design | None = None, below: Any = None) -> Stat:
        design = design or self.design(node, 2)
        below = (below or node.plain[1]).plain[0].text
        names = [f"{part.text}/{below}" for part in terms(node.plain[0])]
        groups = tuple(part.text for part in terms(by)) if by else ()
        found = design.asked(ratio=tuple(names), by=groups, listwise=True)
        if not by:
            return Stat(names, found, [(0, place) for place in range(len(names))])
        cells, order = group_order(found.labels, groups)
        return Stat(order[groups[0]], found, [(cell, 0) for cell in cells], order)

    def r_svyby(self, node: Call) -> Any:
        design = self.design(node, 2)
        function = node.plain[3].text if "design" not in node.named else node.plain[2].text
        by = node.plain[1]
        if function == "svyratio":
            return self.r_svyratio(node, by, design, node.named["denominator"])
        if function in ("svymean", "svytotal"):
            return ordered(node.plain[0], design, function.removeprefix("svy"), by=by)
        name = terms(by)[0].text
        asked = text_of(terms(node.plain[0])[0]).strip("`")
        if function == "svyquantile":
            share = np.atleast_1d(self.run(node.named["quantiles"]))[0]
            table = design.table(quantile=(f"{asked}:{share:g}",), by=(name,))
            return table.rename(columns={"estimate": asked, "se": f"se.{asked}", "low": "ci_l", "high": "ci_u"})
        table = design.table(Rules(interval=node.named["method"]), proportion=(asked,), by=(name,))
        table = table[table["category"] == "True"]
        return table.rename(columns={"estimate": "I(q1 >= 4)", "low": "ci_l", "high": "ci_u"})

    def r_svyvar(self, node: Call) -> Any:
        design = self.design(node)
        names = tuple(text_of(term).strip("`") for term in terms(node.plain[0]))
        table = design.table(covariance=names) if len(names) > 1 else design.table(variance=names)
        if len(names) == 1:
            return Moments(table["estimate"].to_numpy(), table["se"].to_numpy())
        matrix = np.zeros((len(names), len(names)))
        matrix[np.triu_indices(len(names))] = table["estimate"]
        return Moments((matrix + np.triu(matrix, 1).T).ravel(), table["se"].to_numpy())

    def r_SE(self, node: Call) -> Any:  # noqa: N802 - R's name
        return self.run(node.plain[0]).se

    def r_coef(self, node: Call) -> Any:
        return self.run(node.plain[0]).coef

    def r_cv(self, node: Call) -> Any:
        found = self.run(node.plain[0])
        card = card_of(found.found, rules=Rules()).table
        return found.pick(coefficient_of_variation(card).to_numpy().reshape(len(found.found.labels), -1))

    def r_svycralpha(self, node: Call) -> Any:
        names = tuple(text_of(term).strip("`") for term in terms(node.plain[0]))
        return self.design(node).table(alpha=names)["estimate"].to_numpy()

    def r_svyprcomp(self, node: Call) -> dict[str, Any]:
        names = tuple(term.text for term in terms(node.plain[0]))
        values = self.design(node).table(components=names)["estimate"].to_numpy()
        return {"sdev": values[: len(names)], "rotation": values[len(names) :].reshape(-1, len(names))}

    def r_svycdf(self, node: Call) -> Callable[[Any], Any]:
        design, name = self.design(node), terms(node.plain[0])[0].text
        return lambda points: design.table(distribution=tuple(f"{name}:{point:g}" for point in points))["estimate"]

    def r_svytable(self, node: Call) -> Any:
        design = self.design(node)
        first, second = (term.text for term in terms(node.plain[0]))
        table = design.table(total=(f"interaction(`{first}`, `{second}`)",))
        rows = table["category"].str.split(".", n=1, expand=True)
        return table.assign(a=rows[0], b=rows[1]).pivot_table(index="a", columns="b", values="estimate").to_numpy()

    def r_svykappa(self, node: Call) -> "Contrast":
        design = self.design(node)
        first, second = (term.text for term in terms(node.plain[0]))
        crossed = f"interaction({first}, {second})"
        found = design.asked(proportion=(first, second, crossed))
        same = levels(design.data, Name(first))
        observed = " + ".join(f"`{crossed}[{level}.{level}]`" for level in same)
        chance = " + ".join(f"`{first}[{level}]` * `{second}[{level}]`" for level in same)
        return Contrast(contrast_estimates(found, {"kappa": f"({observed} - ({chance})) / (1 - ({chance}))"}))

    def r_svycontrast(self, node: Call) -> "Contrast":
        found, spec = self.run(node.plain[0]), self.run(node.plain[1])
        specs = spec if isinstance(spec, dict) else {"contrast": spec}
        named = found.names

        def written(one: Any) -> str:
            if isinstance(one, str):
                return one
            return " + ".join(f"{value:.15g} * `{name}`" for value, name in zip(one, named, strict=True) if value)

        return Contrast(contrast_estimates(found.found, {key: written(one) for key, one in specs.items()}))

    def r_withReplicates(self, node: Call) -> "Contrast":  # noqa: N802 - R's name
        found = _renamed(self.design(node, 0).asked(mean=("api00", "api00 ** 2")))
        return Contrast(
            contrast_estimates(found, {"cv": "sqrt(square - api00 ** 2) / api00"}, nonlinear="replicate")
        )  # fmt: skip

    def r_svyciprop(self, node: Call) -> Any:
        design = self.design(node)
        asked = text_of(terms(node.plain[0])[0].plain[0])
        kind = {"mean": "t"}.get(node.named.get("method", "logit"), node.named.get("method", "logit"))
        if node.named.get("df") == float("inf"):
            design_table = design.table(Rules(interval="t"), proportion=(asked,))
            row = design_table[design_table["category"] == "True"].iloc[0]
            ci = intervals(row["estimate"], row["se"], np.array(np.inf), interval=kind, n=row["n"])
            return row["estimate"], np.array(ci, dtype=float), row["se"] ** 2
        table = design.table(Rules(interval=kind), proportion=(asked,))
        row = table[table["category"] == "True"].iloc[0]
        return row["estimate"], row[["low", "high"]].to_numpy(dtype=float), row["se"] ** 2

    def r_svyquantile(self, node: Call) -> dict[str, Any]:
        design, name = self.design(node), terms(node.plain[0])[0].text
        shares = np.atleast_1d(self.run(node.plain[2]))
        interval = {"mean": "t", "quantile": "replicate"}.get(node.named.get("interval.type", "mean"))
        table = design.table(
            quantile=tuple(f"{name}:{share:g}" for share in shares), quantile_rule=node.named.get("qrule", "math"),
            interval=interval or node.named["interval.type"],
        )  # fmt: skip
        return {name: table[["estimate", "low", "high", "se"]].to_numpy()}

    def r_degf(self, node: Call) -> Any:
        design = self.run(node.plain[0])
        counted = replace(design, design=SurveyDesign(**_fields(design.design) | {"lonely": "remove"}))
        return counted.table(mean=(design.design.weight or design.design.fpc[0],))["df"].to_numpy()

    def r_confint(self, node: Call) -> Any:
        found = self.run(node.plain[0])
        kind = "t" if "df" in node.named else "normal"
        card = card_of(found.found, rules=Rules(interval=kind, level=node.named.get("level", 0.95))).table
        return card[["low", "high"]].to_numpy()

    def r_weights(self, node: Call) -> Any:
        design = self.run(node.plain[0])
        base = weights(design.data, design.design, units(design.data, design.design))
        return base if design.calibration is None else calibrate(design.data, base, design.calibration).weight

    def r_svystandardize(self, node: Call) -> Design:
        design = self.run(node.plain[0])
        by, over = node.named["by"].plain[0].text, node.named["over"].plain[0].text
        shares = dict(zip(sorted(design.data[by].unique()), self.run(node.named["population"]), strict=True))
        base = weights(design.data, design.design, units(design.data, design.design))
        return replace(design, calibration=standardised(design.data, base, by=by, over=over, shares=shares))

    def r_p_adjust(self, node: Call) -> Any:
        known = {"BH": "benjamini-hochberg", "BY": "benjamini-yekutieli"}
        return adjusted(self.run(node.plain[0]), adjust=known.get(node.plain[1], node.plain[1]))

    def r_postStratify(self, node: Call) -> Design:  # noqa: N802 - R's name
        design, totals = self.run(node.plain[0]), self.run(node.plain[2])
        name = node.plain[1].plain[0].text
        margin = Margin(name, dict(zip(totals[name], totals["Freq"], strict=True)))
        return replace(design, calibration=Calibration("poststratify", (margin,)))

    def r_rake(self, node: Call) -> Design:
        design = self.run(node.plain[0])
        tables = [self.run(part) for part in node.plain[2].plain]
        margins = [
            Margin(t.columns[0], dict(zip(t.iloc[:, 0], t["Freq"], strict=True))) for t in tables
        ]  # fmt: skip
        return replace(design, calibration=Calibration("rake", tuple(margins)))

    def r_calibrate(self, node: Call) -> Design:
        design = self.run(node.plain[0])
        totals = {name: self.run(part) for name, part in node.plain[2].parts}
        margins = []
        for term in terms(node.plain[1].__class__("~", (("", _without_intercept(node.plain[1].plain[0])),))):
            if term.text in totals:
                margins.append(Margin(term.text, float(totals[term.text])))
                continue
            names = levels(design.data, term)
            given = {name: float(totals[term.text + name]) for name in names[1:]}
            margins.append(Margin(term.text, {names[0]: float(totals["(Intercept)"]) - sum(given.values())} | given))
        kind = node.named.get("calfun", "linear")
        bounds = self.run(node.named["bounds"]) if "bounds" in node.named else (-np.inf, np.inf)
        calibration = Calibration(
            kind.text.removeprefix("cal.") if isinstance(kind, Name) else kind, tuple(margins), bounds=tuple(bounds),
            variance="api99" if "variance" in node.named else None,
            per_unit="dnum" if "aggregate.stage" in node.named else None,
        )  # fmt: skip
        return replace(design, calibration=calibration)

    def r_trimWeights(self, node: Call) -> Design:  # noqa: N802 - R's name
        design = self.run(node.plain[0])
        trim = (node.named.get("lower", -np.inf), node.named.get("upper", np.inf))
        strict = bool(node.named.get("strict", False))
        if design.calibration is None:
            return replace(design, calibration=Calibration("trim", trim=trim, strict=strict))
        return replace(design, calibration=replace(design.calibration, trim=trim, strict=strict))


NAMES = {
    "{": "block", "<-": "assign", "-": "neg", "[": "index", "[[": "index2", "$": "dollar", "(": "structure",
}  # fmt: skip


@dataclass(frozen=True)
class Moments:
    """svyvar's answer."""

    coef: Any
    se: Any

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.coef, dtype=dtype)


class Contrast:
    """svycontrast's answer."""

    def __init__(self, estimates: Any) -> None:
        self.coef = estimates.values[0]
        self.vcov = covariance(estimates)
        self.se = np.sqrt(np.diag(self.vcov))


def _fields(design: SurveyDesign) -> dict[str, Any]:
    return {name: getattr(design, name) for name in SurveyDesign.__slots__}


def _without_intercept(node: Any) -> Any:
    return node.plain[0] if isinstance(node, Call) and node.function == "-" else node


def _net(answers: "pd.Series[float]", low: float, high: float) -> Any:
    return np.where(answers.isna(), np.nan, (answers >= high) * 1.0 - (answers <= low) * 1.0)


def _renamed(found: Measured) -> Measured:
    rows = tuple(replace(row, measure=name) for row, name in zip(found.rows, ("api00", "square"), strict=True))
    return replace(found, rows=rows)


def design_of(case: dict[str, Any]) -> Session:
    """The session of a case: its data, options, design, calibration or replicate weights."""
    data = {path.stem: read(path) for path in case["folder"].glob("*.csv") if not path.stem.startswith("rep_")}
    ultimate = {"survey.ultimate.cluster": case["id"].endswith("_ultimate")}
    session = Session(dict(data), ultimate | case.get("options", {}))
    text = case["design"].split(" with options")[0]
    if "repfile" in case:
        session.variables |= {"rd": replicate_design(case, data)}
        session.variables |= {"rr": raked_replicates(data)}
    elif text.startswith("dclus1 <-"):
        for line in text.split("; ")[:3]:
            session.run(parse(line))
        if "calibration" in case:
            session.variables["dc"] = session.run(parse(case["calibration"]))
    elif text.startswith("svydesign"):
        session.variables |= dict.fromkeys(("d", "dl"), session.run(parse(text)))
    return session


def replicate_design(case: dict[str, Any], data: dict[str, pd.DataFrame]) -> Design:
    weights_ = read(case["folder"] / case["repfile"])
    frame = pd.concat([data[_data_of(case)], weights_], axis=1)
    kind = case.get("rep_type", "JK1")
    replicates = Resampling(
        kind, columns=tuple(weights_.columns), scale=case["scale"],
        rscales=tuple(case["rscales"]), mse=case["mse"],
    )  # fmt: skip
    return Design(frame, SurveyDesign(weight="pw"), replicates=replicates)


def _data_of(case: dict[str, Any]) -> str:
    return str(case["data"]).removesuffix(".csv") if case["data"] in ("apistrat.csv", "apiclus1.csv") else "apiclus1"


def raked_replicates(data: dict[str, pd.DataFrame]) -> Design:
    """The jackknife of the cluster sample, each replicate raked again."""
    margins = (
        Margin("stype", {"E": 4421, "H": 755, "M": 1018}), Margin("sch.wide", {"No": 1072, "Yes": 5122})
    )  # fmt: skip
    design = SurveyDesign(weight="pw", psu="dnum", fpc="fpc")
    return Design(
        data["apiclus1"], design, calibration=Calibration("rake", margins), replicates=Resampling("jackknife")
    )
