"""A page that cannot join, or had to leave: it says why, and axe-core finds nothing in it."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest
from livekit import api
from playwright.async_api import BrowserContext, Page, Route

from eval.runs.local_meeting import LocalMeeting

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

StillPage = Callable[[], AbstractAsyncContextManager[Page]]
Look = Callable[[Page, str], Awaitable[None]]

JOIN = "**/api/join*"


async def refuse(route: Route) -> None:
    await route.fulfill(status=403)


async def fail(route: Route) -> None:
    await route.abort()


Prepare = Callable[[Page], Awaitable[object]]
NO_WEBRTC = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;"
NO_ENCRYPTION = """delete window.RTCRtpScriptTransform;
delete RTCRtpSender.prototype.createEncodedStreams;"""
# The page's address, what is done before it is opened, and what it then says.
KEPT_OUT: list[tuple[str, Prepare, str, str]] = [
    ("", lambda page: page.route(JOIN, refuse), "may no longer enter", "pouvez plus entrer"),
    ("", lambda page: page.route(JOIN, fail), "Could not reach", "est injoignable"),
    ("", lambda page: page.add_init_script(NO_WEBRTC), "join a meeting", "rejoindre une"),
    ("#key=x", lambda page: page.add_init_script(NO_ENCRYPTION), "encrypted", "chiffrée"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_when_the_page_cannot_join(
    still_page: StillPage, meeting: LocalMeeting, nothing_is_wrong: Look, language: str
) -> None:
    for key, prepare, english, french in KEPT_OUT:
        async with still_page() as page:
            await prepare(page)
            await page.goto(f"{meeting.url}?lang={language}{key}")
            said = english if language == "en" else french
            await page.locator("#trouble-what", has_text=said).wait_for()
            await nothing_is_wrong(page, said)


class OwnRoom:
    """A room without a bot, into which the media server lets a page until it does otherwise."""

    def __init__(self, meeting: LocalMeeting, room: str) -> None:
        self._server, self.name = meeting.server, room
        self.hours = 1

    async def let_in(self, route: Route) -> None:
        server = self._server
        token = (
            api.AccessToken(server.key, server.secret)
            .with_identity("marie")
            .with_ttl(timedelta(hours=self.hours))
        )
        grants = api.VideoGrants(room_join=True, room=self.name)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The HMAC key is")
            signed = token.with_grants(grants).to_jwt()
        answer = {"url": server.url, "token": signed, "room": self.name}
        await route.fulfill(json=answer | {"identity": "marie", "can_speak": False})

    async def open(self, browser: BrowserContext, address: str) -> Page:
        page = await browser.new_page()
        await page.route(JOIN, self.let_in)
        await page.goto(address)
        await page.locator("#connection[data-state=connected]").wait_for()
        return page

    @asynccontextmanager
    async def host(self) -> AsyncIterator[api.LiveKitAPI]:
        server = self._server
        url = server.url.replace("ws", "http", 1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The HMAC key is")
            async with api.LiveKitAPI(url, server.key, server.secret) as host:
                yield host


async def hang(_route: Route) -> None:
    """Answers nothing, ever."""


LEAVE = "document.querySelector('live-captions').room.disconnect()"


async def replaced(page: Page, room: OwnRoom) -> None:
    await room.open(page.context, page.url)


async def removed(page: Page, room: OwnRoom) -> None:
    async with room.host() as host:
        who = api.RoomParticipantIdentity(room=room.name, identity="marie")
        await host.room.remove_participant(who)


async def closed(page: Page, room: OwnRoom) -> None:
    async with room.host() as host:
        await host.room.delete_room(api.DeleteRoomRequest(room=room.name))


async def lost(page: Page, room: OwnRoom) -> None:
    await page.unroute(JOIN)
    await page.route(JOIN, hang)
    await page.evaluate(LEAVE)


async def expired(page: Page, room: OwnRoom) -> None:
    """The line is cut in the middle of a meeting, and the page's new pass is an old one."""
    room.hours = -1
    await page.evaluate(LEAVE)


ENDS: list[tuple[Callable[[Page, OwnRoom], Awaitable[None]], str, str]] = [
    (replaced, "You joined from somewhere else", "depuis un autre endroit"),
    (removed, "A host removed you", "vous a retiré"),
    (closed, "The meeting is over", "réunion est terminée"),
    (lost, "was lost", "est perdue"),
    (expired, "may no longer enter", "pouvez plus entrer"),
]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_when_the_page_has_left_the_room(
    still_page: StillPage, meeting: LocalMeeting, nothing_is_wrong: Look, language: str
) -> None:
    for end, english, french in ENDS:
        async with still_page() as first:
            room = OwnRoom(meeting, f"room-{end.__name__}-{language}")
            page = await room.open(first.context, f"{meeting.url}?lang={language}")
            await end(page, room)
            said = english if language == "en" else french
            await page.locator("#trouble-what", has_text=said).wait_for()
            await nothing_is_wrong(page, end.__name__)
