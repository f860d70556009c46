"""Blobs in a bucket of a store that speaks S3: Amazon's, MinIO, Ceph, Cloudflare R2, …

Importing this takes the API and a worker two seconds and 38 MB; `blob_stores.opened` does it only
where S3 is what the settings name.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from aiohttp import ClientError as BrokenOff
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from core import clock
from core.errors import NotFound, Unavailable
from integrations.blobs import KEY, READ_AT_ONCE, Kept

PART: Final = 8 * 1024 * 1024  # of a blob, in memory at a time; 10,000 of them may be one blob
CONNECTIONS: Final = 256  # each person who listens slowly holds one
PAGE: Final = 1000  # more than that, S3 does not list at once
CONNECT_S: Final = 5
SILENT_S: Final = 20
CALLS: Final = 3  # of one request, the first included
RESUMED: Final = 4  # reads that broke off with no byte more, before that is an answer
PAUSE_S: Final = 0.1
CLEAN_UP_S: Final = 10
# Longest between two parts of a living upload: 8 MiB at VOICETODO_UPLOAD_MIN_RATE take 68 minutes.
QUIET: Final = timedelta(hours=2)
# S3 dates a blob by the beginning of its upload, and whoever collects orphans goes by that date.
AGED: Final = timedelta(minutes=1)

FAILURES: Final = (BotoCoreError, ClientError, BrokenOff, OSError)
# Our settings are the one reader of the environment: neither AWS_… nor ~/.aws have a say.
NOT_READ: Final = {
    name: (None, None, default, None)
    for name, default in (
        ("profile", None),
        ("config_file", "/dev/null"),
        ("credentials_file", "/dev/null"),
        ("ca_bundle", None),
        ("data_path", None),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`endpoint` None is Amazon's of that region. Blobs are `prefix/folder/name`."""

    name: str
    region: str
    access_key: str
    secret_key: SecretStr
    endpoint: str | None = None
    prefix: str = ""


