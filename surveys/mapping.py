"""Which column of a file answers which question: by XML name or by label, however the export was made."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire
from surveys.reading.table import RawTable

#: Columns that KoboToolbox, ODK, SurveyCTO and LimeSurvey add by themselves: name in lower case -> what it is.
META: Final[Mapping[str, str]] = {
    **dict.fromkeys(("start", "starttime", "start_time", "startdate"), "start"),
    **dict.fromkeys(("end", "endtime", "end_time", "datestamp"), "end"),
    **dict.fromkeys(("today", "date_assessment"), "today"),
    **dict.fromkeys(("_submission_time", "submissiondate", "submitdate", "completiondate"), "submitted"),
    **dict.fromkeys(("meta.rootuuid", "_rootuuid", "rootuuid", "root_uuid", "_root_uuid"), "root_uuid"),
    **dict.fromkeys(("_uuid", "uuid"), "uuid"),
    "key": "key",
    **dict.fromkeys(("meta.instanceid", "instanceid", "_instanceid"), "instance_id"),
    "_id": "id",
    **dict.fromkeys(("_notes", "notes_from_data"), "notes"),
    **dict.fromkeys(("_tags", "tags_from_data"), "tags"),
    **dict.fromkeys(
        (
            "id", "deviceid", "phonenumber", "username", "subscriberid", "simserial", "simid", "imei", "email", "audit",
            "devicephonenum", "meta.audit", "meta.instancename", "instancename", "meta.deprecatedid", "formhub.uuid",
            "__version__", "_version_", "_version__001", "_version", "formdef_version", "formversion", "_index",
            "_validation_status", "_status", "_submitted_by", "_attachments", "_geolocation", "_xform_id_string",
            "_xform_id", "_bamboo_dataset_id", "_date_modified", "_duration", "_edited", "_media_count", "_total_media",
            "_media_all_received", "_parent_table_name", "_parent_index", "_submission__id", "_submission__uuid",
            "_submission__submission_time", "_submission__validation_status", "_submission__notes",
            "_submission__status", "_submission__submitted_by", "_submission___version__", "_submission__tags",
            "parent_key", "submitterid", "submittername", "attachmentspresent", "attachmentsexpected", "reviewstate",
            "edits", "duration", "caseid", "lastpage", "startlanguage", "seed", "token", "ipaddr", "refurl",
            "review_status", "review_quality", "review_comments", "review_corrections",
        ),
        "other",
    ),
}  # fmt: skip

#: Roles that name a submission, the surest first.
IDENTITIES: Final = ("root_uuid", "uuid", "key", "instance_id", "id")

#: Roles that a column can play in an interview.
ROLES: Final = frozenset({*IDENTITIES, "start", "end", "today", "submitted"})

#: Kinds of questions whose answers are stored; the others are read for routing and the design at most.
STORED: Final = frozenset({"select_one", "select_multiple", "integer", "decimal"})

_MARK = "\ufeff"
_SEPARATORS = "/.-:"


@dataclass(frozen=True, slots=True)
class Target:
    """What a column answers: a question, or one choice of a select_multiple."""

    question: Question
    choice: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Columns of a file (by position) against the questions of a form.

    Attributes
    ----------
    columns : mapping
        Position -> question or choice; several positions may stand for one question.
    meta : mapping
        Position -> what it is, for columns that field tools add by themselves.
    roles : mapping
        "start", "end", "today", "submitted" and `IDENTITIES` -> first position that plays the role.
    unknown : tuple of int
        Columns that no question knows.
    ambiguous : tuple of int
        Columns whose label two questions share, while the file has it fewer times than the form.
    repeated : tuple of int
        Columns whose header stands in the file before and can mean nothing else.
    absent : tuple of str
        Questions that would be stored, or that the design needs, and have no column.
    """

    columns: Mapping[int, Target]
    meta: Mapping[int, str]
    roles: Mapping[str, int]
    unknown: tuple[int, ...]
    ambiguous: tuple[int, ...]
    repeated: tuple[int, ...]
    absent: tuple[str, ...]

    def positions(self, name: str, choice: str | None = None) -> tuple[int, ...]:
        """Columns that hold the answers to a question, or the ticks of one of its choices."""
        return tuple(
            at for at, target in self.columns.items() if target.question.name == name and target.choice == choice
        )


