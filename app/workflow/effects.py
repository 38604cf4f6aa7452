"""What training, equipment or a procedure moved: posts that had it against posts that had not, of published figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from app.workflow import comparability
from app.workflow.describing import SIDE
from app.workflow.document import Measure, Release
from app.workflow.interventions import amid, fieldwork, kinds_of, read_table, table_of
from app.workflow.studies import POSTS, SEED
from scoring.claims import Claim, claim
from scoring.compare import CLEAR
from scoring.effects import Panel, panel
from scoring.errors import EstimationError, RequestError
from scoring.findings import Finding
from scoring.pretrends import breakdown, event_times, relative_magnitudes
from scoring.staggered import cohorts, effects_by

OF_POSTS = ("few_posts", "hidden_scores", "treated_before", "other_kind", "staggered")  # findings on who is seen
SMALLEST_P = 0.001  # shown for anything smaller: no p-value is 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What may be said of one kind of intervention and one measure, with all that it rests on.

    Attributes
    ----------
    kind, measure : str
    sides : tuple of str
        Whose posts are compared: as changes, never as levels.
    since, wave : str
        The change that is looked at: from the last wave before any intervention to the last of all.
    claim : Claim
        See `scoring.claims.claim`; verdict "none" too where posts with and without would be two sides (`sides_apart`).
    changes : DataFrame
        Every post: `post`, `side`, `group` (with, without, before, aside), figures of `scoring.claims.post_changes`,
        `n` (the smaller of both waves), `reason`; NaN where nothing is shown or the post is left out.
    events : DataFrame
        Event picture: differences by waves since the intervention; empty where nothing is claimed.
    overall : DataFrame
        One row over all waves after it, where posts started in different waves; else empty.
    bounds : DataFrame
        `bound`, `low`, `high`: how the interval widens if posts would have strayed by up to `bound` times their largest
        earlier step; empty without two earlier waves.
    breakdown : float
        The bound at which the interval takes in 0; NaN where it does at once or nothing is known.
    findings : tuple of Finding
        What is to be said with it: those of the claim, and `sides_apart`, `other_side`, `alike_before`,
        `randomisation_agrees`, `years` (days of fieldwork are not declared), `amid` (it fell in the fieldwork of a
        wave), `not_comparable` and `bridged` (waves made otherwise than the last), `not_in_picture`.
    """

    kind: str
    measure: str
    sides: tuple[str, ...]
    since: str
    wave: str
    claim: Claim
    changes: pd.DataFrame
    events: pd.DataFrame
    overall: pd.DataFrame
    bounds: pd.DataFrame
    breakdown: float
    findings: tuple[Finding, ...]

    @property
    def code(self) -> str:
        """What may be said: the verdict, or the finding that leaves nothing to claim."""
        return self.findings[0].code if self.claim.verdict == "none" else self.claim.verdict

    @property
    def figures(self) -> dict[str, Any]:
        """What its sentence needs: the effect, or what that finding carries; of one post, if its change is clear."""
        if self.claim.effect is not None:
            return asdict(self.claim.effect)
        carried = dict(self.findings[0].params)
        if self.code == "one_treated":
            carried["clear"] = bool(self.changes.loc[self.changes["post"] == carried["post"], "clear"].iloc[0])
        return carried


def measures(release: Release) -> tuple[Measure, ...]:
    """What is shown by post: of nothing else can it be asked."""
    table = release.document.scores.get(POSTS, pd.DataFrame(columns=["measure"]))
    shown = set(table["measure"])
    return tuple(measure for measure in release.document.measures if measure.code in shown)


def labels(release: Release) -> dict[str, str]:
    """Words for posts and sides, by their codes."""
    known = {cut.facets: cut.values for cut in release.document.cuts}
    return {**known.get(POSTS, {}), **known.get((SIDE,), {})}


def possible(release: Release, *, side: str | None = None) -> str:
    """Why nothing can be asked of this release, in words; "" where it can."""
    if not measures(release):
        return "This release shows nothing by post, and posts are what is compared here."
    if not release.document.waves[1:]:
        return "One wave is published: a second one is needed to speak of change."
    if not _comparable(release, side)[0][1:]:
        return "No earlier wave was made like the last one, so no change can be told from how it was asked."
    return ""


