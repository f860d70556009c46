"""Recordings as rows and sealed blobs, and what they are worked on with."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from activities.memos import Memos
from activities.recordings import Audio
from activities.transcribers import Transcribers
from activities.transcriptions import Transcriptions
from core import clock, crypto
from core.actor import Actor
from core.crypto import Keyring
from core.db import Database
from core.ids import uuid7
from core.messages import JobMessage
from core.models.memos import ConsentKind
from core.services import consents, memo_processing, memo_secrets, memos, voice_seals
from core.services.memo_processing import Ending, Work
from core.services.memos import Draft
from core.services.voice_results import Policy, Using
from core.settings import Settings
from integrations.audio.pool import Pool
from integrations.audio.recordings import TASKS, Recordings
from integrations.blobs import Directory
from integrations.transcription import registry as transcribers
from integrations.transcription.registry import Provider
from tests.reminding import Scene
from workflows.registry import Voice

RING = Keyring((b"k" * 32,))
MILK = "buy some milk tomorrow"  # what is said in most of what was recorded
MONTH = timedelta(days=30)


def hearing(
    folder: Path,
    asked: Transcribers,
    recordings: Recordings,
    *,
    retention: timedelta | None = MONTH,
) -> Voice:
    """What a worker works on recordings with."""
    audio = Audio(
        Directory(folder), RING.of(memo_secrets.PURPOSE), recordings, 120, retention=retention
    )
    policy = Policy.of(Settings(_env_file=None))
    return Voice(audio, asked, Using(voice_seals.ring_of(RING), policy))


def deaf() -> Voice:
    """Of a worker that gets no recordings."""
    return hearing(Path("nowhere"), Transcribers(()), Recordings(Pool(TASKS, size=1)))


@asynccontextmanager
async def providers(sandbox: str, names: str, **settings: Any) -> AsyncIterator[Sequence[Provider]]:
    """Those of the setting; the ones outside are the sandbox's."""
    made = Settings(
        _env_file=None,
        transcribers=names,
        openai_transcription_url=f"{sandbox}/openai/v1",
        deepgram_url=f"{sandbox}/deepgram",
        **settings,
    )
    async with transcribers.opened(made) as found:
        yield found


@dataclass(frozen=True, slots=True)
class Studio:
    """Somebody who records, and the steps of the work on it, each to be run by hand."""

    db: Database
    at: Scene
    voice: Voice
    folder: Path

    @property
    def steps(self) -> Memos:
        return Memos(self.db, self.voice.audio, self.voice.transcribers, self.voice.using)

    @property
    def asking(self) -> Transcriptions:
        return Transcriptions(self.db, self.voice.audio, self.voice.transcribers)

    async def agree(
        self,
        kind: ConsentKind = ConsentKind.THIRD_PARTY_TRANSCRIPTION,
        *,
        agrees: bool = True,
    ) -> None:
        async with self.db.transaction() as tx:
            tx.act_in([self.at.user_id], self.at.user_id)
            await consents.put(tx, self.actor, kind, agrees=agrees, now=clock.now())

    async def record(self, audio: bytes, *, language: str | None = "en") -> JobMessage:
        """As the audio door does: the blob first, then the rows."""
        user_id, memo_id, key = self.at.user_id, uuid7(), crypto.new_key()
        name = f"memos/{memo_id}"
        put_at = clock.now()

        async def pieces() -> AsyncIterator[bytes]:
            yield audio

        sealed = memo_secrets.seal_audio(key, user_id, memo_id, pieces())
        await self.voice.audio.blobs.put(name, sealed)
        draft = Draft(
            memo_id,
            uuid7(),
            None,
            language,
            "audio/webm",
            len(audio),
            sha256(audio).digest(),
            name,
            memo_secrets.seal_key(self.voice.audio.ring, user_id, memo_id, key),
            put_at,
        )
        async with self.db.transaction() as tx:
            tx.act_in([user_id], user_id)
            _, job, _ = await memos.receive(tx, self.actor, user_id, draft, now=clock.now())
        return JobMessage(user_id, job.id)

    async def again(self, message: JobMessage, *, language: str | None = None) -> JobMessage:
        """Processed once more."""
        async with self.db.transaction() as tx:
            tx.act_in([self.at.user_id], self.at.user_id)
            memo_id = UUID(self.job(message)["result"]["memo_id"])
            now = clock.now()
            job = await memos.reprocess(tx, self.actor, memo_id, language=language, now=now)
        return JobMessage(message.workspace_id, job.id)

    async def finish(self, message: JobMessage) -> None:
        """As if it was understood, with nothing to do."""
        async with self.db.transaction() as tx:
            work = await memo_processing.lock(tx, message, now=clock.now())
            assert isinstance(work, Work)
            ending, now = Ending.DONE, clock.now()
            memo_processing.end(tx, work, ending, "nothing", retention=MONTH, now=now)

    async def remove(self, message: JobMessage) -> None:
        """As its owner deletes it."""
        async with self.db.transaction() as tx:
            tx.act_in([self.at.user_id], self.at.user_id)
            memo_id = UUID(self.job(message)["result"]["memo_id"])
            blob = await memos.remove(tx, self.actor, memo_id, now=clock.now())
        await self.voice.audio.blobs.delete(blob or "memos/none")

    @property
    def actor(self) -> Actor:
        return Actor(self.at.user_id, uuid7())

    def job(self, message: JobMessage) -> dict[str, Any]:
        [row] = self.at.rows("SELECT * FROM jobs WHERE id = %s", message.job_id)
        return row

    def memo(self, message: JobMessage) -> dict[str, Any]:
        memo_id = self.job(message)["result"]["memo_id"]
        [row] = self.at.rows("SELECT * FROM voice_memos WHERE id = %s", memo_id)
        return row

    def words(self, message: JobMessage) -> str:
        """The transcript, opened."""
        row = self.memo(message)
        where = crypto.place("voice_memos", "transcript", row["id"], row["workspace_id"])
        return self.voice.audio.ring.unseal(row["transcript"], aad=where).decode()

    def told(self) -> list[str]:
        found = self.at.rows(
            "SELECT title FROM notifications WHERE user_id = %s AND kind = 'voice_memo'"
            " ORDER BY created_at, id",
            self.at.user_id,
        )
        return [row["title"] for row in found]

    def todos(self) -> list[dict[str, Any]]:
        return self.at.rows(
            "SELECT * FROM todos WHERE workspace_id = %s AND deleted_at IS NULL ORDER BY id",
            self.at.user_id,
        )

    def blobs(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@dataclass(frozen=True, slots=True)
class Said:
    """The sandbox's transcribers: what they hear next, and what they were asked."""

    http: httpx2.Client

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def script(self, text: str, **fields: object) -> None:
        answer = self.http.post("/transcripts", json={"text": text, **fields})
        assert answer.is_success, answer.text

    def fault(self, **fault: object) -> None:
        answer = self.http.post("/faults", json={"vendor": "transcription", "times": 1, **fault})
        assert answer.status_code == 201, answer.text

    def calls(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.http.get(
            "/ledger.json", params={"vendor": "transcription"}
        ).json()
        return found