def match(table: RawTable, questionnaire: Questionnaire) -> Match:
    """Find for each column of a file the question that it answers.

    XML names are tried first (exactly, then with any separator, group or habit of R), then the columns of the field
    tools, then labels in any language of the form. A label is never split, since it may hold the separator itself.
    """
    index = _index((*questionnaire.questions, *_declared(questionnaire)))
    found = _Found()
    times = Counter(_label(header) for header in table.columns)
    for position, header in enumerate(table.columns):
        targets = index.names(header)
        role = "" if targets else _role(header)
        if role:
            found.add_meta(position, role)
            continue
        found.add(position, header, targets or index.labels(header), times=times[_label(header)])
    return found.result(questionnaire)


@dataclass(slots=True)
class _Found:
    """What has been matched so far, from the first column on."""

    columns: dict[int, Target] = field(default_factory=dict)
    meta: dict[int, str] = field(default_factory=dict)
    roles: dict[str, int] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    ambiguous: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    taken: set[tuple[int, str | None]] = field(default_factory=set)
    headers: set[str] = field(default_factory=set)

    def add_meta(self, position: int, role: str) -> None:
        self.meta[position] = role
        if role in ROLES:
            self.roles.setdefault(role, position)

    def add(self, position: int, header: str, targets: tuple[Target, ...], *, times: int) -> None:
        seen = _label(header) in self.headers
        self.headers.add(_label(header))
        free = [target for target in targets if _key(target) not in self.taken]
        if not targets:
            self.unknown.append(position)
        if seen and not free and header.strip():
            self.repeated.append(position)
        if targets:
            chosen = free[0] if free else targets[0]
            self.columns[position] = chosen
            self.taken.add(_key(chosen))
        if times < len(targets):
            self.ambiguous.append(position)

    def result(self, questionnaire: Questionnaire) -> Match:
        for position, target in self.columns.items():
            role = META.get(target.question.name.casefold(), "") if target.question.kind in {"meta", "date"} else ""
            if role in ROLES:
                self.roles.setdefault(role, position)
        have = {target.question.name for target in self.columns.values()}
        design = {question.name for question in _declared(questionnaire)} | design_names(questionnaire.design)
        stored = [q.name for q in questionnaire.questions if q.kind in STORED and not q.personal]
        wanted = [*stored, *(q.name for q in questionnaire.questions if q.name in design), *sorted(design)]
        return Match(
            columns=self.columns,
            meta=self.meta,
            roles=self.roles,
            unknown=tuple(self.unknown),
            ambiguous=tuple(self.ambiguous),
            repeated=tuple(self.repeated),
            absent=tuple(dict.fromkeys(name for name in wanted if name not in have)),
        )


def _key(target: Target) -> tuple[int, str | None]:
    return id(target.question), target.choice


def design_names(design: DesignColumns) -> frozenset[str]:
    """Columns that the design names, facets aside."""
    names = (design.weight, design.fpc, design.traffic, design.inclusion, design.psu, design.interviewer)
    return frozenset(name for name in (*names, *design.strata) if name)


def _declared(questionnaire: Questionnaire) -> tuple[Question, ...]:
    """Columns that the design names and no question collects, such as a weight that was joined to the file."""
    design = questionnaire.design
    known = {question.name for question in questionnaire.questions}
    numbers = (design.weight, design.fpc, design.traffic, design.inclusion)
    texts = (design.psu, design.interviewer)
    return (
        *(Question(name, "decimal") for name in dict.fromkeys(numbers) if name and name not in known),
        *(Question(name, "text") for name in dict.fromkeys(texts) if name and name not in {*known, *numbers}),
    )


def _role(header: str) -> str:
    return next((META[name] for name in map(_plain, _variants(header)) if name in META), "")


