"""Words for what training, equipment or a procedure moved: a difference and its doubts, never more than its test says.

Posts were not drawn by lot, so no sentence gives a reason for a difference; of one post, or without posts to compare
with, nothing is said of the intervention at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isinf, isnan
from typing import Any, Final, Protocol

#: What may be said of an intervention, or why nothing may -> the sentence that stands first.
EFFECTS: Final[Mapping[str, str]] = {
    "higher": "{measure} rose more, or fell less, at the {treated} posts with {kind} than at the {untreated} others "
    "from {since} to {wave}: the changes differ by {estimate} {unit} ({low} to {high}).",
    "lower": "{measure} fell more, or rose less, at the {treated} posts with {kind} than at the {untreated} others "
    "from {since} to {wave}: the changes differ by {estimate} {unit} ({low} to {high}).",
    "doubted": "{measure} changed otherwise at the {treated} posts with {kind} than at the {untreated} others from "
    "{since} to {wave} ({estimate} {unit}, {low} to {high}), but these posts seem to have been on another path "
    "before: nothing can be said of {kind}.",
    "not_clear": "No clear difference: the changes of {measure} at the {treated} posts with {kind} and at the "
    "{untreated} others from {since} to {wave} differ by {estimate} {unit} ({low} to {high}), which may be chance.",
    # nothing to claim
    "none_treated": "No post with figures in both waves had {kind} between {since} and {wave}: there is nothing to "
    "compare.",
    "one_treated": "Only {post} had {kind} between {since} and {wave}, and this post {told}. One post can say nothing "
    "on {kind}.",
    "all_treated": "All {treated} posts had {kind} between {since} and {wave}. Without posts that had none there is "
    "nothing to compare with: it can be said how each post changed, and nothing on {kind}.",
    "one_untreated": "{treated} posts had {kind} between {since} and {wave}, and only {post} had none. One post is too "
    "few to compare with: it can be said how each post changed, and nothing on {kind}.",
    "sides_apart": "Every post with {kind} lies on one side ({treated}) and every post without on the other "
    "({untreated}). Sides are not set against each other, so nothing is said on {kind}.",
}
#: How a single treated post changed, by its own test.
POST_ALONE: Final[Mapping[str, str]] = {
    "rose": "rose clearly in {measure}, by {estimate} {unit} ({low} to {high})",
    "fell": "fell clearly in {measure}, by {estimate} {unit} ({low} to {high})",
    "not_clear": "did not clearly change in {measure} ({estimate} {unit}, {low} to {high})",
    "not_known": "changed in {measure} by {estimate} {unit}, with too few shifts to judge it",
}
#: What is to be said with it -> one sentence each.
EFFECT_DOUBTS: Final[Mapping[str, str]] = {
    "few_posts": "Few posts: {treated} with {kind} and {untreated} without. The interval leans on changes that are "
    "spread evenly around their mean.",
    "coarse": "With so few posts the randomisation test could have found nothing: of {assignments} ways to choose "
    "them, none gives a p below {smallest}.",
    "randomisation_unclear": "The randomisation test does not bear it out: had other posts been chosen, a difference "
    "as large would come with p {p} ({assignments} ways to choose).",
    "hidden_scores": "Left out, because one of the two scores is not shown: {posts}{treated}.",
    "treated_before": "Left out, because they had {kind} before {since}: {posts}.",
    "other_kind": "Left out, because they had something else and are no plain comparison: {posts}.",
    "staggered": "Posts started at different times (first waves after it: {waves}): see the figure over all waves.",
    "no_earlier_waves": "No earlier waves say whether these posts were on another path before {since}.",
    "pretrend_differs": "Before {kind}, from {since} to {wave}, posts that had it later and the others may already "
    "have been on different paths: their changes differ by {estimate} {unit} ({low} to {high}).",
    "pretrend_open": "Another path before {kind} is not ruled out: from {since} to {wave} the difference lies between "
    "{low} and {high} {unit}, which may be as much as what came after.",
    "other_side": "No post of {sides} had {kind}: its posts are compared with those of the other side, as changes. "
    "Choose one side to leave them out.",
    "years": "Days of fieldwork are not declared: {waves} count as lasting their whole year.",
    "amid": "{posts}: {kind} came while {waves} was in the field, so this score is neither before nor after and is not "
    "used.",
    "not_comparable": "Left out, because they were asked otherwise than {wave}: {waves}.",
    "bridged": "{since} was asked otherwise than {wave}, and is used all the same: {reasons}.",
    "not_in_picture": "Not in the picture over time, for want of a score in every wave: {posts}.",
    # what speaks for it
    "alike_before": "Before, from {since} to {wave}, no difference between these posts could be as large.",
    "randomisation_agrees": "The randomisation test finds the same (p {p}).",
}
EFFECT_LIMITS: Final = "Whatever else befell these posts in the same years is in the difference too."
NO_INTERVENTIONS: Final = (
    "No training, equipment or procedure is declared with this release. Write interventions.csv with the columns post, "
    "date and kind, one row for each post that had it, and declare it with the next release; or judge a table of your "
    "own below, where a template is."
)
OWN_INTERVENTIONS: Final = (
    "It is read for this answer alone and kept nowhere. Posts are written by their codes, days as 2026-05-04."
)
EFFECT_EARLIER: Final = "Earlier waves: the same posts from one wave to the next, before it. None should be clear."
EFFECT_BOUNDS: Final = (
    "Bounds: if posts had strayed after it by up to so many times their largest step apart before, the interval would "
    "be this. At 0 it is the average over the waves after it, as it is."
)
#: The average over all waves after it, where posts started at different times.
OVERALL: Final[Mapping[str, str]] = {
    "clear": "Over all waves after it, each post against those that had not started, the changes differ by {estimate} "
    "{unit} ({low} to {high}).",
    "not_clear": "Over all waves after it, each post against those that had not started, no clear difference: "
    "{estimate} {unit} ({low} to {high}), which may be chance.",
}
#: How far posts may have strayed before nothing is left of a difference.
BREAKDOWN: Final[Mapping[str, str]] = {
    "some": "Up to {bound} times their largest step apart before, the interval leaves out 0.",
    "never": "Whatever they strayed by, up to 100 times their largest step apart before, the interval leaves out 0.",
    "at_once": "The interval takes in 0 whatever is assumed.",
}
_UNITS: Final[Mapping[str, str]] = {"%": "percentage points"}
_FINER: Final = ("hours",)  # units told with two decimals
_CHANCES: Final = ("p", "smallest")
CLEAR: Final = 0.05


class Told(Protocol):
    """A finding, whoever made it."""

    @property
    def code(self) -> str:
        """One of `EFFECTS` or `EFFECT_DOUBTS`."""

    @property
    def params(self) -> Mapping[str, Any]:
        """What its sentence needs."""


@dataclass(frozen=True, slots=True)
class EffectOf:
    """What every sentence on an intervention speaks of.

    `labels` are words for posts and sides, by their codes.
    """

    kind: str
    measure: str
    unit: str
    since: str
    wave: str
    labels: Mapping[str, str] = field(default_factory=dict)


def told_effect(verdict: str, figures: Mapping[str, Any], about: EffectOf) -> str:
    """The sentence that stands first.

    Parameters
    ----------
    verdict : str
        One of `EFFECTS`.
    figures : mapping
        Estimate, limits and posts of the effect; or what the finding carries that leaves nothing to claim, of
        `one_treated` with `clear` as well, whether that post passed its own test.
    about : EffectOf
    """
    if verdict == "one_treated":
        told = POST_ALONE[post_alone(figures)].format_map(_words(figures, about))
        return EFFECTS[verdict].format_map(_words(figures, about) | {"told": told})
    return EFFECTS[verdict].format_map(_words(figures, about))


def post_alone(figures: Mapping[str, Any]) -> str:
    """How a single post changed, by its own test: one of `POST_ALONE`."""
    if isnan(figures["low"]):
        return "not_known"
    if not figures["clear"]:
        return "not_clear"
    return "rose" if figures["estimate"] > 0 else "fell"


def told_doubts(findings: Iterable[Told], about: EffectOf) -> list[str]:
    """One sentence for each finding that does not stand first already."""
    return [doubt(one, about) for one in findings if one.code in EFFECT_DOUBTS]


def doubt(finding: Told, about: EffectOf) -> str:
    """One sentence on a finding."""
    params = dict(finding.params)
    if finding.code == "hidden_scores":
        named = _listed(params["treated"], about.labels)
        params["treated"] = f" (with {about.kind}: {named})" if named else ""
    return EFFECT_DOUBTS[finding.code].format_map(_words(params, about))


def told_overall(figures: Mapping[Any, Any], about: EffectOf) -> str:
    """One sentence on the average over all waves after it."""
    return OVERALL["clear" if figures["p"] < CLEAR else "not_clear"].format_map(_words(figures, about))


def told_breakdown(bound: float) -> str:
    """One sentence on how far posts may have strayed before nothing is left of a difference."""
    which = "at_once" if isnan(bound) else "never" if isinf(bound) else "some"
    return BREAKDOWN[which].format(bound=f"{bound:.1f}")


def _words(params: Mapping[Any, Any], about: EffectOf) -> dict[str, str]:
    unit = _UNITS.get(about.unit, about.unit)
    around = {
        "kind": about.kind, "measure": about.measure, "unit": unit, "since": about.since, "wave": about.wave
    }  # fmt: skip
    return around | {name: _said(name, value, about) for name, value in params.items()}


def _said(name: str, value: Any, about: EffectOf) -> str:  # noqa: ANN401 - what a finding may carry
    if isinstance(value, str):
        return about.labels.get(value, value)
    if isinstance(value, Sequence):
        return _listed(value, about.labels)
    if name in _CHANCES:
        return f"{max(float(value), 0.001):.3f}"
    if name in ("estimate", "low", "high"):
        if isnan(value):
            return "not known"
        sign = "+" if name == "estimate" else ""
        return f"{float(value):{sign}.{2 if about.unit in _FINER else 1}f}".replace("-", "\N{MINUS SIGN}")
    return f"{value:,}"


def _listed(codes: Sequence[str], labels: Mapping[str, str]) -> str:
    return ", ".join(labels.get(code, code) for code in codes)
