"""Where a request to a user-supplied address may go; `integrations/http.py` resolves and dials.

An allow-list, because every deny-list forgets a block: `ipaddress.is_global` alone calls
192.0.0.192 (a cloud's metadata address), NAT64, 6to4 and multicast global. Sources: the IANA
special-purpose registries for IPv4 and IPv6 (RFC 6890), RFC 4291, RFC 5214 (ISATAP).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

MAX_URL_CHARS = 2048
SANDBOX_PATHS = ("/push/", "/hooks/")

# Stated in full instead of trusting is_global: its answers differ between Python releases.
SPECIAL_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link local: cloud metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
SPECIAL_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # IETF assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the former 6bone
        "3fff::/20",  # documentation
    )
)
ISATAP = (0x00005EFE, 0x02005EFE)  # interface ids that end in an IPv4 address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is an ordinary unicast address of the public Internet."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in block for block in SPECIAL_V4)
    return (
        address.scope_id is None
        and address in GLOBAL_UNICAST_V6
        and not any(address in block for block in SPECIAL_V6)
        and (int(address) >> 32) & 0xFFFFFFFF not in ISATAP
    )


def refusal(url: str, *, sandbox_url: str | None = None) -> str | None:
    """Why a user-supplied URL is not acceptable, as a sentence for its owner; None if it is.

    With `sandbox_url` (the dev profile) only the sandbox's /push/ and /hooks/ are acceptable, so a
    developer's machine never calls strangers. Without it: https, a host name or a public literal
    address, no credentials. Names are judged again when they are dialled, by what they resolve to.
    """
    if len(url) > MAX_URL_CHARS:
        return f"The address is longer than {MAX_URL_CHARS} characters."
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "The address contains characters that do not belong into a URL."
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "This is not a URL."
    if sandbox_url is not None:
        if _is_in_sandbox(parts, urlsplit(sandbox_url)):
            return None
        return f"The dev profile calls only {sandbox_url}/push/ and {sandbox_url}/hooks/."
    rules = (
        ("@" in parts.netloc, "The address must not contain a user name or password."),
        (parts.scheme != "https", "The address must start with https://."),
        (not has_host, "The address has no host."),
        (not _may_be_public(parts.hostname or ""), "The host is not on the public Internet."),
    )
    return next((why for broken, why in rules if broken), None)


def _is_in_sandbox(parts: SplitResult, sandbox: SplitResult) -> bool:
    path = unquote(parts.path)
    return (
        (parts.scheme, parts.netloc) == (sandbox.scheme, sandbox.netloc)
        and path.startswith(SANDBOX_PATHS)
        and ".." not in path.split("/")
    )


def _may_be_public(host: str) -> bool:
    """Judge a literal address; a name passes here and is judged when it is dialled.

    A host whose last label is a number is an IPv4 address to every resolver (URL standard, "ends
    in a number"): 2130706433, 0x7f.1 and 127.1 all mean 127.0.0.1, so only the plain form passes.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if ":" in host or last.isdigit() or last.startswith("0x"):
        try:
            return is_public(ip_address(host))
        except ValueError:
            return False
    return bool(last)
