import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from core import keys, payloads
from core.errors import Invalid, Misconfigured
from core.keys import Keys
from core.settings import Settings
from integrations import temporal
from integrations.temporal_codec import SealingCodec, data_converter
from tests.patience import until
from tests.temporal import Server


@pytest.fixture
def ours(temporal_server: Server) -> Keys:
    return keys.load(temporal_server.settings)


async def test_what_the_server_stores_is_sealed_and_can_be_opened(
    temporal_client: Client, ours: Keys
) -> None:
    workflow_id = f"sealed:{uuid4()}"
    handle = await temporal_client.start_workflow(
        "Nobody", "Buy milk", id=workflow_id, task_queue="nobody", static_summary="Buy cheese"
    )
    try:
        stored = (
            (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
        )
        description = await handle.describe()
    finally:
        await handle.terminate()
    [payload] = stored.input.payloads
    assert b"milk" not in stored.SerializeToString()
    assert payloads.is_sealed(payload.metadata)
    opened = payloads.open_payload(payloads.key_of(ours.encryption), payload.metadata, payload.data)
    assert opened == ({"encoding": b"json/plain"}, b'"Buy milk"')
    assert await description.static_summary() == "Buy cheese"
    assert b"cheese" not in description.raw_description.SerializeToString()


async def test_a_failure_keeps_its_type_in_the_open_and_its_words_sealed(ours: Keys) -> None:
    converter = data_converter(ours.encryption)
    failure = Failure()
    await converter.encode_failure(ApplicationError("no todo Buy milk", type="NotFound"), failure)
    assert b"milk" not in failure.SerializeToString()
    assert failure.application_failure_info.type == "NotFound"
    assert str(await converter.decode_failure(failure)) == "NotFound: no todo Buy milk"


async def test_the_codec_leaves_open_payloads_alone_and_refuses_other_keys() -> None:
    codec = SealingCodec(payloads.key_of(b"a" * 32))
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    assert await codec.decode([plain]) == [plain]
    sealed = await codec.encode([plain])
    assert await codec.decode(sealed) == [plain]
    with pytest.raises(Invalid):
        await SealingCodec(payloads.key_of(b"b" * 32)).decode(sealed)


def _every(seconds: int) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow("Nobody", id="nobody", task_queue="nobody"),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=seconds))]),
    )


async def test_schedules_are_made_once_renewed_and_stay_paused(temporal_client: Client) -> None:
    name = f"schedule:{uuid4()}"
    handle = temporal_client.get_schedule_handle(name)

    async def paused() -> bool:
        """An update that was sent before a pause may be carried out after it."""
        await handle.pause(note="an operator's")
        return (await handle.describe()).schedule.state.paused

    made = await asyncio.gather(
        *(temporal.ensure_schedules(temporal_client, {name: _every(3600)}) for _ in range(4))
    )
    try:
        assert sum(made) == 1
        await until(paused)
        assert await temporal.ensure_schedules(temporal_client, {name: _every(7200)}) == 0
        now = (await handle.describe()).schedule
        assert now.state.paused
        assert now.state.note == "an operator's"
        assert now.spec.intervals[0].every == timedelta(hours=2)
        await temporal.ensure_schedules(temporal_client, {name: _every(60)}, update=False)
        assert (await handle.describe()).schedule.spec.intervals[0].every == timedelta(hours=2)
    finally:
        await handle.delete()
    with pytest.raises(RPCError):
        await handle.describe()


async def test_a_profile_leads_to_its_address(
    temporal_server: Server, ours: Keys, tmp_path: Path
) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text(
        f'[profile.cloud]\naddress = "{temporal_server.address}"\nnamespace = "default"\n'
    )
    settings = Settings(
        _env_file=None,
        temporal_port=1,
        temporal_profile="cloud",
        temporal_config_file=file,
        data_dir=tmp_path,
    )
    client = await temporal.connect(settings, ours)
    assert client.service_client.config.target_host == temporal_server.address
    assert client.data_converter.payload_codec is not None


@pytest.mark.parametrize("name", ["missing.toml", "broken.toml"])
async def test_a_profile_that_is_not_there_is_a_sentence(
    name: str, ours: Keys, tmp_path: Path
) -> None:
    (tmp_path / "broken.toml").write_text("[profile")
    settings = Settings(
        _env_file=None,
        temporal_profile="cloud",
        temporal_config_file=tmp_path / name,
        data_dir=tmp_path,
    )
    with pytest.raises(Misconfigured, match="cloud"):
        await temporal.connect(settings, ours)


async def test_no_answer_is_an_error_at_once(ours: Keys, temporal_server: Server) -> None:
    nowhere = temporal_server.settings.model_copy(update={"temporal_port": 1})
    with pytest.raises(RuntimeError):
        await temporal.connect(nowhere, ours)
