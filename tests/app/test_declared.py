"""What is declared beside the answers: read whole or refused with every fault, and fit for the survey it goes with."""

import csv
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.settings import DEMO, ROOT
from app.workflow import declared, publishing, releases
from app.workflow.declared import FILES, Declared
from app.workflow.results import Release
from scoring.comparability import read_key
from surveys.errors import StoreError
from surveys.store import Store
from tests.filled import NOON, RIVER, send

law = settings(max_examples=150, deadline=None, derandomize=True, database=None)
AGREED = "code,item,office,action,due,since,side"
KEPT = "c1,fees_posted,customs_service,post_fees,2026,2022,left_bank"


@pytest.fixture(scope="module")
def demo_texts() -> dict[str, str]:
    return declared.load(DEMO / "declared")


def wrong(name: str, text: str) -> str:
    """What is said of a faulty file."""
    with pytest.raises(StoreError) as refused:
        declared.read({name: text})
    return str(refused.value)


# Reading


def test_every_file_of_the_demo_is_read(demo_texts: dict[str, str]) -> None:
    found = declared.read(demo_texts)
    assert [one.code for one in found.commitments] == ["L1", "L2", "R1", "R2"]
    assert found.commitments[0].where == {"side": "left_bank", "post": "heron_ferry"}
    assert found.commitments[1].target == 60.0
    assert found.interventions["post"].tolist() == ["heron_ferry", "willow_bridge", "walnut_ford", "quince_gate"]
    assert {(one.measure, one.reach) for one in found.targets} >= {("bribery", "at_most"), ("integrity", "at_least")}
    assert found.targets[2].baseline == 57.0
    assert len(found.holders) == 2 * (1 + 4)
    assert all(len(links) == 6 for links in found.holders.values())
    assert found.powers["service_hours"] == 0.5
    assert found.days["2022"] == ("2022-05-09", "2022-05-16")
    assert found.years == {"2022": 2022.0, "2024": 2024.0, "2026": 2026.0}
    assert found.bridges == {}


def test_what_is_declared_of_a_wave_is_a_key_of_the_engine(demo_texts: dict[str, str]) -> None:
    for wave, given_ in declared.read(demo_texts).keys.items():
        key = read_key({"wave": wave, **given_})
        assert (key.calendar, key.mode, key.place) == (frozenset(), "face_to_face", "exit")


