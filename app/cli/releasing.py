"""`sarhad release` and `sarhad withdraw`: from a draft to what is published, and back at once."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import sentences, settings
from app.cli.printing import OUT, split
from app.workflow import bundles, combining, declared, publishing, releases, shelf, storage

app = typer.Typer(no_args_is_help=True, help="Releases: prepared, signed by two, commented on, published, exported.")

AsOption = Annotated[str | None, typer.Option("--as", help="who does this; by default the user of this machine")]
SurveyOption = Annotated[str | None, typer.Option("--survey", help="survey in the store; the only one by default")]
NumberArgument = Annotated[int, typer.Argument(help="number of the release", min=1)]
TickOption = Annotated[
    list[str] | None, typer.Option("--tick", help="points of the checklist that hold, a,b; `all` for every one")
]
DeclaredOption = Annotated[
    Path | None, typer.Option("--declared", help="folder with commitments.csv, targets.csv, waves.toml, ...")
]
UncommentedOption = Annotated[str, typer.Option("--uncommented", help="why no comment of the agency is waited for")]


def _open(survey: str | None) -> tuple[storage.Store, str]:
    store = storage.open_settings(settings.from_environment())
    return store, shelf.chosen(shelf.StoreShelf(store), survey)


def now() -> datetime:
    """The clock of the commands."""
    return datetime.now(UTC)


def who(given: str | None) -> str:
    """Who does it: the name given, or the user of this machine."""
    return given or getpass.getuser()


@app.command("prepare")
def prepare(
    wave: Annotated[list[str], typer.Argument(help="draft waves to release")],
    survey: SurveyOption = None,
    declared_in: DeclaredOption = None,
    as_: AsOption = None,
) -> None:
    """Make a candidate: every table masked once, with all that the standing release holds."""
    texts = declared.load(declared_in) if declared_in else None
    store, name = _open(survey)
    with OUT.status("reading answers") as status:
        number = publishing.prepare(
            store, name, waves=wave, who=who(as_), at=now(), declared=texts, progress=status.update
        )
    OUT.print(f"Release {number} of {name} is in review; read it by `sarhad release show {number}`.", markup=False)


@app.command("preview")
def preview(
    by: Annotated[list[str], typer.Option(help="a combination that no release holds: side,sex,direction")],
    wave: Annotated[str, typer.Option(help="a published wave")],
    survey: SurveyOption = None,
) -> None:
    """Read the answers again, and say how much of a combination could be published; no figure is shown."""
    store, name = _open(survey)
    with OUT.status("reading the answers again") as status:
        found = combining.possible(store, name, wave=wave, facets=split(by), progress=status.update)
    OUT.print(sentences.combined(found, {}), markup=False, soft_wrap=True)


@app.command("list")
def list_(survey: SurveyOption = None) -> None:
    """Say what stands and what comes next."""
    store, name = _open(survey)
    for step in releases.steps(store, name):
        OUT.print(f"{step.number}  {step.state}  {', '.join(step.waves)}  {step.next}", markup=False)


@app.command("show")
def show(number: NumberArgument, survey: SurveyOption = None) -> None:
    """Show a release before or after it is published: its waves, what the mask hides, who signed, comments."""
    store, name = _open(survey)
    release = releases.read(store, name, number)
    document = release.document
    OUT.print(f"{document.title}{' (SYNTHETIC)' if document.synthetic else ''}: release {number}", style="bold")
    OUT.print(f"{release.state.replace('_', ' ')}; waves {', '.join(document.waves)}. {release.notice}", markup=False)
    lines = document.loss.to_string(index=False, float_format=lambda value: f"{value:.3f}")
    OUT.print(lines, markup=False, highlight=False, soft_wrap=True)
    OUT.print(f"signed: {shelf.signed_by(release.signatures) or 'by nobody yet'}", markup=False)
    for file, text in declared.shown(release).items():
        OUT.print(f"declared in {file}:\n{text}", markup=False, highlight=False, soft_wrap=True)
    for comment in release.comments:
        OUT.print(f"{comment['agency']}, {comment['at'][:10]}: {comment['text']}", markup=False)
    OUT.print(f"log until {document.audit_head or 'publication'}", markup=False)


@app.command("sign")
def sign(
    number: NumberArgument,
    role: Annotated[str, typer.Option(help="statistics or safety")],
    tick: TickOption = None,
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Sign for statistics or for respondents' safety; without ticks the checklist is printed."""
    ticked = _ticked(role, tick)
    store, name = _open(survey)
    row = releases.sign(store, name, number, role=role, ticked=ticked, who=who(as_), at=now())
    OUT.print(f"Signed for {role}, unverified until there is sign-in; release {number} is {row.state}.", markup=False)


def _ticked(role: str, tick: list[str] | None) -> tuple[str, ...]:
    points = releases.CHECKLIST.get(role)
    if points is None:
        raise typer.BadParameter(f"{role!r} is no role; there are {', '.join(releases.CHECKLIST)}")
    if not tick:
        for code, text in points.items():
            OUT.print(f"[ ] {code}: {text}", markup=False)
        raise typer.BadParameter("read the points above and tick those that hold, --tick all or --tick a,b")
    return tuple(points) if tick == ["all"] else split(tick)


