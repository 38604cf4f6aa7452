"""The product as people meet it: a real server, a real browser."""

import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

from app import settings
from app.workflow import fieldwork
from surveys import simulate

pytestmark = pytest.mark.browser

FIRST_LOAD = 3 * 1024 * 1024  # bytes


def wave_file(*, spoiled: bool) -> bytes:
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    frame = simulate.draw(fieldwork.instrument("traveller"), truth, wave="2026", seed=11).head(320)
    if spoiled:
        frame.loc[frame.index[3], "conduct_respect"] = "9"
        frame = frame.assign(phone="+992 90 000 00 00")
    return frame.to_csv(index=False).encode()


def send(visit: Any, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": data}
    visit.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    expect(visit.page.get_by_text("Checked:")).to_be_visible(timeout=30_000)
    visit.settle()


def follow(visit: Any, section: str, name: str) -> None:
    """Go to a page by the navigation: a menu of sections at a desk, a drawer on a telephone."""
    menu = visit.page.get_by_test_id("stTopNavSection").filter(has_text=section)
    menu.or_(visit.page.get_by_test_id("stExpandSidebarButton")).first.click()
    links = visit.page.get_by_test_id("stTopNavDropdownLink").or_(visit.page.get_by_test_id("stSidebarNavLink"))
    links.filter(has_text=re.compile(f"^{name}$")).first.click()
    expect(visit.page.get_by_role("heading", level=1, name=name, exact=True)).to_be_attached()
    drawer = visit.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button")
    if drawer.is_visible():
        drawer.click()


def title(visit: Any) -> Any:
    return visit.page.locator(".st-key-main svg .role-title-text").first


STUDIES = {
    "Study": ("Compare", "Chain", "Effects", "Drivers", "Results", "Items", "What if", "Soundness", "Context"),
    "Data": ("Releases", "Withdraw"),
}


@pytest.mark.parametrize("path", ["", "explore", "trends", "upload"])
def test_a_page_asks_no_other_host_complains_of_nothing_and_fits_the_screen(visit: Any, path: str) -> None:
    visit.open(path)
    visit.shoot(path or "home")
    assert visit.foreign == []
    assert visit.errors == []
    main = visit.page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0


def test_every_other_page_opens_by_the_navigation_and_does_the_same(visit: Any) -> None:
    visit.open("")
    for section, names in STUDIES.items():
        for name in names:
            follow(visit, section, name)
            expect(visit.page.get_by_role("heading", level=1)).to_have_text(name)
            visit.settle()
            visit.shoot(name.lower().replace(" ", "-"))
            main = visit.page.get_by_test_id("stMain")
            assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0, name
            assert visit.errors == [], name
    assert visit.foreign == []


def test_a_first_visit_stays_light(desk: Any) -> None:
    desk.open("explore")
    assert desk.size < FIRST_LOAD


def test_filters_are_kept_by_the_address_after_a_reload(desk: Any) -> None:
    desk.open("explore")
    desk.page.get_by_role("radio", name="Integrity").click()
    desk.page.get_by_role("radio", name="Right bank").click()
    expect(desk.page).to_have_url(re.compile("side="))
    desk.settle()
    expect(title(desk)).to_have_text("Integrity: Right bank, 2026")
    desk.page.reload()
    desk.settle()
    expect(title(desk)).to_have_text("Integrity: Right bank, 2026")
    desk.shoot("explore_filtered")


def test_a_click_on_a_dot_opens_the_profile_of_its_crossing(desk: Any) -> None:
    desk.open("explore")
    desk.page.locator(".st-key-main g.mark-symbol.role-mark path").last.click(force=True)
    desk.settle()
    profile = desk.page.get_by_label(re.compile("^Poplar Bridge: Left bank"))
    expect(profile).to_be_visible(timeout=15_000)


def test_a_what_if_is_kept_by_the_address_and_taken_back_by_its_button(desk: Any) -> None:
    desk.open("what-if")
    desk.page.get_by_label("Rules and fees").fill("3")
    desk.page.get_by_label("Rules and fees").press("Enter")
    expect(desk.page).to_have_url(re.compile("weight_rules=3"))
    changed = desk.page.get_by_text("Changed: weight of Rules and fees 3.").first
    expect(changed).to_be_visible()
    desk.page.reload()
    desk.settle()
    expect(changed).to_be_visible()
    expect(desk.page.get_by_label(re.compile("^What if: Accountability"))).to_contain_text(
        "UNOFFICIAL: nobody published this."
    )
    desk.shoot("what_if_changed")
    desk.page.get_by_role("button", name="As published").click()
    expect(desk.page.get_by_text("Nothing is changed: as published.").first).to_be_visible()
    expect(desk.page).not_to_have_url(re.compile("weight_rules"))
    assert desk.errors == []


def test_studies_are_found_in_the_navigation_by_hand_and_at_a_desk(visit: Any) -> None:
    visit.open("")
    follow(visit, "Study", "Soundness")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Soundness")
    expect(visit.page.get_by_text("hang together only loosely").first).to_be_visible()
    assert visit.errors == []


def test_the_figures_behind_the_words_on_soundness_open(desk: Any) -> None:
    desk.open("soundness")
    desk.page.get_by_text("Influence against weight").click()
    expect(desk.page.get_by_label(re.compile("^Accountability: Left bank"))).to_be_visible()
    desk.settle()
    desk.shoot("soundness_influence")
    assert desk.errors == []


def test_trends_fit_one_screen_and_one_sheet_of_paper(desk: Any) -> None:
    desk.open("trends")
    main = desk.page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollHeight - main.clientHeight") <= 0
    paper = desk.page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", paper)) == 1


def test_the_method_drawer_opens_on_a_page(visit: Any) -> None:
    visit.open("trends")
    visit.page.get_by_role("button", name="Method").click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Accountability", timeout=15_000)
    dialog.get_by_role("tab", name="Questions and weights").click()
    visit.settle()
    visit.shoot("method")
    assert visit.errors == []


def test_a_bad_file_is_told_by_row_and_nothing_is_stored(visit: Any) -> None:
    visit.open("upload")
    send(visit, "wave_with_faults.csv", wave_file(spoiled=True))
    visit.shoot("upload_bad")
    expect(visit.page.get_by_text("to mend,")).to_be_visible()
    expect(visit.page.get_by_text("Personal data, not kept")).to_contain_text("phone")
    expect(visit.page.get_by_role("button", name="Store as a draft")).to_have_count(0)
    assert visit.errors == []


def test_a_good_file_is_stored_once_and_then_said_to_be_there(desk: Any) -> None:
    desk.open("upload")
    desk.page.get_by_label("Wave").fill("2026")
    desk.page.get_by_label("Your initials").fill("AB")
    desk.page.get_by_label("Your initials").press("Enter")
    desk.settle()
    send(desk, "wave.csv", wave_file(spoiled=False))
    desk.page.get_by_text("I have looked at these").click()
    store = desk.page.get_by_role("button", name="Store as a draft")
    expect(store).to_be_enabled(timeout=15_000)
    store.click()
    expect(desk.page.get_by_text("Stored as a draft: ")).to_be_visible(timeout=30_000)
    desk.settle()
    desk.shoot("upload_good")
    store.click()
    expect(desk.page.get_by_text("already there")).to_be_visible(timeout=30_000)
    assert desk.errors == []


def test_a_picture_named_csv_is_refused_in_a_sentence_and_the_server_lives(desk: Any) -> None:
    desk.open("upload")
    file = {"name": "wave.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(64)}
    desk.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    expect(desk.page.get_by_text("not a table")).to_be_visible(timeout=30_000)
    desk.shoot("upload_refused")
    desk.open("explore")
    assert desk.errors == []


def test_answers_of_the_server_bear_the_security_headers(server: str) -> None:
    with urllib.request.urlopen(f"{server}/") as answer:  # noqa: S310 - our own server
        headers = dict(answer.headers)
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