def test_the_interventions_of_the_demo_are_those_of_its_table() -> None:
    with (DEMO / "interventions_four_posts.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert declared.read(declared.load(DEMO / "declared")).interventions.to_dict("records") == rows


def test_nothing_declared_is_read_as_nothing() -> None:
    found = declared.read({})
    assert found.interventions.columns.tolist() == ["post", "date", "kind"]
    assert (found.commitments, found.targets, dict(found.holders), dict(found.keys)) == ((), (), {}, {})


def test_a_file_of_a_later_version_is_left_as_it_is() -> None:
    assert declared.read({"pledges": "x", "powers": "item,power\na,1"}).powers == {"a": 1.0}


def test_semicolons_blank_rows_and_a_mark_of_the_byte_order_are_no_fault() -> None:
    data = "item;power\n\n fees_posted ; 0.5\n;\n".encode("utf-8-sig")
    assert declared.read(declared.decoded({"powers.csv": data})).powers == {"fees_posted": 0.5}


def test_a_bridge_is_read_by_its_pair_of_waves() -> None:
    text = '[[bridge]]\nsince = "2022"\nwave = "2024"\naspect = "mode"\nreason = "asked both ways in 2024"\n'
    assert declared.read({"waves": text}).bridges == {("2022", "2024"): {"mode": "asked both ways in 2024"}}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("commitments", "", "commitments.csv has no header"),
        ("commitments", f"{AGREED},due\n{KEPT},2028", "row 1: column due stands twice"),
        ("commitments", f"{AGREED}\n{KEPT},more", "row 2: it has more cells than there are columns"),
        ("commitments", f"{AGREED},Direction!\n{KEPT},better", "row 1: column 'Direction!' is not known"),
        ("commitments", f"{AGREED}\n{KEPT}\n{KEPT}", "row 3, column code: it says of the same thing"),
        ("commitments", f"{AGREED},direction\n{KEPT},up", "column direction: 'up' is not known; it may be"),
        ("commitments", f"{AGREED},target\n{KEPT},sixty", "row 2, column target: 'sixty' is no number"),
        ("commitments", f'{AGREED},target\n{KEPT},"60,5"', "write it as 45.5"),
        ("commitments", f"{AGREED}\n{KEPT.replace('customs_service', '')}", "row 2, column office: it is empty"),
        ("commitments", f"{AGREED},post\n{KEPT.replace('customs_service', 'Post command')},ferry", "is one person"),
        ("interventions", "post,kind\nferry,training", "row 1: column date is missing"),
        ("interventions", "post,date,kind\nferry,13.03.2023,training", "'13.03.2023' is no day; write it as"),
        ("interventions", "post,date,kind\nferry,2023-02-30,training", "'2023-02-30' is no day"),
        ("interventions", "post,date,kind,note\nferry,2023-02-20,training,x", "column 'note' is not known"),
        ("targets", "measure,side,target,due\nintegrity,left,nan,2026", "'nan' is no number"),
        ("targets", "measure,side,target,due,reach\nintegrity,left,60,2026,over", "it may be at_least or at_most"),
        ("targets", "measure,side,target,due,baseline\nintegrity,left,60,2026,1e3", "column baseline: '1e3'"),
        ("targets", "measure,side,target,due\na,l,60,2026\na,l,70,2026", "row 3, column measure: it says of the same"),
        ("holders", "side,link,holders\nleft,link_post,-1", "'-1' is no count of people"),
        ("holders", "side,link,holders\nleft,link_post,4.5", "give a whole number from 0"),
        ("holders", "side,link,holders\nleft,link_post,5\nleft,link_post,6", "row 3, column side: it says of the same"),
        ("powers", "item,power\nfees_posted,1.2", "'1.2' is no share; give it from 0 to 1"),
        ("powers", "item,power\nfees_posted,-0.1", "give it from 0 to 1"),
        ("powers", 'item,power\n"fees\nposted",1', "it holds a line break"),
        ("waves", "[waves.2022", "waves.toml is no TOML"),
        ("waves", "[wave.2022]", "part 'wave': it is not known"),
        ("waves", "waves = 3", "write each wave as [waves.2026]"),
        ("waves", "[waves]\n2022 = 5", "wave '2022': write it as"),
        ("waves", "[waves.2022]\nfirst_day = 2022-05-09", "first_day: give both first_day and last_day"),
        ("waves", "[waves.2022]\nfirst_day = 2022-05-09\nlast_day = 2022-05-01", "last_day: it is before first_day"),
        ("waves", "[waves.2022]\nfirst_day = 'May'\nlast_day = 2022-05-01", "first_day: 'May' is no day"),
        ("waves", "[waves.2022]\nyear = 'soon'", "wave '2022', year: give a number"),
        ("waves", "[waves.2022]\nyear = inf", "year: give a number"),
        ("waves", "[waves.2022]\nyear = 22", "year: give one from 1900 to 2200"),
        ("waves", "[waves.2022]\ncalendar = ['winter']", "calendar holds 'winter'"),
        ("waves", "[waves.2022]\ncalendar = [{}]", "calendar: give a list of words"),
        ("waves", "[waves.2022]\nteams = 'north'", "teams: give a list of words"),
        ("waves", "[waves.2022]\nmode = 3", "mode has to be a word"),
        ("waves", "[waves.2022]\nweather = 'fine'", "'weather' is no part of it"),
        ("waves", "[waves.2022]\nofficer_in_sight = 2", "officer_in_sight has to be a share"),
        ("waves", "[waves.2022]\nplace = 'call +992 90 123 4567'", "place: it holds what looks like a phone"),
        ("waves", "bridge = 'no'", "write each bridge as [[bridge]]"),
        ("waves", "[[bridge]]\nsince = '2022'", "bridge 1: it holds since, wave, aspect, reason"),
        ("waves", "[[bridge]]\nsince='1'\nwave='2'\naspect='weather'\nreason='x'", "aspect: 'weather' is not known"),
        ("waves", "[[bridge]]\nsince='1'\nwave='1'\naspect='mode'\nreason='x'", "it joins a wave to itself"),
        ("waves", 2 * "[[bridge]]\nsince='1'\nwave='2'\naspect='mode'\nreason='x'\n", "bridged twice"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_file_and_place_and_what_to_do(name: str, text: str, said: str) -> None:
    told = wrong(name, text)
    assert said in told
    assert FILES[name] in told


def test_all_faults_of_all_files_stand_in_one_message() -> None:
    texts = {
        "commitments": f"{AGREED},target,direction\n{KEPT},x,up\nc2,item,,post_fees,2026,2022,left_bank,,",
        "powers": "item,power\na,2\nb,3",
        "waves": "[waves.2022]\nyear = 22\nmode = 3",
    }
    with pytest.raises(StoreError) as refused:
        declared.read(texts)
    lines = str(refused.value).split("\n")
    places = ["row 2, column target", "row 2, column direction", "row 3, column office", "row 2, column power",
              "row 3, column power", "year", "mode"]  # fmt: skip
    assert len(lines) == len(places)
    assert all(any(place in line for line in lines) for place in places)


def test_of_very_many_faults_the_first_are_named_and_the_others_counted() -> None:
    told = wrong("powers", "item,power\n" + "\n".join(f"item_{at},9" for at in range(100)))
    assert told.count("\n") == 20
    assert told.endswith("and 80 more")


def test_a_file_that_is_too_long_or_no_text_or_unknown_is_refused() -> None:
    assert "longer than 200,000 letters" in wrong("powers", "item,power\n" + "a" * 200_001)
    with pytest.raises(StoreError, match=r"powers\.csv is not UTF-8"):
        declared.decoded({"powers.csv": b"\xff\xfe"})
    with pytest.raises(StoreError, match=r"'answers\.csv' is none of the files that may be declared"):
        declared.decoded({"answers.csv": b""})


def test_a_folder_without_any_of_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="none of the files is there"):
        declared.load(tmp_path)


# An office, never a person


@pytest.mark.parametrize(
    "office",
    ["Mr Karimov", "Mrs. Karimova", "Col. Rahimov", "Colonel Rahimov", "Maj. Rahimov of customs", "Полковник Рахимов",
     "Head of customs, Nurali Saidov", "A. Rahimov", "Customs service (+992 90 123 4567)", "chief@customs.example"],
)  # fmt: skip
def test_a_person_is_refused_where_an_office_belongs(office: str) -> None:
    cells = KEPT.split(",")
    cells[2] = f'"{office}"'
    told = wrong("commitments", f"{AGREED}\n{','.join(cells)}")
    assert "row 2, column office" in told
    assert "never a person" in told or "take it out" in told


def test_every_office_and_action_of_the_glossary_may_be_named() -> None:
    with (ROOT / "data" / "glossary.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] in ("office", "action")]
    for row in rows:
        for words in (row["code"], row["en"]):
            cells = KEPT.split(",")
            cells[2 if row["kind"] == "office" else 3] = f'"{words}"'
            assert declared.read({"commitments": f"{AGREED}\n{','.join(cells)}"}).commitments


@pytest.mark.parametrize(
    "office",
    ["General Directorate of Customs", "Tursunzoda regional customs office", "Plant and Animal Quarantine",
     "Major Crimes Office", "Regional command", "Гумруки минтақавӣ", "گمرک ولایت"],
)  # fmt: skip
def test_an_office_is_not_taken_for_a_person(office: str) -> None:
    cells = KEPT.split(",")
    cells[2] = office
    assert declared.read({"commitments": f"{AGREED}\n{','.join(cells)}"}).commitments[0].office == office


@pytest.mark.parametrize("column", ["item", "action"])
def test_nobody_is_named_in_what_was_agreed_either(column: str) -> None:
    cells = KEPT.split(",")
    cells[AGREED.split(",").index(column)] = "Write to Col. Rahimov"
    assert f"column {column}: it names a person" in wrong("commitments", f"{AGREED}\n{','.join(cells)}")


# Whatever stands in a file, it is read or refused in words

CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "2026", "2026-05-04", "0.5", "-1", "nan", "better", "at_most", "left_bank", '"', "Mr X", "\x00"]
    ),
)
HEADERS = st.lists(
    st.sampled_from([*AGREED.split(","), "post", "date", "kind", "measure", "target", "reach", "baseline", "source",
                     "link", "holders", "agency", "power", "", "Nonsense"]), max_size=9,
)  # fmt: skip
TABLES = st.tuples(HEADERS, st.lists(st.lists(CELLS, max_size=10), max_size=4)).map(
    lambda both: "\n".join(",".join(line) for line in (both[0], *both[1]))
)
VALUES = st.sampled_from(
    ["1", "-1.5", "nan", "true", "'x'", "[]", "[1]", "['a', 2]", "{}", "{a = 1}", "2022-05-09", "2022-05-09T10:00:00",
     "10:00:00", "[[]]", "'2022'", "''", "9" * 30]
)  # fmt: skip
KEYS = st.sampled_from(
    ["first_day", "last_day", "year", "calendar", "mode", "place", "teams", "languages", "officer_in_sight", "since",
     "wave", "aspect", "reason", "instrument", "framework", "other"]
)  # fmt: skip
PARTS = st.sampled_from(["[waves.2022]", "[waves.'a b']", "[[bridge]]", "[waves]", "[bridge]", "[other]"])
WAVES = st.lists(st.tuples(PARTS, st.dictionaries(KEYS, VALUES, max_size=5)), max_size=3).map(
    lambda parts: "\n".join(
        "\n".join([part, *(f"{name} = {value}" for name, value in held.items())]) for part, held in parts
    )
)


