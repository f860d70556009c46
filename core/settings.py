"""The one reader of the environment. Every setting is `VOICETODO_<NAME>` or a line of `.env`."""

from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import Misconfigured
from core.misread import told_by_variable, variable

MIN_SECRET_CHARS = 32
MIN_PASSWORD_MEMORY_MIB = 64
TRANSCRIBERS = ("embedded", "openai", "deepgram")
Port = Annotated[int, Field(ge=1, le=65535)]


def _none(value: object) -> object:
    """`none` in an environment, where an empty value is a setting not made."""
    return None if value == "none" else value


class Profile(StrEnum):
    DEV = "dev"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    AUTO = "auto"  # text for a terminal, JSON for everything else
    TEXT = "text"
    JSON = "json"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="VOICETODO_",
        env_file=".env",
        env_ignore_empty=True,  # `NAME=`, as .env.example has them, is a setting not made
        extra="ignore",
        frozen=True,
    )

    profile: Profile = Field(Profile.DEV, description="dev | production")
    data_dir: Path = Field(Path(".voicetodo"), description="Embedded servers' data, blobs, keys")
    epoch_dir: Path | None = Field(
        None, description="Directory of the epochs' keys, which all hosts share; data_dir/epochs"
    )
    blob_dir: Path | None = Field(
        None, description="Directory of recordings, which API and workers share; data_dir/blobs"
    )
    blob_store: Literal["directory", "s3"] = Field("directory", description="Where blobs are kept")
    s3_endpoint: str | None = Field(
        None, description="Address of what speaks S3; without: Amazon's of that region"
    )
    s3_bucket: str | None = Field(None, description="Its bucket, which is there already")
    s3_region: str = Field("us-east-1", description="Its region")
    s3_access_key: str | None = Field(None, description="Who we are there")
    s3_secret_key: SecretStr | None = Field(None, description="The secret that belongs to it")
    s3_prefix: str | None = Field(
        None, pattern=r"^[A-Za-z0-9/_.-]{0,200}$", description="Begins each name in the bucket"
    )
    host: str = Field("127.0.0.1", description="Address that API and sandbox listen on")
    api_port: Port = Field(8000, description="Port of the API")
    temporal_port: Port = Field(7233, description="Port of the embedded Temporal server")
    temporal_ui_port: Port = Field(8233, description="Port of the embedded Temporal UI")
    sandbox_port: Port = Field(8025, description="Port of the vendor sandbox (dev profile only)")
    worker_metrics_port: Port = Field(8001, description="Port of the worker's /metrics")
    log_format: LogFormat = Field(
        LogFormat.AUTO, description="auto | text | json; auto is text on a terminal"
    )
    public_url: str | None = Field(
        None, description="Where people reach the API; links in e-mails start with it"
    )

    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "VOICETODO_DATABASE_URL"),
        description="PostgreSQL to use instead of the embedded one",
    )
    pool_size: int = Field(4, ge=1, le=64, description="Connections per process and role")
    temporal_profile: str | None = Field(
        None, description="Temporal client profile to use instead of the embedded server"
    )
    temporal_config_file: Path | None = Field(
        None, description="File that holds the Temporal client profile"
    )
    lanes: int = Field(1, ge=1, le=64, description="Parallel ticks per kind")

    retries_email: int = Field(
        100, ge=1, description="E-mails tried again per second, of all workers together"
    )
    retries_push: int = Field(200, ge=1, description="Push messages tried again per second")
    retries_slack: int = Field(20, ge=1, description="Slack messages tried again per second")
    retries_sms: int = Field(10, ge=1, description="Text messages tried again per second")

    signing_key: SecretStr | None = Field(
        None, description="Ed25519 private key of access tokens (PEM); dev: made in data_dir/keys"
    )
    encryption_key: SecretStr | None = Field(
        None, description="32 bytes, base64; seals cursors, answers, Temporal payloads"
    )
    older_encryption_keys: list[SecretStr] = Field(
        default=[], description="Earlier values that still open what they sealed (JSON)"
    )
    vapid_key: SecretStr | None = Field(
        None, description="P-256 private key of Web Push (PEM); dev: made in data_dir/keys"
    )
    push_services: list[str] = Field(
        default=[
            "fcm.googleapis.com",
            "*.push.services.mozilla.com",
            "*.push.apple.com",
            "*.notify.windows.com",
        ],
        description="Push services to send to, `*` for any text (JSON); dev: the sandbox only",
    )
    codec_admin_token: SecretStr | None = Field(
        None, description="Bearer token of /codec/decode; open on loopback in the dev profile"
    )
    sendgrid_api_key: SecretStr | None = Field(
        None, description="SendGrid; dev: the sandbox takes any"
    )
    sendgrid_url: str | None = Field(None, description="SendGrid's base address; dev: the sandbox")
    sendgrid_webhook_key: str | None = Field(
        None, description="Public key of SendGrid's signed event webhook; dev: the sandbox's"
    )
    sandbox_events: bool = Field(
        default=True, description="Dev: the sandbox tells the API what became of e-mails"
    )
    slack_url: str | None = Field(None, description="Base address of Slack's Web API; dev: sandbox")
    slack_authorize_url: str | None = Field(
        None, description="Where Slack asks people for their consent; dev: the sandbox"
    )
    slack_client_id: str | None = Field(
        None, description="Of the Slack app; without: nobody can connect Slack; dev: the sandbox's"
    )
    slack_client_secret: SecretStr | None = Field(None, description="Of the same app")
    slack_signing_secret: SecretStr | None = Field(
        None, description="What Slack signs its requests with; dev: made in data_dir/keys"
    )
    google_client_id: str | None = Field(
        None, description="Of Google Cloud; without: no calendar connects; dev: the sandbox's"
    )
    google_client_secret: SecretStr | None = Field(None, description="Of the same client")
    google_calls_per_second: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="To the calendar of one person; default 10, as Google has it; sandbox: any",
    )
    google_url: str | None = Field(
        None, description="Base address of Google's Calendar API; dev: the sandbox"
    )
    google_oauth_url: str | None = Field(
        None, description="Where Google asks people for their consent; dev: the sandbox"
    )
    google_token_url: str | None = Field(
        None, description="Where Google gives tokens; /revoke is beside it; dev: the sandbox"
    )
    twilio_account_sid: str | None = Field(
        None, description="Twilio, `AC…`; text messages are off unless these three are set"
    )
    twilio_auth_token: SecretStr | None = Field(None, description="Twilio's auth token")
    twilio_from: str | None = Field(
        None, description="Sender of text messages: a number, `+15005550006`, or a service, `MG…`"
    )
    twilio_url: str | None = Field(None, description="Twilio's base address; dev: the sandbox")
    voice_max_seconds: int = Field(
        120, ge=1, le=300, description="Longest recording that is transcribed, in seconds"
    )
    voice_processes: int = Field(
        2,
        ge=1,
        le=64,
        description="Processes of each worker that decode recordings; as many that transcribe",
    )
    transcribers: str = Field(
        "embedded",
        description="Who transcribes, first to last: embedded, openai, deepgram; `none`: nobody",
    )
    transcriptions_embedded: float = Field(
        2, gt=0, description="Recordings a second for it, of all workers together"
    )
    transcriptions_openai: float = Field(5, gt=0, description="The same for openai")
    transcriptions_deepgram: float = Field(5, gt=0, description="The same for deepgram")
    openai_transcription_profile: Literal["openai", "groq", "speaches", "vllm", "localai"] = Field(
        "openai", description="What speaks OpenAI's API: openai, groq, speaches, vllm, localai"
    )
    openai_transcription_url: str | None = Field(
        None, description="Its base address, with /v1; dev: the sandbox; a server of your own: set"
    )
    openai_transcription_key: SecretStr | None = Field(None, description="Its key")
    openai_transcription_model: str | None = Field(
        None, description="Its model; without: the profile's"
    )
    openai_transcription_price: int | None = Field(
        None, ge=0, description="What it takes for a minute, in millionths of a dollar; counted"
    )
    deepgram_key: SecretStr | None = Field(None, description="Deepgram's key")
    deepgram_url: str | None = Field(None, description="Deepgram's base address; dev: the sandbox")
    deepgram_model: str = Field("nova-3", description="Deepgram's model")
    deepgram_price: int | None = Field(
        None, ge=0, description="What it takes for a minute, in millionths of a dollar; counted"
    )
    language_model_url: str | None = Field(
        None,
        description="What we do not understand, a language model may: base address, with /v1, of a "
        "server of OpenAI's chat completions; without: nobody is asked",
    )
    language_model_key: SecretStr | None = Field(None, description="Its key")
    language_model_name: str | None = Field(None, description="Its model")
    language_model_timeout_s: float = Field(
        3, gt=0, le=30, description="Seconds that somebody is made to wait for it"
    )
    language_model_local: bool = Field(
        default=False, description="It is run by whoever runs this: nobody's consent is needed"
    )
    sendgrid_batch: int = Field(
        0, ge=0, le=1000, description="E-mails of one moment in one call of SendGrid; 0 or 1: one"
    )
    mail_from: str = Field(
        "Voice Todo <reminders@voicetodo.example>", description="Sender of e-mails"
    )

    voice_act_confidence: float = Field(
        0.85, ge=0, le=1, description="From here on a spoken command is carried out"
    )
    voice_ask_confidence: float = Field(
        0.6, ge=0, le=1, description="Below this, it is asked what was meant at all"
    )
    voice_match_accept: int = Field(
        88, ge=0, le=100, description="A todo that is meant: how alike its title must be"
    )
    voice_match_lead: int = Field(
        10, ge=0, le=100, description="… and how much more than any other title"
    )
    voice_match_ask: int = Field(
        70, ge=0, le=100, description="From here on a title is offered when it is not sure"
    )
    voice_retention_days: int = Field(
        30, ge=1, le=3650, description="Days after which spoken words are forgotten"
    )

    rate_limit_api: int = Field(100, ge=1, description="Requests per user and minute")
    rate_limit_uploads: int = Field(5, ge=1, description="Recordings per user and minute")
    rate_limit_auth: int = Field(
        30, ge=1, description="Sign-ins and registrations per address and minute"
    )
    password_min_chars: int = Field(
        15, ge=8, description="Shortest password without a second factor"
    )
    password_memory_mib: int = Field(
        64, ge=1, description="Memory of one argon2id hash; production takes 64 or more"
    )
    upload_idle_seconds: int = Field(
        10, ge=1, description="An upload that sends nothing for so long ends with 408"
    )
    upload_min_rate: int = Field(
        2048, ge=1, description="Bytes per second; a slower upload ends with 408"
    )
    voice_audio_retention_days: Annotated[int | None, BeforeValidator(_none)] = Field(
        30, ge=0, description="Days that audio is kept after its transcript; `none` is for ever"
    )
    cors_origins: list[str] = Field(default=[], description="Origins browsers may call from (JSON)")
    fault: str | None = Field(
        None, description="Fault point for tests, `name:kill`; dev profile only", alias="FAULT"
    )
    clock_file: Path | None = Field(
        None,
        description="Tests: a file with seconds to be wrong by; dev profile only",
        alias="CLOCK_FILE",
    )

    @model_validator(mode="after")
    def _sets_are_whole(self) -> Self:
        s3 = ("s3_bucket", "s3_access_key", "s3_secret_key")
        texting = ("twilio_account_sid", "twilio_auth_token", "twilio_from")
        for who, names, wanted in (
            ("VOICETODO_BLOB_STORE=s3 needs", s3, self.blob_store == "s3"),
            ("text messages need", texting, any(getattr(self, name) for name in texting)),
        ):
            missing = [variable(name) for name in names if getattr(self, name) is None]
            if missing and wanted:
                raise Misconfigured(f"{who} {' and '.join(missing)} as well")
        return self

    @model_validator(mode="after")
    def _apps_of_providers_are_whole(self) -> Self:
        pairs = [(f"{app}_client_id", f"{app}_client_secret") for app in ("google", "slack")]
        wrong = [
            f"{' and '.join(map(variable, pair))} go together"
            for pair in pairs
            if len({getattr(self, name) is None for name in pair}) > 1
        ]
        if wrong:
            raise Misconfigured(", ".join(wrong))
        return self

    @model_validator(mode="after")
    def _transcribers_are_known(self) -> Self:
        named = self.transcriber_names
        unknown = [each for each in named if each not in TRANSCRIBERS]
        if unknown or len(set(named)) < len(named):
            known = ", ".join(TRANSCRIBERS)
            raise Misconfigured(f"VOICETODO_TRANSCRIBERS is `none`, or made of {known}, each once")
        if self.dev:  # the sandbox takes any key
            return self
        hosted = self.openai_transcription_profile in ("openai", "groq")
        needs = {
            "openai": "openai_transcription_key" if hosted else "openai_transcription_url",
            "deepgram": "deepgram_key",
        }
        wanted = [needs[name] for name in named if name in needs]
        missing = [variable(name) for name in wanted if getattr(self, name) is None]
        if missing:
            raise Misconfigured(f"VOICETODO_TRANSCRIBERS needs {' and '.join(missing)} as well")
        return self

    @model_validator(mode="after")
    def _language_model_is_whole(self) -> Self:
        url = self.language_model_url
        if url is None:
            return self
        if self.language_model_name is None:
            name = "VOICETODO_LANGUAGE_MODEL_NAME"
            raise Misconfigured(f"VOICETODO_LANGUAGE_MODEL_URL needs {name} as well")
        if not (self.dev or self.language_model_local or url.startswith("https://")):
            whose = "a server that is not VOICETODO_LANGUAGE_MODEL_LOCAL"
            raise Misconfigured(f"VOICETODO_LANGUAGE_MODEL_URL of {whose} begins with https://")
        return self

    @model_validator(mode="after")
    def _production_is_explicit(self) -> Self:
        """Refuse to boot in production with a missing or weak secret; name all of them at once."""
        if self.profile is not Profile.PRODUCTION:
            return self
        wrong = [
            f"{variable(name)} is {'missing' if secret is None else 'too short'}"
            for name in ("signing_key", "encryption_key", "vapid_key", "codec_admin_token")
            if (secret := getattr(self, name)) is None
            or len(secret.get_secret_value()) < MIN_SECRET_CHARS
        ]
        wrong += [
            f"{variable(name)} is missing"
            for name in ("database_url", "public_url", "sendgrid_api_key", "epoch_dir")
            if getattr(self, name) is None
        ]
        if self.password_memory_mib < MIN_PASSWORD_MEMORY_MIB:
            wrong.append(f"VOICETODO_PASSWORD_MEMORY_MIB is less than {MIN_PASSWORD_MEMORY_MIB}")
        if self.fault:
            wrong.append("FAULT is for tests only")
        if self.clock_file:
            wrong.append("CLOCK_FILE is for tests only")
        if wrong:
            raise Misconfigured(f"the production profile does not start: {', '.join(wrong)}")
        return self

    @property
    def dev(self) -> bool:
        return self.profile is Profile.DEV

    @property
    def blobs(self) -> Path:
        return self.blob_dir or self.data_dir / "blobs"

    @property
    def audio_retention(self) -> timedelta | None:
        """None: for ever."""
        days = self.voice_audio_retention_days
        return None if days is None else timedelta(days=days)

    @property
    def transcriber_names(self) -> tuple[str, ...]:
        """In the order in which they are asked; none: recordings wait until there is one."""
        named = tuple(each.strip() for each in self.transcribers.split(",") if each.strip())
        return () if named == ("none",) else named

    @property
    def log_text(self) -> bool | None:
        """For `logs.configure`; none: the stream decides."""
        return None if self.log_format is LogFormat.AUTO else self.log_format is LogFormat.TEXT

    @property
    def api_url(self) -> str:
        """Where people reach the API; never built from a request's Host header."""
        return self.public_url or f"http://{self.host}:{self.api_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{self.host}:{self.sandbox_port}"


@cache
def settings() -> Settings:
    """Those of this process. `Misconfigured` has a sentence for each variable that is wrong."""
    with told_by_variable():
        return Settings()
