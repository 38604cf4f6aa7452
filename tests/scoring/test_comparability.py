"""Whether two waves may be compared: what differs is refused, or bridged with its reason."""

from typing import Any

import pytest

from scoring import RequestError
from scoring.comparability import ASPECTS, WaveKey, compare_keys, read_key

DECLARED: dict[str, Any] = {
    "calendar": ["harvest"],
    "mode": "face_to_face",
    "languages": {"tg": 0.6, "fa": 0.3, "ru": 0.1},
    "place": "exit",
    "officer_in_sight": 0.1,
    "teams": ["a", "b"],
    "instrument": "traveller 1",
    "framework": "border 1",
}


def key(wave: str = "2024", **changed: Any) -> WaveKey:
    given = {"wave": wave} | DECLARED | changed
    return read_key({name: value for name, value in given.items() if value is not None})


OTHER: list[tuple[str, Any]] = [
    ("calendar", ["ramadan", "harvest"]),
    ("calendar", []),
    ("mode", "phone"),
    ("languages", {"tg": 0.3, "fa": 0.6, "ru": 0.1}),
    ("languages", {"en": 1.0}),
    ("place", "queue"),
    ("officer_in_sight", 0.4),
    ("teams", ["c"]),
    ("instrument", "traveller 2"),
    ("framework", "border 2"),
]


def test_waves_made_alike_are_comparable() -> None:
    found = compare_keys(key("2022"), key("2024"))
    assert (found.status, found.findings) == ("comparable", ())


@pytest.mark.parametrize(("aspect", "value"), OTHER)
def test_wave_made_otherwise_is_refused_with_the_aspect_that_differs(aspect: str, value: Any) -> None:
    found = compare_keys(key("2022"), key("2024", **{aspect: value}))
    (reason,) = found.reasons
    assert (found.status, reason.code, reason.params["aspect"]) == ("refused", f"other_{aspect}", aspect)
    assert reason.params["old"] != reason.params["new"]
    assert (reason.params["since"], reason.params["wave"]) == ("2022", "2024")


@pytest.mark.parametrize(("aspect", "value"), OTHER)
def test_declared_reason_bridges_the_difference_it_names(aspect: str, value: Any) -> None:
    found = compare_keys(
        key("2022"), key("2024", **{aspect: value}), bridges={aspect: " asked both ways at two posts "}
    )
    (finding,) = found.findings
    assert (found.status, found.reasons) == ("bridged", ())
    assert finding.params["bridge"] == "asked both ways at two posts"


def test_one_bridge_does_not_carry_two_differences() -> None:
    found = compare_keys(key(), key(mode="phone", place="market"), bridges={"mode": "both modes at two posts"})
    assert found.status == "refused"
    assert [one.code for one in found.reasons] == ["other_place"]
    assert [one.code for one in found.findings] == ["other_mode", "other_place"]


def test_an_empty_reason_is_no_bridge() -> None:
    assert compare_keys(key(), key(mode="phone"), bridges={"mode": "  "}).status == "refused"


@pytest.mark.parametrize(
    ("aspect", "value"),
    [
        ("languages", {"tg": 0.4, "fa": 0.5, "ru": 0.1}),
        ("officer_in_sight", 0.3),
        ("teams", ["b", "c"]),
        ("calendar", ["harvest", "harvest"]),
    ],
)
def test_small_shifts_are_no_difference(aspect: str, value: Any) -> None:
    assert compare_keys(key(), key(**{aspect: value})).status == "comparable"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_aspect_that_is_declared_of_one_wave_alone_is_refused(aspect: str) -> None:
    found = compare_keys(key("2022", **{aspect: None}), key("2024"))
    (reason,) = found.reasons
    assert (found.status, reason.code, reason.params["missing"]) == ("refused", "half_declared", "2022")
    assert compare_keys(key("2022", **{aspect: None}), key("2024"), bridges={aspect: "known"}).status == "bridged"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_aspect_that_nobody_declared_is_told_and_refuses_nothing(aspect: str) -> None:
    found = compare_keys(key("2022", **{aspect: None}), key("2024", **{aspect: None}))
    assert found.status == "comparable"
    assert [(one.code, one.params["aspect"]) for one in found.findings] == [("not_declared", aspect)]


def test_bridges_that_nothing_needs_or_nobody_knows_are_refused() -> None:
    with pytest.raises(RequestError, match="2022 and 2024 do not differ in mode; take out its bridge"):
        compare_keys(key("2022"), key("2024"), bridges={"mode": "asked both ways"})
    with pytest.raises(RequestError, match="bridge of 'weather': it may be of calendar"):
        compare_keys(key("2022"), key("2024"), bridges={"weather": "dry"})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wave": ""}, "it names no wave"),
        ({"weather": "dry"}, "'weather' is no part of it"),
        ({"calendar": ["christmas"]}, "calendar holds 'christmas'; it may hold ramadan, navruz, harvest, pass_closure"),
        ({"calendar": "harvest"}, "calendar has to be a list"),
        ({"teams": "a"}, "teams has to be a list"),
        ({"mode": " "}, "mode has to be a word"),
        ({"languages": {"tg": 0.6}}, "add up to 1"),
        ({"languages": {"tg": 1.5, "fa": -0.5}}, "add up to 1"),
        ({"languages": ["tg"]}, "shares by language"),
        ({"officer_in_sight": 20}, "a share from 0 to 1"),
    ],
)
def test_faults_of_a_key_are_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_key({"wave": "2024"} | DECLARED | changed)


def test_all_faults_of_a_key_are_named_at_once() -> None:
    with pytest.raises(RequestError, match=r"mode has to be a word.*officer_in_sight has to be a share"):
        key(mode="", officer_in_sight=2)