@dataclass(frozen=True, slots=True)
class _Index:
    """Everything a column may be called -> what it then is, in the order of the form."""

    exact: Mapping[str, tuple[Target, ...]]
    plain: Mapping[str, tuple[Target, ...]]
    underscored: Mapping[str, tuple[Target, ...]]
    label: Mapping[str, tuple[Target, ...]]
    plain_label: Mapping[str, tuple[Target, ...]]

    def names(self, header: str) -> tuple[Target, ...]:
        """Targets by XML name."""
        for text in _variants(header):
            found = self.exact.get(text) or self.plain.get(_plain(text)) or self._moved(text)
            found = found or self.underscored.get(_plain(text), ())
            if found:
                return found
        return ()

    def _moved(self, text: str) -> tuple[Target, ...]:
        """Targets of a path through groups that this form does not have: XML names hold no "/"."""
        parts = text.split("/")
        tails = ("/".join(parts[at:]) for at in range(max(1, len(parts) - 2), len(parts)))
        return next((self.exact[tail] for tail in tails if tail in self.exact), ())

    def labels(self, header: str) -> tuple[Target, ...]:
        """Targets by label: as it stands, after labels of groups, as R writes it, or as pandas numbers it."""
        whole = _label(header)
        found = self.label.get(whole) or self._in_group(whole)
        if not found:
            found = next((self.plain_label[p] for p in map(_plain, _variants(header)) if p in self.plain_label), ())
        numbered = re.fullmatch(r"(.+)\.\d{1,2}", whole, flags=re.DOTALL)
        return found or (self.label.get(numbered[1], ()) if numbered else ())

    def _in_group(self, whole: str) -> tuple[Target, ...]:
        tails = (whole[at + 1 :].strip() for at, letter in enumerate(whole) if letter in _SEPARATORS)
        found = next((self.label[tail] for tail in tails if tail in self.label), ())
        return tuple(target for target in found if target.question.group)


def _index(questions: Iterable[Question]) -> _Index:
    kinds: tuple[dict[str, dict[tuple[int, str | None], Target]], ...] = tuple(defaultdict(dict) for _ in range(5))
    exact, plain, underscored, label, plain_label = kinds
    for target in (target for question in questions for target in _targets(question)):
        key = _key(target)
        for name in _paths(target):
            exact[name][key] = target
            plain[_plain(name)][key] = target
        if target.choice is not None:
            underscored[_plain(f"{target.question.name}_{target.choice}")][key] = target
        for text in _labels(target):
            label[_label(text)][key] = target
            plain_label[_plain(text)][key] = target
    return _Index(*({name: tuple(targets.values()) for name, targets in kind.items() if name} for kind in kinds))


def _targets(question: Question) -> list[Target]:
    if question.kind == "note":
        return []
    codes = [choice.code for choice in _choices(question)] if question.kind == "select_multiple" else []
    return [Target(question), *(Target(question, code) for code in codes)]


def _choices(question: Question) -> tuple[Choice, ...]:
    return question.scale.choices if question.scale else ()


def _paths(target: Target) -> list[str]:
    """XML names with all groups, with fewer of them, and with none."""
    groups = target.question.group
    last = (target.question.name,) if target.choice is None else (target.question.name, target.choice)
    return ["/".join((*groups[at:], *last)) for at in range(len(groups) + 1)]


def _labels(target: Target) -> list[str]:
    """Labels in each language; those of a choice stand behind the question's, after any separator."""
    if target.choice is None:
        return list(target.question.labels.values())
    choice = next(choice for choice in _choices(target.question) if choice.code == target.choice)
    return [
        f"{label}{separator}{choice.labels.get(language, choice.code)}"
        for language, label in target.question.labels.items()
        for separator in _SEPARATORS
    ]


def _variants(header: str) -> list[str]:
    """Name of a column without byte-order mark, and without what R puts before names that it does not like."""
    text = unicodedata.normalize("NFC", header).strip().removeprefix(_MARK).strip()
    bare = re.sub(r"^(?:X\.U\.FEFF\.|ï\.\.|ï»¿)", "", text)
    bare = re.sub(r"^X(?=[_.\d])\.?", "", bare)
    return list(dict.fromkeys((text, bare)))


def _plain(text: str) -> str:
    """Name with every separator alike, as R's make.names leaves it, in lower case."""
    return re.sub(r"[^\w]+", ".", unicodedata.normalize("NFC", text).casefold()).strip(".")


def _label(text: str) -> str:
    """Label with single spaces, in lower case."""
    return " ".join(unicodedata.normalize("NFC", text).removeprefix(_MARK).split()).casefold()
