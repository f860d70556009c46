"""The connection to Temporal, and Schedules that any number of workers may ensure at a time."""

import dataclasses
from collections.abc import Mapping

from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import SearchAttributeKey
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime

from core import embedded
from core.errors import Misconfigured
from core.keys import Keys
from core.settings import Settings
from integrations.temporal_codec import data_converter

# Never encoded: they hold a type's name and an opaque id.
KIND = SearchAttributeKey.for_keyword("VoiceTodoKind")
SUBJECT = SearchAttributeKey.for_keyword("VoiceTodoSubject")


async def connect(settings: Settings, keys: Keys, *, runtime: Runtime | None = None) -> Client:
    """A connected client: of the profile in the settings, else of the embedded server.

    Raises RuntimeError when Temporal does not answer, `Misconfigured` for a profile that is not
    there or cannot be read.
    """
    config: ClientConnectConfig = {"target_host": embedded.temporal_address(settings)}
    if settings.temporal_profile is not None:
        config = _profile(settings)
    return await Client.connect(
        data_converter=data_converter(keys.encryption), runtime=runtime, **config
    )


def _profile(settings: Settings) -> ClientConnectConfig:
    file = settings.temporal_config_file
    try:
        config = ClientConfig.load_client_connect_config(
            settings.temporal_profile, config_file=str(file) if file else None
        )
    except (RuntimeError, OSError, ValueError) as error:
        raise Misconfigured(
            f"the Temporal profile {settings.temporal_profile!r} cannot be read: {error}"
        ) from error
    if "target_host" not in config:  # a missing file is silently an empty profile
        raise Misconfigured(
            f"the Temporal profile {settings.temporal_profile!r} names no address: set it in the "
            "file VOICETODO_TEMPORAL_CONFIG_FILE points to, or set TEMPORAL_ADDRESS"
        )
    return config


async def ensure_schedules(
    client: Client, schedules: Mapping[str, Schedule], *, update: bool = True
) -> int:
    """Create what is missing and answer how many that were.

    With `update` existing ones get the new specification and keep their state: an operator's pause
    outlives every deployment.
    """
    created = 0
    for schedule_id, schedule in schedules.items():
        try:
            # At once as well: the first interval would begin up to its whole length later.
            await client.create_schedule(schedule_id, schedule, trigger_immediately=True)
            created += 1
        except ScheduleAlreadyRunningError:
            if update:
                await _update(client, schedule_id, schedule)
    return created


async def _update(client: Client, schedule_id: str, schedule: Schedule) -> None:
    def renew(current: ScheduleUpdateInput) -> ScheduleUpdate:
        state = current.description.schedule.state
        return ScheduleUpdate(schedule=dataclasses.replace(schedule, state=state))

    await client.get_schedule_handle(schedule_id).update(renew)