def study(
    release: Release, *, kind: str, measure: str, side: str | None = None, interventions: pd.DataFrame | None = None
) -> Answer:
    """What may be said of one kind of intervention from the published scores of posts.

    Parameters
    ----------
    release : Release
    kind : str
    measure : str
        Shown by post.
    side : str, optional
        Posts of one side; by default all posts, whose changes are compared and the randomisation kept within sides.
    interventions : DataFrame, optional
        `post`, `date`, `kind`, in place of what is declared with the release.

    Returns
    -------
    Answer

    Raises
    ------
    RequestError
        The measure is not shown by post, or the kind, the side or days of a wave are not known.
    StoreError
        The table has faults: all of them, row by row.
    """
    if why := possible(release, side=side):
        raise RequestError(why)
    table = table_of(release)
    if interventions is not None:
        table = read_table(release, interventions.to_csv(index=False).encode())
    if kind not in kinds_of(table):
        known = ", ".join(kinds_of(table)) or "not given"
        raise RequestError(f"no intervention is of kind {kind!r}; kinds are {known}")
    scores = _scores(release, measure, side)
    waves, told = _comparable(release, side)
    days, assumed = fieldwork(release, waves)
    own = table[table["post"].isin(scores["post"])]
    made = panel(
        scores[scores["wave"].isin(waves)],
        own,
        waves={wave: first for wave, (first, _) in days.items()},
        until={wave: last for wave, (_, last) in days.items()},
        kind=kind if (own["kind"] == kind).any() else None,
    )
    told += [Finding("years", {"waves": assumed})] if assumed else []
    return _answered(made, scores, kind, (*told, *amid(own[own["kind"] == kind], days)))


def _comparable(release: Release, side: str | None) -> tuple[tuple[str, ...], list[Finding]]:
    """Waves made like the last one, or bridged to it, on every side that is looked at; and what is to be said of it."""
    *earlier, last = release.document.waves
    sides = [side] if side else sorted(set(release.document.scores[POSTS][SIDE].astype(str)))
    kept: list[str] = []
    out: list[str] = []
    told: list[Finding] = []
    for wave in earlier:
        found = [comparability.between(release, side=one, since=wave, wave=last) for one in sides]
        refused = any(one.status == "refused" for one in found)
        (out if refused else kept).append(wave)
        reasons = dict.fromkeys(comparability.in_words(one)[1] for one in found if one.status == "bridged")
        if reasons and not refused:
            told.append(Finding("bridged", {"since": wave, "wave": last, "reasons": "; ".join(reasons)}))
    if out:
        told.append(Finding("not_comparable", {"waves": tuple(out), "wave": last}))
    return (*kept, last), told


def _scores(release: Release, measure: str, side: str | None) -> pd.DataFrame:
    """Rows of one measure by post, of all sides or of one."""
    table = release.document.scores[POSTS]
    rows = table[table["measure"] == measure]
    if rows.empty:
        known = ", ".join(one.code for one in measures(release))
        raise RequestError(f"measure {measure!r} is not shown by post; these are: {known}")
    if side is not None and side not in set(rows[SIDE]):
        raise RequestError(f"there is no side {side!r}; sides are {', '.join(sorted(set(rows[SIDE])))}")
    return rows if side is None else rows[rows[SIDE] == side]


def _answered(made: Panel, scores: pd.DataFrame, kind: str, told: Sequence[Finding]) -> Answer:
    sides = {str(post): str(side) for post, side in zip(scores["post"], scores[SIDE], strict=True)}
    since, wave = made.span() if made.treated.any() else (made.waves[0], made.waves[-1])
    found = claim(made, seed=SEED, within=[sides[post] for post in made.posts])
    found, more = _within_sides(found, sides)
    claimed = found.effect is not None
    bounds, broken = _bounds(made) if claimed else (_none(), float("nan"))
    events, left_out = _events(made) if claimed else (_none(), ())
    staggered = claimed and any(finding.code == "staggered" for finding in found.findings)
    picture = [Finding("not_in_picture", {"posts": left_out})] if left_out else []
    return Answer(
        kind=kind,
        measure=str(scores["measure"].iloc[0]),
        sides=tuple(dict.fromkeys(sides.values())),
        since=since,
        wave=wave,
        claim=found,
        changes=_changes(made, found, scores, (since, wave)),
        events=events,
        overall=effects_by(made, by="overall") if staggered and len(events) else _none(),
        bounds=bounds,
        breakdown=broken,
        findings=(*found.findings, *more, *_in_favour(found), *told, *picture),
    )


def _within_sides(found: Claim, sides: Mapping[str, str]) -> tuple[Claim, list[Finding]]:
    """No claim where posts with and without are two sides; a word where one side has no post with it."""
    if found.effect is None:
        return found, []
    treated = {sides[post] for post in found.changes.loc[found.changes["treated"], "post"]}
    others = {sides[post] for post in found.changes.loc[~found.changes["treated"], "post"]}
    if not treated & others:
        apart = Finding("sides_apart", {"treated": tuple(sorted(treated)), "untreated": tuple(sorted(others))})
        kept = tuple(finding for finding in found.findings if finding.code in OF_POSTS)
        nothing = replace(found, verdict="none", effect=None, randomised=None, placebo=found.placebo.iloc[:0])
        return replace(nothing, findings=(apart, *kept)), []
    alone = tuple(sorted(others - treated))
    return found, [Finding("other_side", {"sides": alone})] if alone else []


