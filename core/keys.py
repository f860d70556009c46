"""The three keys every process needs: from the settings, or made once for a developer."""

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)
from pydantic import SecretStr

from core.crypto import Keyring
from core.epochs import Epochs, SubjectRing
from core.errors import Misconfigured
from core.settings import Settings

_ENCRYPTION_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keys:
    signing: Ed25519PrivateKey  # access tokens
    encryption: bytes = field(repr=False)  # 32 bytes: cursors, sealed answers, Temporal payloads
    vapid: EllipticCurvePrivateKey  # Web Push, P-256
    # What is kept sealed for long: `encryption`, older ones that still open, and people's own.
    ring: SubjectRing


def load(settings: Settings) -> Keys:
    """Return the same keys in every process of one installation.

    The dev profile makes missing ones in `<data_dir>/keys`, readable by their owner only; in
    production every key comes from the settings. Misconfigured names the key that is no good.
    """
    encryption = _encryption(
        _text(settings, "encryption_key", settings.encryption_key, _new_encryption)
    )
    older = settings.older_encryption_keys
    ring = (encryption, *(_encryption(("VOICETODO_OLDER_ENCRYPTION_KEYS", _of(k))) for k in older))
    epochs = Epochs(settings.epoch_dir or settings.data_dir / "epochs", Keyring(ring))
    return Keys(
        signing=_signing(_text(settings, "signing_key", settings.signing_key, _new_signing)),
        encryption=encryption,
        ring=SubjectRing(ring, epochs),
        vapid=_vapid(_text(settings, "vapid_key", settings.vapid_key, _new_vapid)),
    )


def sandbox_events(settings: Settings) -> EllipticCurvePrivateKey:
    """What the dev profile's sandbox signs its mail events with, as SendGrid does."""
    made = _text(settings, "sandbox_events", None, _new_vapid)
    return _vapid(made)


def mail_events(settings: Settings) -> EllipticCurvePublicKey | None:
    """What mail events are verified with; None: they are not set up, and none is taken."""
    given = settings.sendgrid_webhook_key
    if given is None:
        wanted = settings.dev and settings.sandbox_events
        return sandbox_events(settings).public_key() if wanted else None
    try:
        key = load_der_public_key(base64.b64decode(given, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, EllipticCurvePublicKey):
        return key
    raise Misconfigured(
        "VOICETODO_SENDGRID_WEBHOOK_KEY is not the verification key that SendGrid shows: copy it "
        "from Mail Settings, Event Webhook, Security features"
    )


def slack_signing(settings: Settings) -> bytes | None:
    """What Slack's requests are signed with; None: they are not set up, and none is taken.

    The dev profile makes one that the sandbox signs with as well.
    """
    if settings.slack_signing_secret is None and not settings.dev:
        return None
    given = _text(settings, "slack_signing_secret", settings.slack_signing_secret, _new_text)
    return given[1].strip()


def _text(
    settings: Settings, name: str, given: SecretStr | None, new: Callable[[], bytes]
) -> tuple[str, bytes]:
    """Return the key's source, for the sentence that complains about it, and its text."""
    if given is not None:
        # One line of an environment file cannot hold a PEM's line ends: \n stands for them.
        text = given.get_secret_value().replace("\\n", "\n")
        return f"VOICETODO_{name.upper()}", text.encode()
    if not settings.dev:
        raise Misconfigured(f"VOICETODO_{name.upper()} is missing: set it")
    path = settings.data_dir / "keys" / name
    try:
        return str(path), _read_or_make(path, new)
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be used ({error.strerror}): make it readable for you, "
            "or set VOICETODO_DATA_DIR to another place"
        ) from error


def _read_or_make(path: Path, new: Callable[[], bytes]) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(new())
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link appears with its whole content or not at all, and the first one stays.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _new_signing() -> bytes:
    return _pem(Ed25519PrivateKey.generate())


def _new_encryption() -> bytes:
    return base64.b64encode(secrets.token_bytes(_ENCRYPTION_BYTES)) + b"\n"


def _new_text() -> bytes:
    return secrets.token_hex(_ENCRYPTION_BYTES).encode() + b"\n"


def _new_vapid() -> bytes:
    return _pem(generate_private_key(SECP256R1()))


def _private_key(text: bytes) -> object:
    try:
        return load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _signing(text: tuple[str, bytes]) -> Ed25519PrivateKey:
    source, pem = text
    key = _private_key(pem)
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise Misconfigured(
        f"{source} is not an Ed25519 private key in PEM: make one with "
        "`openssl genpkey -algorithm ed25519`"
    )


def _vapid(text: tuple[str, bytes]) -> EllipticCurvePrivateKey:
    source, pem = text
    key = _private_key(pem)
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise Misconfigured(
        f"{source} is not a P-256 private key in PEM: make one with "
        "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`"
    )


def _of(secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode()


def _encryption(text: tuple[str, bytes]) -> bytes:
    source, encoded = text
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) == _ENCRYPTION_BYTES:
        return key
    raise Misconfigured(
        f"{source} is not 32 bytes in base64: make them with `openssl rand -base64 32`"
    )
