"""Stop, try again, edit: CJ's turns as somebody in front of the page drives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.chaos.stage import rehearsing
from tests.e2e.running import Running
from tests.e2e.tab import Tab, tab_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import BrowserContext, Locator, WebSocketRoute

pytestmark = pytest.mark.browser

LONG = "say 600 chunks every 100 ms"


@pytest.fixture(scope="module")
def cj_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """With a model that speaks as slowly as it is told to."""
    home = tmp_path_factory.mktemp("rehearsed")
    (home / "diary").mkdir()
    running = Running(home / "data", template=rehearsing(home / "template.yaml", home / "diary"))
    running.start()
    yield running.url
    running.stop()


async def finished(tab: Tab, texts: list[str]) -> None:
    """CJ is silent, and these texts stand there."""
    await expect(tab.typing).to_have_count(0)
    await expect(tab.texts).to_have_text(texts)


def said(tab: Tab, text: str) -> Locator:
    """A message that holds this."""
    return tab.texts.filter(has_text=text.strip())


def piece(text: str, *numbers: int) -> str:
    """What the model says to a text."""
    return "".join(f"Piece {n} for “{text}”. " for n in numbers)


async def test_stop_ends_the_answer_and_keeps_what_was_said(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    stop = tab.page.get_by_role("button", name="Stop")
    await expect(stop).to_have_count(0)
    await tab.write(LONG)
    await expect(said(tab, piece(LONG, 1))).to_be_visible()
    await stop.click()
    await expect(tab.page.get_by_text("Stopped", exact=True)).to_be_visible()
    await expect(stop).to_have_count(0)
    await expect(tab.input).to_be_focused()
    shown = await tab.read()
    assert shown[1].startswith(piece(LONG, 0, 1))
    assert piece(LONG, 500) not in shown[1]
    await tab.page.reload()
    await finished(tab, shown)
    await expect(tab.page.get_by_text("Stopped", exact=True)).to_be_visible()


async def test_escape_stops_before_the_first_word_and_the_chat_goes_on(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.write("say 5 chunks every 60000 ms")
    await expect(tab.page.get_by_role("button", name="Stop")).to_be_enabled()
    await tab.input.press("Escape")
    await expect(tab.page.get_by_text("Stopped", exact=True)).to_be_visible()
    await tab.write("instant")
    await finished(tab, ["say 5 chunks every 60000 ms", "instant", piece("instant", 0)])


async def test_the_other_tab_stops_it_too_and_both_show_the_same(
    visitor: BrowserContext, cj_url: str
) -> None:
    one = await tab_of(visitor, cj_url)
    await one.write(LONG)
    await expect(said(one, piece(LONG, 0))).to_be_visible()
    two = await tab_of(visitor, one.page.url)
    await two.page.get_by_role("button", name="Stop").click()
    for tab in (one, two):
        await expect(tab.page.get_by_text("Stopped", exact=True)).to_be_visible()
    assert await one.read() == await two.read()


async def test_what_one_says_is_seen_wherever_one_was_reading(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.page.set_viewport_size({"width": 390, "height": 500})
    for n in range(4):
        await tab.write(f"instant {n}")
        await expect(tab.texts).to_have_count(2 * n + 2)
    await tab.texts.first.scroll_into_view_if_needed()
    newest = tab.page.get_by_role("button", name="Newest messages")
    await expect(newest).to_be_visible()
    await tab.write("instant 4")
    await expect(said(tab, piece("instant 4", 0))).to_be_in_viewport()
    await expect(newest).to_have_count(0)


async def test_try_again_puts_a_new_answer_in_the_place_of_the_old_one(
    visitor: BrowserContext, cj_url: str
) -> None:
    one = await tab_of(visitor, cj_url)
    await one.write("first")
    await finished(one, ["first", piece("first", 0)])
    await one.write("say 3 chunks every 10 ms")
    shown = ["first", piece("first", 0), "say 3 chunks every 10 ms"]
    answer = piece("say 3 chunks every 10 ms", 0, 1, 2)
    await finished(one, [*shown, answer])
    two = await tab_of(visitor, one.page.url)
    again = one.page.get_by_role("button", name="Try again")
    await expect(again).to_have_count(1)
    answered = await one.hears("done", 2)
    await again.click()
    for tab in (one, two):
        hidden = await tab.hears("state", 1)
        assert [frame["data"] for frame in hidden] == [{"from": 4, "by": 5}]
        await tab.hears("done", len(answered) + 1 if tab is one else 1)
        await finished(tab, [*shown, answer])
    await one.page.reload()
    await finished(one, [*shown, answer])


async def test_an_answer_that_failed_can_be_tried_again(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.write("fail")
    failed = tab.page.get_by_text("CJ could not finish this answer")
    await expect(failed).to_be_visible()
    await tab.page.get_by_role("button", name="Try again").click()
    await tab.hears("done", 2)
    await expect(tab.typing).to_have_count(0)
    await expect(failed).to_have_count(1)
    await expect(tab.page.locator(".row")).to_have_count(2)


async def test_a_message_is_edited_in_place_and_answered_anew(
    visitor: BrowserContext, cj_url: str
) -> None:
    one = await tab_of(visitor, cj_url)
    for text in ("first", "second"):
        await one.write(text)
        await expect(said(one, piece(text, 0))).to_be_visible()
    two = await tab_of(visitor, one.page.url)
    await one.page.get_by_role("button", name="Edit").first.click()
    field = one.page.get_by_label("Your message, anew")
    await expect(field).to_be_focused()
    await field.press("Escape")
    await expect(one.input).to_be_focused()
    assert (await one.read())[0] == "first"
    await one.page.get_by_role("button", name="Edit").first.click()
    await field.fill("x" * 8_001)
    await expect(one.page.get_by_role("button", name="Save")).to_be_disabled()
    await field.fill("better")
    await field.press("Enter")
    for tab in (one, two):
        await finished(tab, ["better", piece("better", 0)])
    await one.page.reload()
    await finished(one, ["better", piece("better", 0)])


async def test_what_is_changed_while_the_line_is_down_arrives_once(
    visitor: BrowserContext, cj_url: str
) -> None:
    line: list[WebSocketRoute] = []
    blocked = False

    async def on_line(route: WebSocketRoute) -> None:
        if blocked:
            await route.close()
            return
        line.append(route)
        route.connect_to_server()

    tab = Tab(await visitor.new_page())
    await tab.page.route_web_socket("**/ws", on_line)
    await tab.open(cj_url)
    await tab.write("first")
    await finished(tab, ["first", piece("first", 0)])
    blocked = True
    await line[-1].close()
    await tab.page.get_by_role("button", name="Edit").click()
    await tab.page.get_by_label("Your message, anew").fill("better")
    await tab.page.get_by_role("button", name="Save").click()
    await tab.write("and then")
    await expect(tab.page.get_by_text("Sending…")).to_have_count(2)
    blocked = False
    shown = ["better", piece("better", 0), "and then", piece("and then", 0)]
    await finished(tab, shown)
    await tab.page.reload()
    await finished(tab, shown)


async def test_a_line_that_breaks_in_mid_answer_costs_no_word(
    visitor: BrowserContext, cj_url: str
) -> None:
    line: list[WebSocketRoute] = []

    def on_line(route: WebSocketRoute) -> None:
        line.append(route)
        route.connect_to_server()

    asked = "say 20 chunks every 100 ms"
    tab = Tab(await visitor.new_page())
    await tab.page.route_web_socket("**/ws", on_line)
    await tab.open(cj_url)
    await tab.write(asked)
    for n in (2, 8):
        await expect(said(tab, piece(asked, n))).to_be_visible()
        await line[-1].close()
    await finished(tab, [asked, piece(asked, *range(20))])
    assert len(line) == 3


async def test_forgetting_the_browser_leaves_nothing_to_be_read_in_any_tab(
    visitor: BrowserContext, cj_url: str
) -> None:
    one = await tab_of(visitor, cj_url)
    await one.write("Between us")
    await finished(one, ["Between us", piece("Between us", 0)])
    two = await tab_of(visitor, one.page.url)
    await one.page.get_by_role("button", name="Forget me on this browser").click()
    await one.page.get_by_role("button", name="Forget me", exact=True).click()
    await expect(one.welcome).to_be_visible()
    await expect(one.page.get_by_role("link")).to_have_count(0)
    await expect(two.page.get_by_role("alert")).to_contain_text("There is no such conversation.")
    await expect(two.texts).to_have_count(0)
    await one.write("Hello")
    await finished(one, ["Hello", piece("Hello", 0)])


async def test_coming_back_from_signing_in_cleans_the_address(
    visitor: BrowserContext, cj_url: str
) -> None:
    sent: list[str] = []
    tab = Tab(await visitor.new_page())
    tab.page.on(
        "websocket", lambda socket: socket.on("framesent", lambda data: sent.append(str(data)))
    )
    await tab.open(cj_url)
    await tab.write("before")
    await finished(tab, ["before", piece("before", 0)])
    address = tab.page.url
    await tab.open(f"{address}?oauth=complete")
    await finished(tab, ["before", piece("before", 0)])
    await expect(tab.page).to_have_url(address)
    await tab.write("after")
    await expect(said(tab, piece("after", 0))).to_be_visible()
    assert len([frame for frame in sent if '"oauth_complete"' in frame]) == 1