def _in_favour(found: Claim) -> list[Finding]:
    """What speaks for a claim: equal paths before, and a randomisation test that finds the same."""
    codes = {finding.code for finding in found.findings}
    if found.effect is None or found.randomised is None or found.verdict not in ("higher", "lower"):
        return []
    told = []
    if not codes & {"no_earlier_waves", "pretrend_open"}:
        told.append(Finding("alike_before", {"since": found.placebo["since"].iloc[0], "wave": found.effect.since}))
    if found.randomised.p < CLEAR:
        told.append(Finding("randomisation_agrees", {"p": found.randomised.p}))
    return told


def _events(made: Panel) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The event picture and the posts that are not in it; empty where no cohort has posts to be compared with."""
    left_out = tuple(made.posts[place] for place in np.flatnonzero(np.isnan(made.score).any(axis=1)))
    try:
        return effects_by(made, by="time"), left_out
    except EstimationError:
        return _none(), left_out


def _bounds(made: Panel) -> tuple[pd.DataFrame, float]:
    """Intervals under ever larger departures from equal paths, where two earlier waves show any."""
    try:
        times, events = event_times(cohorts(made))
    except EstimationError:
        return _none(), float("nan")
    if min(times) > -2 or max(times) < 0:  # noqa: PLR2004 - waves before the reference wave
        return _none(), float("nan")
    return relative_magnitudes(times, events), breakdown(times, events)


def _none() -> pd.DataFrame:
    return pd.DataFrame()


def _changes(made: Panel, found: Claim, scores: pd.DataFrame, waves: tuple[str, str]) -> pd.DataFrame:
    """Every post with its own change, or why there is none."""
    both = scores[scores["wave"].isin(waves)]
    every = both.groupby("post", sort=True).agg(side=(SIDE, "first"), n=("n", "min")).reset_index()
    first = made.place(waves[0])
    group = {
        post: "before" if start <= first else "with" if start < len(made.waves) else "without"
        for post, start in zip(made.posts, made.start, strict=True)
    } | dict.fromkeys(made.aside, "aside")
    table = every.assign(group=every["post"].map(group)).merge(
        found.changes.drop(columns="treated"), on="post", how="left"
    )
    hidden = table["estimate"].isna()
    table["clear"] = table["clear"].eq(other=True)
    table["reason"] = np.where(~hidden, "", np.where(table["group"].isin(["with", "without"]), "hidden_score", ""))
    return table


def rows(answer: Answer) -> pd.DataFrame:
    """Every figure of an answer as one table: `part` says of what, `name` of which post, wave or bound.

    Parts: effect, overall, time (waves since it), placebo, bound, post. Figures are rounded as they are shown.
    """
    parts = {
        "effect": _effect(answer.claim),
        "overall": answer.overall,
        "time": answer.events.rename(columns={"time": "name"}),
        "placebo": answer.claim.placebo,
        "bound": answer.bounds.rename(columns={"bound": "name"}),
        "post": answer.changes.rename(columns={"post": "name"}),
    }
    span = {"wave": answer.wave, "since": answer.since}
    named = [
        table.assign(part=part, **(span if part in ("effect", "overall", "post") else {}))
        for part, table in parts.items()
        if len(table)
    ]
    order = ["wave", "since", "kind", "measure", "verdict", "part", "name", "side", "group", "treated", "untreated",
             "estimate", "se", "df", "low", "high", "p", "p_adjusted", "clear", "p_randomised", "reason"]  # fmt: skip
    table = pd.concat(named, ignore_index=True).reindex(columns=order)
    table = table.assign(kind=answer.kind, measure=answer.measure, verdict=answer.claim.verdict)
    for name, places in (("estimate", 2), ("se", 2), ("df", 1), ("low", 2), ("high", 2)):
        table[name] = table[name].astype(float).round(places)
    for name in ("p", "p_adjusted", "p_randomised"):
        table[name] = table[name].astype(float).round(3).clip(lower=SMALLEST_P)
    texts = ["wave", "since", "name", "side", "group", "reason"]
    return table.assign(**{name: table[name].map(_text) for name in texts})


def _text(cell: Any) -> str:  # noqa: ANN401 - of any table
    return "" if pd.isna(cell) else str(cell)


def _effect(found: Claim) -> pd.DataFrame:
    """The difference in mean change as a row, or none."""
    if found.effect is None or found.randomised is None:
        return _none()
    row = {name: value for name, value in asdict(found.effect).items() if name != "method"}
    return pd.DataFrame([row | {"p_randomised": found.randomised.p}])
