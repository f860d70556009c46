"""Which store of blobs the settings name."""

from core.settings import Settings
from integrations.blobs import Blobs, Directory


def opened(settings: Settings) -> Blobs:
    """The caller ends it with `aclose`. Nothing is touched before the first call."""
    if settings.blob_store == "directory":
        return Directory(settings.blobs)
    # Two seconds and 38 MB that only those pay who use it.
    from integrations.blobs_s3 import S3, Bucket  # noqa: PLC0415 - as said

    if not (settings.s3_bucket and settings.s3_access_key and settings.s3_secret_key):
        raise AssertionError("`Settings` refuses that")
    bucket = Bucket(
        name=settings.s3_bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        endpoint=settings.s3_endpoint,
        prefix=settings.s3_prefix or "",
    )
    return S3(bucket)
