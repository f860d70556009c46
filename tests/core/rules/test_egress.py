from ipaddress import ip_address

import pytest

from core.rules.egress import is_public, refusal

SANDBOX = "http://127.0.0.1:8025"

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing binds
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.88.99.2",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",  # mapped, although what it embeds is public
    "::ffff:0:8.8.8.8",  # translated
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:808:808::1",
    "2620:4f:8000::1",
    "2a00:1450::5efe:7f00:1",  # ISATAP
    "2a00:1450::200:5efe:a00:1",
    "3ffe::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fec0::1",
    "fe80::1%eth0",
    "2a00:1450::1%eth0",  # scoped
    "ff02::1",
    "ff0e::1",
]
PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "191.255.255.1",
]
PUBLIC += [
    "192.0.1.1",
    "198.20.0.1",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700::1111",
    "2a00::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_12_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_12_ordinary_addresses_next_to_special_blocks_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "https://hooks.example.com:8443/",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
        "https://xn--bcher-kva.example/",
        "HTTPS://HOOKS.EXAMPLE.COM/",
    ],
)
def test_ordinary_addresses_are_accepted(url: str) -> None:
    assert refusal(url) is None


REFUSED = [
    "",
    "hooks.example.com",
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "javascript:alert(1)",
    "https://",
    "https:///path",
    "https://./",
    "https://:443/",
    "https://host:0/",
    "https://host:99999/",
    "https://host:abc/",
    "https://user@hooks.example.com/",
    "https://user:password@hooks.example.com/",
    "https://@hooks.example.com/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com/ a",
    "https://hooks.example.com/\r\nHost: x",
    "https://hooks.example.com/\x00",
    "https://bücher.example/",
    "https://[::1",
    "https://[::1]/",
    "https://[::ffff:1.1.1.1]/",
    "https://[2606:4700::1111%25eth0]/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://hooks.example.com/" + "a" * 2048,
    SANDBOX + "/push/1",
]


@pytest.mark.parametrize("url", REFUSED)
def test_12_hostile_and_internal_urls_are_refused(url: str) -> None:
    assert refusal(url)


@pytest.mark.parametrize("path", ["/push/abc", "/hooks/mine", "/hooks/mine?x=1"])
def test_12_dev_admits_the_sandbox(path: str) -> None:
    assert refusal(SANDBOX + path, sandbox_url=SANDBOX) is None


REFUSED_IN_DEV = [
    SANDBOX + "/",
    SANDBOX + "/push",
    SANDBOX + "/faults",
    SANDBOX + "/v3/mail/send",
    SANDBOX + "/hooks/../faults",
    SANDBOX + "/hooks/%2e%2e/faults",
    SANDBOX + "/hooks%2f../faults",
    "http://127.0.0.1:8026/hooks/a",
    "http://localhost:8025/hooks/a",
    "http://user@127.0.0.1:8025/hooks/a",
    "https://127.0.0.1:8025/hooks/a",
    "http://127.0.0.1:8025.example.com/hooks/a",
    "https://hooks.example.com/hooks/a",
]


@pytest.mark.parametrize("url", REFUSED_IN_DEV)
def test_12_dev_admits_nothing_else(url: str) -> None:
    assert refusal(url, sandbox_url=SANDBOX)