@app.command("share")
def share(
    number: NumberArgument,
    agency: Annotated[list[str], typer.Option("--with", help="agency that may comment")],
    until: Annotated[str, typer.Option(help="last day for comments, 2026-12-31")],
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Share a signed release with the agencies that it judges, for a comment that is printed beside."""
    store, name = _open(survey)
    store.share_release(name, number, agencies=agency, until=releases.until(until), who=who(as_), at=now())
    OUT.print(f"Release {number} is shared with {', '.join(agency)} until {until}.", markup=False)


@app.command("comment")
def comment(
    number: NumberArgument,
    agency: Annotated[str, typer.Option(help="agency that comments")],
    text: Annotated[str, typer.Option(help="the comment, as it is printed")],
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Keep the dated comment of an agency."""
    store, name = _open(survey)
    store.comment_release(name, number, agency=agency, text=text, who=who(as_), at=now())
    OUT.print(f"The comment of {agency} stands beside release {number}.", markup=False)


@app.command("publish")
def publish(
    number: NumberArgument, survey: SurveyOption = None, uncommented: UncommentedOption = "", as_: AsOption = None
) -> None:
    """Publish a signed release: from now on its masked figures are shown, and never change."""
    store, name = _open(survey)
    releases.publish(store, name, number, who=who(as_), at=now(), uncommented=uncommented)
    OUT.print(f"Release {number} of {name} is published.", markup=False)


@app.command("refuse")
def refuse(
    number: NumberArgument,
    reason: Annotated[str, typer.Option(help="why it is not published")],
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """End a release before it is published; its waves are drafts again."""
    store, name = _open(survey)
    store.refuse_release(name, number, reason=reason, who=who(as_), at=now())
    OUT.print(f"Release {number} of {name} is refused; its new waves are drafts again.", markup=False)


@app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="file to write, NAME.sarhad")],
    number: Annotated[int | None, typer.Option("--release", help="a number; the one that stands by default")] = None,
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Write a signed bundle of masked tables: leadership runs it without the answers (`sarhad serve --bundle`)."""
    key = settings.from_environment().signing_key
    if not key:
        raise typer.BadParameter("no key to sign with: make one by `sarhad release key` and set SARHAD_SIGNING_KEY")
    store, name = _open(survey)
    printed = releases.export(store, name, number, out, key=key, who=who(as_), at=now())
    OUT.print(f"{out} is written. Tell its readers the fingerprint on another way:\n{printed}", markup=False)


@app.command("key")
def key() -> None:
    """Make a key for signing bundles; keep it where the answers are, and nowhere else."""
    OUT.print(bundles.new_signing_key(), markup=False, highlight=False)


def publish_wave(
    wave: Annotated[list[str], typer.Argument(help="draft waves to publish")],
    statistics: Annotated[
        str, typer.Option(help="who signs for statistics, having checked all that `release sign` asks")
    ],
    safety: Annotated[str, typer.Option(help="who signs for respondents' safety: somebody else")],
    uncommented: Annotated[str, typer.Option(help="why no comment of the agency is waited for")],
    *,
    survey: SurveyOption = None,
    declared_in: DeclaredOption = None,
    as_: AsOption = None,
) -> None:
    """Prepare, sign and publish in one step where both who sign sit at this machine."""
    texts = declared.load(declared_in) if declared_in else None
    store, name = _open(survey)
    if statistics.strip().casefold() == safety.strip().casefold():
        raise typer.BadParameter("two different people sign")
    with OUT.status("reading answers") as status:
        number = publishing.prepare(
            store, name, waves=wave, who=who(as_), at=now(), declared=texts, progress=status.update
        )
    for role, signer in (("statistics", statistics), ("safety", safety)):
        releases.sign(store, name, number, role=role, ticked=tuple(releases.CHECKLIST[role]), who=signer, at=now())
    releases.publish(store, name, number, who=who(as_), at=now(), uncommented=uncommented)
    OUT.print(f"Wave {', '.join(wave)} of {name} is published in release {number}.", markup=False)


def withdraw(
    reason: Annotated[str, typer.Option(help="why; it is kept in the log and told to whoever follows an old link")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="a part: post=NAME, or several with commas: post=NAME,wave=2026,measure=bribery"),
    ] = None,
    number: Annotated[int | None, typer.Option("--release", help="a number; the one that stands by default")] = None,
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Withdraw a release, a post or a cell at once, from pages, links and exports; not to be worked out again."""
    store, name = _open(survey)
    cells = [dict(_pair(part) for part in split([text])) for text in where or ()]
    with OUT.status("withdrawing"):
        done = releases.withdraw(store, name, number, cells=cells, reason=reason, who=who(as_), at=now())
    OUT.print(done, markup=False)


def _pair(text: str) -> tuple[str, str]:
    facet, found, value = text.partition("=")
    if not found or not facet or not value:
        raise typer.BadParameter(f"{text!r}: write FACET=VALUE, such as post=heron_ferry")
    return facet, value
