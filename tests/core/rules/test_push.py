from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.rules import push

POINT = (
    generate_private_key(SECP256R1())
    .public_key()
    .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)


MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


def test_keys_are_read_with_and_without_padding() -> None:
    assert push.read_point(encode(POINT)) == push.read_point(encode(POINT).rstrip("=")) == POINT
    assert push.read_auth(encode(b"a" * 16)) == b"a" * 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        encode(POINT[:-1]),
        encode(POINT + b"\0"),
        encode(b"\x02" + POINT[1:33]),  # compressed: no browser sends it
        encode(b"\x04" + b"\x01" * 64),  # not on the curve
        encode(POINT)[:-4] + "!!!!",
        "ä" * 87,
    ],
    ids=["nothing", "short", "long", "compressed", "off the curve", "no base64", "no ASCII"],
)
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words differ
        push.read_point(text)


@pytest.mark.parametrize("text", ["", encode(b"a" * 15), encode(b"a" * 17), "a b", "a+b/"])
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        push.read_auth(text)


@pytest.mark.parametrize(
    ("endpoint", "known"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://FCM.googleapis.com./fcm/send/x", True),
        ("https://web.push.apple.com/x", True),
        ("https://push.apple.com.evil.example/x", False),
        ("https://evil.example/fcm.googleapis.com", False),
        ("https://fcm.googleapis.com@evil.example/", False),
    ],
)
def test_services_are_known_by_their_host(endpoint: str, known: bool) -> None:  # noqa: FBT001 - a column
    assert push.is_known(endpoint, {"fcm.googleapis.com", "*.push.apple.com"}) is known


def test_the_audience_is_the_origin() -> None:
    assert push.audience("http://127.0.0.1:8025/push/x?y") == "http://127.0.0.1:8025"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/131.0 Safari/537.36 Edg/131.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
            "Firefox on Android",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 18_1 like Mac OS X) {WEBKIT} Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)
def test_devices_are_named_by_their_browser(agent: str, name: str) -> None:
    assert push.device_name(agent) == name