class S3:
    """`Blobs`, in a bucket that is there. Nothing is dialled before the first call.

    Belongs to the event loop that it is first used in. `aclose` when it is over. What has a default
    is an argument for tests only.
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        silent_s: float = SILENT_S,
        quiet: timedelta = QUIET,
        aged: timedelta = AGED,
        page: int = PAGE,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{bucket.prefix.strip('/')}/".lstrip("/")
        self._silent_s = silent_s
        self._quiet = quiet
        self._aged = aged
        self._page = page
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def put(self, key: str, pieces: AsyncIterable[bytes]) -> None:
        at = await self._at(key)
        upload = _Upload(self._client, at)
        try:
            async for piece in pieces:
                upload.held += piece
                if len(upload.held) >= PART:
                    await upload.send_part()
            if await upload.finish() > self._aged:
                await self._client.copy_object(
                    **at,
                    CopySource={"Bucket": at["Bucket"], "Key": at["Key"]},
                    MetadataDirective="REPLACE",
                )
        except BaseException as error:
            # Shielded, for this may be a cancelled task. What it misses, `tidy` or whoever
            # collects orphans finds: a request that broke off may have been carried out.
            with suppress(*FAILURES, Unavailable):
                await asyncio.shield(asyncio.wait_for(self._leave_nothing(key, upload), CLEAN_UP_S))
            if isinstance(error, FAILURES):
                raise Unavailable("the store of recordings takes nothing at the moment") from error
            raise

    async def _leave_nothing(self, key: str, upload: "_Upload") -> None:
        with suppress(*FAILURES):
            await upload.abort()
        await self.delete(key)

    async def open(self, key: str, *, start: int = 0) -> AsyncIterator[bytes]:
        at = await self._at(key)
        position, broken = start, 0
        same: dict[str, str] = {}
        while True:
            # A range of nothing, of an empty blob say, is an error to S3.
            wanted = {"Range": f"bytes={position}-"} if position else {}
            try:
                answer = await self._client.get_object(**at, **wanted, **same)
            except FAILURES as error:
                if _code(error) == "InvalidRange":
                    return
                if _code(error) == "NoSuchKey":
                    raise NotFound("the recording is not there any more") from error
                raise Unavailable("the store of recordings cannot be read") from error
            same = {"IfMatch": answer["ETag"]}
            end = position + answer["ContentLength"]
            try:
                async with answer["Body"] as body:
                    while piece := await body.read(READ_AT_ONCE):
                        position += len(piece)
                        broken = 0
                        yield piece
            except FAILURES as error:
                if broken == RESUMED:
                    raise Unavailable("the store of recordings cannot be read") from error
            if position >= end:
                return
            broken += 1
            await asyncio.sleep(PAUSE_S * 2**broken)

    async def delete(self, key: str) -> None:
        """Older versions as well, where the bucket keeps those."""
        at = await self._at(key)
        async with _works():
            gone = await self._client.delete_object(**at)
            if "VersionId" not in gone:
                return
            while versions := await self._versions(at["Key"]):
                for version in versions:
                    await self._client.delete_object(**at, VersionId=version)

    async def _versions(self, name: str) -> list[str]:
        """The first page of them, which begins with this name: the next would begin after one that
        is deleted meanwhile.
        """
        page = await self._client.list_object_versions(
            Bucket=self._bucket.name, Prefix=name, MaxKeys=self._page
        )
        found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        return [each["VersionId"] for each in found if each["Key"] == name]

    async def keys(self, folder: str) -> AsyncIterator[Kept]:
        await self._connected()
        inside = f"{self._prefix}{folder}/"
        async with _works():
            async for page in self._pages("list_objects_v2", inside):
                now = _now(page)
                for each in page.get("Contents", ()):
                    name = each["Key"].removeprefix(inside)
                    yield Kept(f"{folder}/{name}", now - each["LastModified"])

    async def tidy(self, older_than: timedelta) -> int:
        """No upload that may be living: one is aborted once nothing came for two hours."""
        await self._connected()
        count = 0
        async with _works():
            async for page in self._pages("list_multipart_uploads", self._prefix):
                now = _now(page)
                for each in page.get("Uploads", ()):
                    upload = _Upload(self._client, self._place(each["Key"]), each["UploadId"])
                    last = await upload.last_part_at() or each["Initiated"]
                    if now - last > max(older_than, self._quiet):
                        await upload.abort()
                        count += 1
        return count

    async def aclose(self) -> None:
        await self._open.aclose()
        self._client = None

    async def _at(self, key: str) -> dict[str, str]:
        if KEY.fullmatch(key) is None:
            raise ValueError("a key of a blob is `folder/name`")
        await self._connected()
        return self._place(f"{self._prefix}{key}")

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": name}

    def _pages(self, listing: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
        pages: AsyncIterator[dict[str, Any]] = self._client.get_paginator(listing).paginate(
            Bucket=self._bucket.name, Prefix=prefix, PaginationConfig={"PageSize": self._page}
        )
        return pages

    async def _connected(self) -> None:
        async with self._opening:
            if self._client is not None:
                return
            given = self._bucket
            config = AioConfig(
                connect_timeout=CONNECT_S,
                read_timeout=self._silent_s,
                max_pool_connections=CONNECTIONS,
                retries={"mode": "standard", "total_max_attempts": CALLS},
                proxies={},
                ignore_configured_endpoint_urls=True,
                # What we store is authenticated by its seal; the checksums that Amazon's client
                # adds of late are refused by many others' stores.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                # Others' stores have no name per bucket in DNS.
                s3={"addressing_style": "path" if given.endpoint else "auto"},
            )
            making = AioSession(NOT_READ).create_client(
                "s3",
                region_name=given.region,
                endpoint_url=given.endpoint,
                aws_access_key_id=given.access_key,
                aws_secret_access_key=given.secret_key.get_secret_value(),
                config=config,
            )
            async with _works():
                self._client = await self._open.enter_async_context(making)


class _Upload:
    """One blob that is coming in: whole if it is small, else in parts that S3 joins at the end."""

    def __init__(self, client: Any, at: dict[str, str], upload_id: str | None = None) -> None:
        self._client = client
        self._at = at
        self._id = upload_id
        self._parts: list[dict[str, Any]] = []
        self._began = 0.0
        self.held = bytearray()

    async def send_part(self) -> None:
        if self._id is None:
            self._began = asyncio.get_running_loop().time()
            self._id = (await self._client.create_multipart_upload(**self._at))["UploadId"]
        number, body = len(self._parts) + 1, bytes(self.held)
        self.held.clear()
        sent = await self._client.upload_part(
            **self._at, UploadId=self._id, PartNumber=number, Body=body
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    async def finish(self) -> timedelta:
        """How old the blob is, as S3 sees it."""
        if self._id is None:
            await self._client.put_object(**self._at, Body=bytes(self.held))
            return timedelta(0)
        if self.held:
            await self.send_part()
        await self._client.complete_multipart_upload(
            **self._at, UploadId=self._id, MultipartUpload={"Parts": self._parts}
        )
        return timedelta(seconds=asyncio.get_running_loop().time() - self._began)

    async def abort(self) -> None:
        if self._id is not None:
            await _gone(self._client.abort_multipart_upload(**self._at, UploadId=self._id))

    async def last_part_at(self) -> datetime | None:
        pages = self._client.get_paginator("list_parts").paginate(**self._at, UploadId=self._id)
        try:
            found = [each["LastModified"] async for page in pages for each in page.get("Parts", ())]
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise
            return None
        return max(found, default=None)


@asynccontextmanager
async def _works() -> AsyncIterator[None]:
    try:
        yield
    except FAILURES as error:
        raise Unavailable("the store of recordings does not work") from error


async def _gone(aborting: Awaitable[object]) -> None:
    """Somebody else may have been quicker."""
    try:
        await aborting
    except ClientError as error:
        if _code(error) != "NoSuchUpload":
            raise


def _code(error: Exception) -> str | None:
    """S3's own word for it, if it answered at all."""
    return error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None


def _now(answer: dict[str, Any]) -> datetime:
    """By the clock of the store, which dated what is in it."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else clock.now()
