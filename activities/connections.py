"""What is left to do when somebody disconnects an outside service."""

from collections.abc import Callable, Mapping
from datetime import datetime

from temporalio import activity

from activities import errors
from core import clock, logs
from core.crypto import Keyring
from core.db import Database
from core.errors import Error, VendorError
from core.messages import ConnectionMessage
from core.models.connections import ConnectionStatus, Provider
from core.services import connections, integrations
from integrations.google_calendar import Access, GoogleCalendar
from integrations.oauth import Asking

log = logs.get(__name__)


class Connections:
    """`app_db` works as `vt_app`, `worker_db` as `vt_worker`; `ring` is that of connections.

    `google`: null where Google Calendar is not set up.
    """

    def __init__(
        self,
        app_db: Database,
        worker_db: Database,
        ring: Keyring,
        providers: Mapping[Provider, Asking],
        google: GoogleCalendar | None = None,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._worker_db = worker_db
        self._ring = ring
        self._providers = providers
        self._google = google
        self._now = now

    @activity.defn(name="give_back_connection")
    async def give_back(self, message: ConnectionMessage) -> None:
        """Tell the provider, unless others use the same account.

        Twice is harmless: what has ended at the provider is ended again, which changes nothing.
        """
        try:
            await self._give_back(message)
        except Error as error:
            raise errors.translate(error) from error

    async def _give_back(self, message: ConnectionMessage) -> None:
        async with self._db.transaction(read_only=True) as tx:
            tx.act_in([message.workspace_id])
            provider = await integrations.ending(tx, message)
            connection = await connections.by_id(
                tx,
                message.workspace_id,
                message.connection_id,
                ring=self._ring,
                status=ConnectionStatus.DISCONNECTING,
            )
            channel = await integrations.channel(tx, message)
        if provider is None or connection is None:
            return
        if channel is not None:
            await self._stop(connection, *channel)
        asking = self._providers.get(provider)
        if asking is None:  # its app was taken out of the settings: nobody can be told
            return
        async with self._worker_db.transaction(read_only=True) as tx:
            if await integrations.shared(tx, provider, connection):
                return
        await asking.revoke(connection.secret)

    async def _stop(
        self, connection: connections.Connection, channel_id: str, resource: str
    ) -> None:
        """Nothing is believed of it any more, so that it goes on until it ends harms nobody."""
        if self._google is None:
            return
        access = Access(connection.id, connection.secret)
        try:
            await self._google.stop(access, channel_id, resource)
        except VendorError as error:
            log.info("calendar.channel_not_stopped", subject_id=connection.id, error=error)

    @activity.defn(name="forget_connection")
    async def forget(self, message: ConnectionMessage) -> None:
        """Delete the row with its secret and all that hangs on it.

        Twice is harmless: it is gone, or was connected again and stays.
        """
        workflow_id = activity.info().workflow_id or ""
        async with self._db.transaction() as tx:
            tx.act_in([message.workspace_id])
            integrations.ended(tx, message, workflow_id, now=self._now())
