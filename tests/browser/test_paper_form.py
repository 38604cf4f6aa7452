"""The forms as they come out of a printer."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from surveys import papers, xlsform

INSTRUMENTS = Path(__file__).resolve().parents[2] / "data" / "instruments"

PAGES = {"traveller": 4, "officer": 3, "nonuser": 1}
PRINTED = tuple(PAGES) if os.environ.get("SARHAD_ENDURANCE") == "1" else ("traveller",)

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", PRINTED)
def test_a_form_fits_on_its_pages(name: str, browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(papers.paper(xlsform.load(INSTRUMENTS / name), beside=papers.asides(INSTRUMENTS / name)))
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    pages = printed.count(b"/Type /Page") - printed.count(b"/Type /Pages")
    assert 1 <= pages <= PAGES[name]