def read_or_refused(texts: dict[str, str]) -> None:
    """Anything but a refusal in words fails."""
    with suppress(StoreError):
        found = declared.read(texts)
        assert isinstance(found, Declared)
        assert all(0 <= power <= 1 for power in found.powers.values())
        assert all(count >= 0 for links in found.holders.values() for count in links.values())
        assert [read_key({"wave": wave, **key}).wave for wave, key in found.keys.items()] == list(found.keys)


@law
@given(st.sampled_from(sorted(FILES)), st.text(max_size=200))
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    read_or_refused({name: text})


@law
@given(st.sampled_from(sorted(set(FILES) - {"waves"})), TABLES)
def test_any_table_is_read_or_refused(name: str, text: str) -> None:
    read_or_refused({name: text})


@law
@given(WAVES)
def test_any_waves_are_read_or_refused(text: str) -> None:
    read_or_refused({"waves": text})


@law
@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(StoreError):
        assert set(declared.decoded({"waves.toml": data})) == {"waves"}


def test_brackets_without_end_are_refused_in_words() -> None:
    assert "is no TOML" in wrong("waves", "a = " + "[" * 50_000)


# Fit for the survey


def test_what_the_demo_declares_fits_each_of_its_releases(demo_store: Store, demo_texts: dict[str, str]) -> None:
    for number in (1, 2, 3):
        document = releases.read(demo_store, "demo", number).document
        assert dict(document.declared) == demo_texts
        declared.refuse_unfit(demo_texts, document=document)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("commitments", f"{AGREED}\n{KEPT.replace('fees_posted', 'fees')}", "column item: 'fees' is not measured"),
        ("commitments", f"{AGREED},evidence\n{KEPT},fees", "column evidence: 'fees' is not measured"),
        ("commitments", f"{AGREED},evidence\n{KEPT},reported", "may be good or bad"),
        ("commitments", f"{AGREED},evidence,direction\n{KEPT},wait_hours,better", "more of 'wait_hours' is worse"),
        ("commitments", f"{AGREED},evidence,post\n{KEPT},link_post,heron_ferry", "'link_post' is not shown by side"),
        ("commitments", f"{AGREED},post\n{KEPT},far_ferry", "column post: 'far_ferry' is not known"),
        ("commitments", f"{AGREED},targett\n{KEPT},60", "column targett: no such table; there are: side; side post"),
        ("commitments", f"{AGREED}\n{KEPT.replace('left_bank', 'north')}", "column side: 'north' is not known"),
        ("commitments", f"{AGREED}\n{KEPT.replace('2022', '2020')}", "column since: there is no wave '2020'"),
        ("commitments", f"{AGREED}\n{KEPT.replace('2026', 'soon')}", "column due: 'soon' is no wave"),
        ("commitments", f"{AGREED}\n{KEPT.replace('2026', '2022')}", "it has to be later"),
        ("interventions", "post,date,kind\nfar_ferry,2023-03-13,training", "column post: 'far_ferry' is not known"),
        ("targets", "measure,side,target,due\nfees,left_bank,60,2026", "column measure: 'fees' is not measured"),
        ("targets", "measure,side,target,due,reach\nbribery,left_bank,10,2026,at_least", "more of it is worse"),
        ("targets", "measure,side,target,due\nreported,left_bank,10,2026", "say at_least or at_most"),
        ("targets", "measure,side,target,due,baseline_of\nbribery,left_bank,10,2026,2019", "give the figure itself"),
        ("targets", "measure,side,target,due,baseline\nbribery,left_bank,10,2026,9", "say where the baseline comes"),
        ("targets", "measure,side,target,due\nbribery,left_bank,10,May", "'May' is neither a wave nor a year"),
        ("holders", "side,link,holders\nleft_bank,link_moon,9", "column link: 'link_moon' is not known"),
        ("holders", "side,agency,link,holders\nleft_bank,navy,link_post,9", "column agency: 'navy' is not known"),
        ("powers", "item,power\naccountability,1", "column item: 'accountability' is not known"),
        ("waves", "[waves.2023]\nyear = 2023", "wave '2023': there is none; waves are 2022, 2024, 2026"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_survey_is_named_with_what_there_is(
    demo_release: Release, name: str, text: str, said: str
) -> None:
    with pytest.raises(StoreError) as refused:
        declared.refuse_unfit({name: text}, document=demo_release.document)
    assert said in str(refused.value)
    assert FILES[name] in str(refused.value)


def test_what_is_due_or_to_be_measured_in_a_wave_to_come_fits(demo_release: Release) -> None:
    texts = {
        "commitments": f"{AGREED}\n{KEPT.replace('2026,2022', '2030,2028')}",
        "targets": "measure,side,target,due,baseline_of\nbribery,left_bank,10,2030,2028",
        "waves": "[waves.2028]\nyear = 2028",
    }
    declared.refuse_unfit(texts, document=demo_release.document)


def test_a_candidate_is_not_made_with_what_does_not_fit(fresh_store: Store, tmp_path: Path) -> None:
    send(fresh_store, tmp_path, "2022")
    unfit = {"powers": "item,power\nfees,1", "interventions": "post,date,kind\nquince_gate,2023-03-13,training"}
    with pytest.raises(StoreError) as refused:
        publishing.prepare(fresh_store, RIVER, waves=["2022"], who="team", at=NOON, declared=unfit)
    assert "powers.csv, row 2" in str(refused.value)
    assert "interventions.csv, row 2, column post: 'quince_gate' is not known" in str(refused.value)
    assert list(fresh_store.releases(RIVER)) == []
