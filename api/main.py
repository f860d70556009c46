"""The front door: `uvicorn api.main:app`."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route

import core.collector  # first: it spares the others
from api import clearance, errors, openapi
from api.compression import Compressed
from api.middleware import Envelope
from api.other_methods import OtherMethods
from api.paths import V1
from api.recordings import Shelf
from api.routes import (
    accounts,
    actions,
    calendars,
    codec,
    connecting,
    consents,
    conversions,
    digests,
    docs,
    erasures,
    events,
    exports,
    health,
    imports,
    integrations,
    jobs,
    lists,
    me,
    memos,
    notifications,
    preferences,
    push,
    quick,
    recurrence,
    reminders,
    series,
    sessions,
    slack,
    slack_link,
    tags,
    todos,
    undo,
    unsubscribe,
    uploads,
    verify_email,
    voice,
    webhook_endpoints,
    webhooks,
    workspaces,
)
from core import embedded, faults, keys, logs
from core.db import Database
from core.errors import Misconfigured
from core.rules.understanding import languages
from core.services import clocks, import_files, memo_secrets, voice_seals
from core.services.doors import Door
from core.services.passwords import Passwords
from core.services.voice_results import Policy, Using
from core.settings import Settings
from core.settings import settings as read_settings
from core.tokens import Tokens
from integrations import blob_stores, language_model, oauth
from integrations.http import vendor_client

# Of the database to a request: a person would not wait longer, and one statement may take 4 s.
LONGEST_ANSWER_S = 5.0


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    database = Database(
        embedded.database_url(settings),
        role="vt_app",
        size=settings.pool_size,
        patience_s=LONGEST_ANSWER_S,
    )
    await database.open()
    app.state.database = database
    if settings.clock_file is not None:
        faults.skew_clock(settings.clock_file)
    blobs = app.state.shelf.blobs
    await clearance.look(app, blobs)
    watching = asyncio.create_task(clearance.watch(app, blobs))
    following = asyncio.create_task(clocks.follow(database))
    preparing = asyncio.create_task(asyncio.to_thread(languages.prepare))
    passwords = Passwords(memory_kib=settings.password_memory_mib * 1024)
    app.state.door = Door(
        database,
        passwords,
        app.state.tokens,
        app.state.keys.encryption,
        tries_per_minute=settings.rate_limit_auth,
        password_min_chars=settings.password_min_chars,
    )
    async with language_model.opened(settings) as adviser, vendor_client() as vendors:
        app.state.voice = replace(app.state.voice, adviser=adviser)
        app.state.oauth = oauth.providers(settings, vendors)
        gc.freeze()  # what start-up made stays: the collector need not look at it again
        yield
    following.cancel()
    watching.cancel()
    await asyncio.gather(following, watching, preparing, return_exceptions=True)
    passwords.close()
    await blobs.aclose()
    await database.close()


def _routes() -> Iterator[BaseRoute]:
    """In the order in which they are tried: what is asked for most comes first, but for a path
    that a later pattern would take.

    As they are: `include_router` would make each a second time, when first asked for, which takes
    as long as the first.
    """
    yield from quick.router.routes
    yield Route(f"{V1}/todos/quick", OtherMethods())
    yield from imports.browser.routes
    yield Route(f"{V1}/imports/browser", OtherMethods())
    yield from voice.advised.routes
    for noun in (
        todos,
        reminders,
        series,
        lists,
        tags,
        events,
        undo,
        voice,
        notifications,
        push,
        recurrence,
        conversions,
        accounts,
        digests,
        preferences,
        me,
        sessions,
        workspaces,
        jobs,
        memos,
        uploads,
        consents,
        exports,
        integrations,
        connecting,
        calendars,
        webhook_endpoints,
        imports,
        erasures,
    ):
        yield from noun.router.routes
    for router in (
        memos.streams,
        memos.advised,
        imports.streams,
        uploads.streams,
        exports.streams,
        exports.public,
        accounts.public,
        push.public,
        connecting.public,
        calendars.public,
        erasures.public,
        actions.router,
        unsubscribe.router,
        webhooks.router,
        slack.router,
        slack_link.router,
        health.router,
        docs.router,
        verify_email.router,
        codec.router,
    ):
        yield from router.routes


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(
        title="Voice Todo",
        version="1",
        summary="Todos, reminders that never miss, and the voice that makes them.",
        lifespan=_lifespan,
        openapi_url=f"{V1}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    own_keys = keys.load(settings)
    app.state.settings = settings
    app.state.cleared = False
    app.state.keys = own_keys
    app.state.tokens = Tokens(own_keys.signing)
    app.state.shelf = Shelf(blob_stores.opened(settings), own_keys.ring.of(memo_secrets.PURPOSE))
    app.state.import_shelf = Shelf(app.state.shelf.blobs, own_keys.ring.of(import_files.PURPOSE))
    app.state.voice = Using(voice_seals.ring_of(own_keys.ring), Policy.of(settings))
    app.state.mail_events_key = keys.mail_events(settings)
    app.state.slack_signing = keys.slack_signing(settings)
    app.router.routes += _routes()
    errors.register(app)
    openapi.complete(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match"],
            expose_headers=["ETag", "Location", "Change-Set", "RateLimit", "Retry-After", "Link"],
        )
    app.add_middleware(codec.Cors, settings=settings)
    app.add_middleware(Compressed, secret_paths=f"{V1}/auth")
    app.add_middleware(Envelope)
    return app


def __getattr__(name: str) -> FastAPI:
    """`app` for uvicorn, built when asked for: importing this module reads no environment."""
    if name != "app":
        raise AttributeError(name)
    try:
        settings = read_settings()
        logs.configure("api", strict=settings.dev, text=settings.log_text)
        built = create_app(settings)
    except Misconfigured as error:
        sys.exit(error.detail)  # for who starts it, below uvicorn's own frames nobody would see it
    gc.set_threshold(*core.collector.USUAL)  # requests come and go, and may leave much behind
    return built
