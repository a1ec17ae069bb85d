"""The pages in a real browser, on a desk and on a phone: what people do all day, by mouse and by keyboard, and what
axe-core, which knows what people need who see or move otherwise, has to say."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.structure.packages import TOP
from tests.support import documents
from tests.support.pages import PASSWORD, PagesSite
from tests.support.site import letter, until

pytestmark = pytest.mark.needs("chromium")
AXE = TOP / "tests/peers/node/node_modules/axe-core/axe.min.js"
SIZES = {"desk": (1280, 860), "phone": (390, 844)}
#: What Chromium is asked to leave alone.
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
DROP = """([place, name, text]) => {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, {type: "application/pdf"}));
    document.querySelector(place).dispatchEvent(new DragEvent("drop", {dataTransfer: carried, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Browser, site: PagesSite) -> Iterator[Page]:
    """A window in which nothing is asked of anybody else, and no script or policy complains."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    window = context.new_page()
    window.set_default_timeout(20_000)
    asked: list[str] = []
    wrong: list[str] = []

    def note(sent: Request) -> None:
        if not sent.url.startswith((site.url, "data:")):
            asked.append(sent.url)

    window.on("request", note)
    window.on("pageerror", lambda error: wrong.append(str(error)))
    window.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    # A form that was declined is an answer with 422, which browsers report.
    window.on("response", lambda told: wrong.append(f"{told.status} {told.url}") if told.status >= 500 else None)
    yield window
    context.close()
    assert asked == [] and [each for each in wrong if "status of 422" not in each] == []


def sign_in(page: Page, site: PagesSite, login: str = "olga") -> None:
    page.goto(site.url)
    page.get_by_label("User").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def judged(page: Page) -> None:
    """axe-core finds nothing, in light and in dark, and nothing sticks out of the window."""
    if not AXE.exists():
        pytest.skip("needs axe-core; run: npm ci --prefix tests/peers/node")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then((told) => told.violations)")
        assert [(each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"]) for each in found] == []
    page.emulate_media(color_scheme="light")
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], f"{page.url} is wider than its window"


def test_a_fax_is_found_by_its_number_and_its_pages_are_opened(page: Page, site: PagesSite) -> None:
    queue_id = site.send("15555550177", mail=documents.with_pdf(letter("Contract"))) + "-1"
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'delivered'", queue_id), "it", site.log)
    sign_in(page, site)
    page.get_by_role("searchbox").fill("(555) 555-0177")
    page.get_by_role("button", name="Find").click()
    row = page.get_by_role("row").filter(has_text=queue_id)
    judged(page)
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Fax to +1 555 555 0177")).to_be_visible()
    picture = page.get_by_role("img", name="Page 1 of")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 420)
    judged(page)
    picture.click()
    assert page.url.endswith("/pages/1.png")
    page.go_back()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


def test_a_fax_is_held_and_released_and_delivered_before_our_eyes(page: Page, site: PagesSite) -> None:
    site.control("faults", {"action": "unavailable", "operation": "SendFax", "count": None})
    queue_id = site.send("15557654321") + "-1"
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'deferred'", queue_id), "it", site.log)
    sign_in(page, site)
    page.goto(f"{site.url}/faxes/{queue_id}")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("status")).to_contain_text("held; it waits until it is released")
    expect(page.locator("h1")).to_contain_text("held")
    judged(page)
    site.control("faults", method="DELETE")
    page.get_by_role("button", name="Release").click()
    page.evaluate("window.mine = true")
    expect(page.locator("h1")).to_contain_text("delivered", timeout=30_000)
    assert page.evaluate("window.mine"), "it was not loaded again"
    expect(page.get_by_text("Delivered: every page reached the other side")).to_be_visible()


def test_a_failed_fax_is_sent_again(page: Page, site: PagesSite) -> None:
    queue_id = site.send("15555550101") + "-1"
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'failed'", queue_id), "it", site.log)
    sign_in(page, site)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Faxes").click()
    page.get_by_role("link", name="Not delivered").click()
    judged(page)
    page.get_by_role("row").filter(has_text=queue_id).get_by_role("link").click()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_contain_text(f"is sent again as {queue_id[:-1]}2")
    page.get_by_role("link", name=f"{queue_id[:-1]}2").click()
    expect(page.locator("h1")).to_contain_text("failed", timeout=30_000)


def test_a_file_is_dropped_looked_at_and_sent(page: Page, site: PagesSite) -> None:
    sign_in(page, site, "anna")
    page.get_by_role("link", name="Send a fax").click()
    judged(page)
    text = base64.b64encode(documents.pdf(2)).decode()
    page.evaluate(DROP, ["[data-drop]", "offer.pdf", text])
    page.get_by_label("Fax numbers").fill("+1 (555) 555-0100")
    page.get_by_label("Subject").fill("Offer 77")
    page.get_by_role("button", name="Show the pages first").click()
    expect(page.get_by_role("heading", name="2 pages")).to_be_visible()
    expect(page.get_by_text("offer.pdf")).to_be_visible()
    judged(page)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("heading", name="Fax to +1 555 555 0100")).to_be_visible()
    page.evaluate("window.mine = true")
    expect(page.locator("h1")).to_contain_text("delivered", timeout=30_000)
    assert page.evaluate("window.mine"), "it was not loaded again"
    judged(page)


def test_what_is_wrong_is_said_where_it_is_heard(page: Page, site: PagesSite) -> None:
    sign_in(page, site, "anna")
    page.goto(f"{site.url}/send")
    page.get_by_label("Fax numbers").fill("911")
    page.get_by_label("Text").fill("Help")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Send now").click()
    expect(page.get_by_role("alert")).to_contain_text("911")
    judged(page)


def test_pages_are_used_by_keyboard_alone(page: Page, site: PagesSite) -> None:
    page.goto(site.url)
    expect(page.get_by_label("User")).to_be_focused()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="My faxes")).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    judged(page)


def test_every_page_is_good_for_everybody(page: Page, site: PagesSite) -> None:
    site.drop_in(documents.pdf(2))
    until(lambda: site.rows("SELECT 1 FROM inbound WHERE state = 'stored'"), "a received fax", site.log)
    [(received,), *_] = site.rows("SELECT queue_id FROM inbound WHERE state = 'stored'")
    page.goto(f"{site.url}/sign-in")
    judged(page)
    sign_in(page, site)
    for path in ("/", "/faxes?view=all", "/find", "/received", f"/received/{received}", "/notifications"):
        page.goto(site.url + path)
        page.wait_for_load_state("load")
        judged(page)
