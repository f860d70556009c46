"""The front door: `uvicorn api.main:app`."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from api import clearance, errors, openapi
from api.compression import Compressed
from api.middleware import Envelope
from api.other_methods import OtherMethods
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

PREFIX = "/api/v1"
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


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(
        title="Voice Todo",
        version="1",
        summary="Todos, reminders that never miss, and the voice that makes them.",
        lifespan=_lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
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
    # Routes are tried in this order: what is asked for most comes first, but for a path that a
    # later pattern would take.
    app.include_router(quick.router, prefix=PREFIX)
    app.router.routes.append(Route(f"{PREFIX}/todos/quick", OtherMethods()))
    app.include_router(imports.browser, prefix=PREFIX)
    app.router.routes.append(Route(f"{PREFIX}/imports/browser", OtherMethods()))
    app.include_router(voice.advised, prefix=PREFIX)
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
        app.include_router(noun.router, prefix=PREFIX)
    app.include_router(memos.streams, prefix=PREFIX)
    app.include_router(memos.advised, prefix=PREFIX)
    app.include_router(imports.streams, prefix=PREFIX)
    app.include_router(uploads.streams, prefix=PREFIX)
    app.include_router(exports.streams, prefix=PREFIX)
    app.include_router(exports.public, prefix=PREFIX)
    app.include_router(accounts.public, prefix=PREFIX)
    app.include_router(push.public, prefix=PREFIX)
    app.include_router(connecting.public, prefix=PREFIX)
    app.include_router(calendars.public, prefix=PREFIX)
    app.include_router(erasures.public, prefix=PREFIX)
    app.include_router(actions.router, prefix=PREFIX)
    app.include_router(unsubscribe.router, prefix=PREFIX)
    app.include_router(webhooks.router, prefix=PREFIX)
    app.include_router(slack.router, prefix=PREFIX)
    app.include_router(slack_link.router, prefix=PREFIX)
    app.include_router(health.router)
    app.include_router(docs.router)
    app.include_router(verify_email.router)
    app.include_router(codec.router)
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
    app.add_middleware(Compressed, secret_paths=f"{PREFIX}/auth")
    app.add_middleware(Envelope)
    return app


def __getattr__(name: str) -> FastAPI:
    """`app` for uvicorn, built when asked for: importing this module reads no environment."""
    if name != "app":
        raise AttributeError(name)
    try:
        settings = read_settings()
        logs.configure("api", strict=settings.dev, text=settings.log_text)
        return create_app(settings)
    except Misconfigured as error:
        sys.exit(error.detail)  # for who starts it, below uvicorn's own frames nobody would see it
