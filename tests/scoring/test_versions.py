"""A trend joins two versions of a definition only where somebody said that they mean the same."""

import pytest

from scoring import Framework, RequestError
from scoring.versions import bridged, history_faults, joinable, refuse_unbridged
from tests.strategies import FRAMEWORK

HEAD = 'version = "1"'
BRIDGE = '[[bridge]]\nfrom = "1"\nmeasures = ["index", "x"]\nreason = "the order of the answers was turned"\n'
FIRST = Framework.from_toml(FRAMEWORK)
CHANGED = FRAMEWORK.replace("weight = 3", "weight = 2")


def second(*, bridge: str = BRIDGE, identity: str = "small") -> Framework:
    text = CHANGED.replace(HEAD, 'version = "2"').replace('id = "small"', f'id = "{identity}"')
    return Framework.from_toml(text + bridge)


def test_only_measures_of_a_bridge_are_joined_over_versions_either_way() -> None:
    assert [code for code in FIRST.measures if bridged(FIRST, second(), code)] == ["index", "x"]
    assert [code for code in FIRST.measures if bridged(second(), FIRST, code)] == ["index", "x"]


def test_without_a_bridge_not_even_an_unchanged_measure_is_joined() -> None:
    assert not bridged(FIRST, second(bridge=""), "z")


def test_a_version_is_joined_with_itself_but_not_with_other_content_of_its_name() -> None:
    assert bridged(FIRST, Framework.from_toml(FRAMEWORK.replace("Alone", "By itself")), "y")
    assert not bridged(FIRST, Framework.from_toml(CHANGED), "z")


def test_another_framework_or_a_measure_of_one_alone_is_never_joined() -> None:
    assert not bridged(FIRST, second(identity="large"), "index")
    assert not bridged(FIRST, second(), "fame")


def test_what_is_not_bridged_is_refused_with_versions_and_remedy() -> None:
    refuse_unbridged(FIRST, second(), ["index", "x"])
    with pytest.raises(RequestError, match=r"y, z: small 1 and small 2 .* add a \[\[bridge\]\] from = '1'"):
        refuse_unbridged(FIRST, second(), ["index", "y", "z"])


def test_a_version_used_again_with_other_content_is_a_fault_with_its_remedy() -> None:
    (fault,) = history_faults(Framework.from_toml(CHANGED), [FIRST])
    assert fault.key == "version"
    assert fault.problem.startswith("'1' was used before with other content")
    assert FIRST.digest in fault.problem
    assert fault.remedy.startswith("raise the version, and add a [[bridge]]")


def test_the_same_content_other_versions_and_other_frameworks_are_no_fault() -> None:
    other = Framework.from_toml(CHANGED.replace('id = "small"', 'id = "large"'))
    assert history_faults(Framework.from_toml(CHANGED), [other]) == ()
    assert history_faults(second(), [FIRST]) == ()
    assert history_faults(FIRST, [FIRST]) == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('from = "1"', 'from = "0"', "there is no such earlier version"),
        ('"x"', '"hours"', "measure 'hours' was not in that version"),
    ],
)
def test_a_bridge_that_hangs_in_the_air_is_a_fault(old: str, new: str, problem: str) -> None:
    before = Framework.from_toml(FRAMEWORK[: FRAMEWORK.rindex("[[indicator]]")])  # without `hours`
    (fault,) = history_faults(second(bridge=BRIDGE.replace(old, new)), [before])
    assert (fault.problem, fault.key) == (problem, "bridge 0" if "0" in new else "bridge 1")


def test_figures_of_a_release_are_joined_by_their_label() -> None:
    assert joinable(second(), "small 2") == second().measures
    assert joinable(second(), "small 1") == ("index", "x")
    assert joinable(second(), "small 0") == ()
    assert joinable(second(), "large 1") == ()
