"""What is left to do when somebody disconnects an outside service."""

from collections.abc import Callable, Mapping
from datetime import datetime

from temporalio import activity

from activities import errors
from core import clock
from core.crypto import Keyring
from core.db import Database
from core.errors import Error
from core.messages import ConnectionMessage
from core.models.connections import ConnectionStatus, Provider
from core.services import connections, integrations
from integrations.oauth import Asking


class Connections:
    """`app_db` works as `vt_app`, `worker_db` as `vt_worker`; `ring` is that of connections."""

    def __init__(
        self,
        app_db: Database,
        worker_db: Database,
        ring: Keyring,
        providers: Mapping[Provider, Asking],
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._worker_db = worker_db
        self._ring = ring
        self._providers = providers
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
        if provider is None or connection is None:
            return
        asking = self._providers.get(provider)
        if asking is None:  # its app was taken out of the settings: nobody can be told
            return
        async with self._worker_db.transaction(read_only=True) as tx:
            if await integrations.shared(tx, provider, connection):
                return
        await asking.revoke(connection.secret)

    @activity.defn(name="forget_connection")
    async def forget(self, message: ConnectionMessage) -> None:
        """Delete the row with its secret and all that hangs on it.

        Twice is harmless: it is gone, or was connected again and stays.
        """
        workflow_id = activity.info().workflow_id or ""
        async with self._db.transaction() as tx:
            tx.act_in([message.workspace_id])
            integrations.ended(tx, message, workflow_id, now=self._now())
