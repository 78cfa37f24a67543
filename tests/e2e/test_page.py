"""The page in a real browser, against everything it will meet: gateway, functions, PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.e2e.tab import Tab, tab_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, WebSocketRoute

pytestmark = pytest.mark.browser


async def test_the_page_opens_and_the_browser_has_nothing_to_complain_about(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await expect(tab.welcome).to_be_visible()
    await expect(tab.input).to_be_focused()
    await tab.say("Hello")
    assert tab.complaints == []


async def test_what_is_written_is_answered_as_it_streams_in(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.say("What can you do?")
    deltas = [frame["text"] for frame in tab.frames if frame["type"] == "delta"]
    question, answer = await tab.read()
    assert question == "What can you do?"
    assert answer == "".join(deltas) != ""
    await expect(tab.page.get_by_test_id("announcer")).to_have_text(f"CJ says: {answer}")


async def test_a_reload_shows_the_conversation(visitor: BrowserContext, cj_url: str) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.say("Remember the blue teapot")
    before, address = await tab.read(), tab.page.url
    await tab.page.reload()
    await expect(tab.texts).to_have_text(before)
    assert tab.page.url == address
    assert address.startswith(f"{cj_url}/chat/")


async def test_a_second_tab_sees_the_same_messages(visitor: BrowserContext, cj_url: str) -> None:
    one = await tab_of(visitor, cj_url)
    await one.say("From the first tab")
    two = await tab_of(visitor, one.page.url)
    await expect(two.texts).to_have_text(await one.read())
    await two.say("From the second tab")
    await expect(one.texts).to_have_text(await two.read())
    assert len(await one.read()) == 4


async def test_an_earlier_conversation_is_opened_from_the_list_with_the_keyboard(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.say("The first conversation")
    earlier = await tab.read()
    await tab.page.get_by_role("button", name="New conversation").click()
    await expect(tab.welcome).to_be_visible()
    await expect(tab.input).to_be_focused()
    await tab.say("The second conversation")
    await tab.page.get_by_role("link", name="The first conversation").press("Enter")
    await expect(tab.texts).to_have_text(earlier)
    await expect(tab.input).to_be_focused()
    await tab.page.go_back()
    await expect(tab.texts.first).to_have_text("The second conversation")


async def test_earlier_messages_of_a_long_conversation_are_there_when_asked_for(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    for n in range(9):
        await tab.say(f"message {n}")
    everything = await tab.read()
    await tab.page.reload()
    await expect(tab.texts).to_have_count(15)
    await tab.page.get_by_role("button", name="Show earlier messages").click()
    await expect(tab.texts).to_have_text(everything)


async def test_text_is_shown_as_text_whatever_it_holds(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    hostile = "<img src=x onerror=alert(1)> <b>bold</b> {{7*7}}\n  [a](javascript:alert(1))"
    await tab.say(hostile)
    assert await tab.texts.first.text_content() == hostile
    assert await tab.page.locator(".text *").count() == 0
    assert tab.complaints == []


async def test_nothing_of_a_chat_is_kept_in_the_browser(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.say("Between us")
    kept = await tab.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length,"
        " (await indexedDB.databases()).length, (await caches.keys()).length]"
    )
    assert kept == [0, 0, 0, 0]
    assert await tab.page.evaluate("document.cookie") == ""


async def test_what_is_written_while_the_line_is_down_arrives_once_and_in_order(
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
    await tab.say("before")
    blocked = True
    await line[-1].close()
    await expect(tab.page.get_by_text("No connection")).to_be_visible()
    for text in ("first", "second"):
        await tab.input.fill(text)
        await tab.input.press("Enter")
    await expect(tab.page.get_by_text("Sending…")).to_have_count(2)
    blocked = False
    # Not by its words: one that waits for the one before it says so instead.
    await expect(tab.page.locator("[data-status=sending]")).to_have_count(0)
    await expect(tab.page.locator("[data-status=typing]")).to_have_count(0)
    await tab.page.reload()
    await expect(tab.page.locator(".mine .text")).to_have_text(["before", "first", "second"])


async def test_a_conversation_that_is_not_ones_own_is_not_there(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, f"{cj_url}/chat/{uuid4()}")
    await expect(tab.page.get_by_role("alert")).to_contain_text("There is no such conversation.")
    await tab.page.get_by_role("button", name="Start a new one").click()
    await expect(tab.welcome).to_be_visible()
    await tab.say("Hello")
    await expect(tab.page.get_by_role("alert")).to_have_text("")


async def test_the_limit_is_shown_near_its_end_and_kept(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    send = tab.page.get_by_role("button", name="Send")
    await expect(send).to_be_disabled()
    await tab.input.fill("  \n ")
    await expect(send).to_be_disabled()
    await tab.input.fill("x" * 8_001)
    await expect(tab.page.get_by_text("8,001 of 8,000 characters")).to_be_visible()
    await expect(send).to_be_disabled()
    await tab.say("x" * 8_000)
    assert len((await tab.read())[0]) == 8_000


async def test_shift_enter_makes_a_new_line(visitor: BrowserContext, cj_url: str) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.input.press_sequentially("one")
    await tab.input.press("Shift+Enter")
    await tab.input.press_sequentially("two")
    await tab.say(await tab.input.input_value())
    assert (await tab.read())[0] == "one\ntwo"


async def test_on_a_small_screen_the_list_is_a_drawer_and_nothing_sticks_out(
    visitor: BrowserContext, cj_url: str
) -> None:
    tab = await tab_of(visitor, cj_url)
    await tab.page.set_viewport_size({"width": 390, "height": 844})
    await tab.say("A word of " + "great" * 60 + " length")
    assert await tab.page.evaluate("document.documentElement.scrollWidth") == 390
    entry = tab.page.get_by_role("link", name="A word of great")
    await expect(entry).to_be_hidden()
    await tab.page.get_by_role("button", name="Conversations").click()
    await expect(entry).to_be_visible()
    await tab.page.keyboard.press("Escape")
    await expect(entry).to_be_hidden()
    await expect(tab.input).to_be_focused()
