"""IP addresses and subnets, routes, MAC addresses, ports, transfer times."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Draw, Like, Part, Refused, Result, Wrong, magnitude, pick, tool, whole

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918."""


def _address(rng: Random) -> str:
    """An IPv4 address such as stands in examples and home networks."""
    starts = (
        f"10.{rng.randrange(256)}.{rng.randrange(256)}",
        f"172.{rng.randrange(16, 32)}.{rng.randrange(256)}",
        f"192.168.{rng.choice((0, 1, 2, 10, 50, 100, 178))}",
        f"81.2.{rng.randrange(256)}",
        "203.0.113",
        "198.51.100",
    )
    return f"{rng.choice(starts)}.{rng.randrange(1, 255)}"


def _network(*lengths: int) -> Draw:
    """A network in CIDR notation without host bits."""
    return lambda rng: str(IPv4Network((_address(rng), rng.choice(lengths)), strict=False))


def _strict(network: str, name: str) -> IPv4Network:
    """Raises Refused for what is no IPv4 network, and for one with host bits."""
    try:
        return IPv4Network(network)
    except ValueError as error:
        why = str(error)
    if "host bits" in why:
        meant = IPv4Network(network, strict=False)
        raise Refused(f"parameter '{name}': {network!r} has bits set beyond its mask; the network there is {meant}")
    raise Refused(f"parameter '{name}': {network!r} is no IPv4 network; give one such as 192.168.0.0/24")


def _hosts(network: IPv4Network) -> tuple[str, str, int]:
    """First and last usable host, and how many; RFC 3021 lets both of a /31 be used."""
    if network.prefixlen >= 31:
        return str(network[0]), str(network[-1]), network.num_addresses
    return str(network[1]), str(network[-2]), network.num_addresses - 2


class SubnetDetails(Result):
    network: str = Field(description="The network in CIDR notation")
    broadcast_address: str = Field(description="Its last address")
    netmask: str = Field(description="Mask in dotted form")
    wildcard_mask: str = Field(description="The mask inverted, as access lists take it")
    first_host: str = Field(description="First usable host")
    last_host: str = Field(description="Last usable host")
    usable_hosts: int = Field(description="Hosts that can be addressed")
    rfc1918_private: bool = Field(description="Whether it lies in 10/8, 172.16/12 or 192.168/16")


def _host_with_mask(rng: Random) -> str:
    masks = (8, 12, 16, 20, 22, 23, 24, 24, 25, 26, 27, 28, 29, 30, 31, "255.255.255.0", "255.255.240.0")
    return f"{_address(rng)}/{rng.choice(masks)}"


@tool(
    "Networks",
    "IP addressing",
    "What network is {cidr} in?",
    "Netmask, broadcast and host range of {cidr} please",
    "How many hosts can I address in {cidr}, and which is the first one?",
)
def subnet_details(
    cidr: Annotated[
        str,
        Field(min_length=9, max_length=33, description="IPv4 address with prefix length or mask, as 192.168.1.77/26"),
        Like(_host_with_mask),
        Wrong(
            pick("300.1.1.0/24", "10.0.0.0/33", "192.168.1/24", "192.168.1.77", "10.0.0.1/255.0.255.0", "10.0.0.0/-1")
        ),
    ],
) -> SubnetDetails:
    """The subnet that an IPv4 address with a mask lies in: its range, masks and number of usable hosts."""
    try:
        network = IPv4Network(cidr, strict=False) if "/" in cidr else None
    except ValueError:
        network = None
    if network is None:
        raise Refused(f"parameter 'cidr': {cidr!r} is not an IPv4 address and a mask; give one such as 192.168.1.77/26")
    first, last, usable = _hosts(network)
    return SubnetDetails(
        network=str(network),
        broadcast_address=str(network.broadcast_address),
        netmask=str(network.netmask),
        wildcard_mask=str(network.hostmask),
        first_host=first,
        last_host=last,
        usable_hosts=usable,
        rfc1918_private=any(network.subnet_of(private) for private in _PRIVATE),
    )


class Route(Part):
    """One line of a routing table."""

    network: str = Field(min_length=9, max_length=18, description="Destination network in CIDR notation")
    next_hop: str = Field(min_length=1, max_length=40, description="Gateway or interface")


def _routing(rng: Random) -> Mapping[str, Any]:
    destination = IPv4Address(_address(rng))
    lengths = sorted(rng.sample((8, 12, 16, 20, 22, 24, 26, 28), rng.randint(1, 3)))
    covering = [str(IPv4Network((int(destination), length), strict=False)) for length in lengths]
    others = [_network(16, 24)(rng) for _ in range(rng.randint(0, 2))]
    default = ["0.0.0.0/0"] if rng.random() < 0.5 else []
    networks = default + (covering if rng.random() < 0.85 else []) + others or ["10.0.0.0/8"]
    rng.shuffle(networks)
    hops = ("eth0", "eth1", "tun0", "10.0.0.1", "192.168.1.1", "192.168.1.254", "172.16.0.1", "blackhole")
    return {
        "destination": str(destination),
        "routes": [{"network": network, "next_hop": rng.choice(hops)} for network in networks],
    }


class RouteDecision(Result):
    reachable: bool = Field(description="Whether any route covers the destination")
    network: str | None = Field(description="The network of the route taken; null where there is none")
    next_hop: str | None = Field(description="Where the packet goes; null where there is no route")
    covering_routes: int = Field(description="Routes that cover the destination")


@tool(
    "Networks",
    "IP addressing",
    "Where does a packet to {destination} go, given these routes: {routes}?",
    "My routing table is {routes}. Which route is taken for {destination}?",
    together=_routing,
)
def longest_prefix_match(
    destination: Annotated[
        str,
        Field(min_length=7, max_length=15, description="IPv4 address of the packet"),
        Wrong(pick("10.0.0.256", "192.168.1", "203.0.113.7.1", "localhost", "10.0.0.-1", "1.2.3.abc")),
    ],
    routes: Annotated[
        list[Route],
        Field(min_length=1, max_length=30, description="Routing table"),
        Wrong(
            pick(
                [{"network": "10.0.0.0/40", "next_hop": "10.0.0.1"}],
                [{"network": "192.168.1.7/24", "next_hop": "eth0"}],
                [{"network": "0.0.0.0/0", "next_hop": "eth0"}, {"network": "10.0.0.999/8", "next_hop": "tun0"}],
            )
        ),
    ],
) -> RouteDecision:
    """Choose the route for a packet: the longest prefix that covers its IPv4 destination, the first of equal ones."""
    try:
        address = IPv4Address(destination)
    except ValueError:
        raise Refused(
            f"parameter 'destination': {destination!r} is no IPv4 address; give one such as 10.1.2.3"
        ) from None
    table = [(_strict(route.network, "routes"), route.next_hop) for route in routes]
    covering = [(network, hop) for network, hop in table if address in network]
    if not covering:
        return RouteDecision(reachable=False, network=None, next_hop=None, covering_routes=0)
    network, hop = max(covering, key=lambda route: route[0].prefixlen)
    return RouteDecision(reachable=True, network=str(network), next_hop=hop, covering_routes=len(covering))


_MISPLACED = pick("192.168.10.5/24", "10.0.0.0/33", "172.16.5.0/20", "10.0.0.0/99", "256.0.0.0/24")


def _department_sizes(rng: Random) -> Mapping[str, Any]:
    length, most = rng.choice(((24, 60), (23, 120), (22, 250), (16, 900)))
    hosts = [rng.choice((2, rng.randint(2, most), rng.randint(2, most))) for _ in range(rng.randint(1, 4))]
    return {"network": _network(length)(rng), "hosts_needed": hosts}


class Allocation(Result):
    hosts_needed: int = Field(description="Hosts asked for")
    subnet: str = Field(description="Subnet in CIDR notation")
    first_host: str = Field(description="First usable host")
    last_host: str = Field(description="Last usable host")


class SubnetPlan(Result):
    allocations: list[Allocation] = Field(description="The subnets, the largest first")
    unused_addresses: int = Field(description="Addresses of the network in no subnet")


@tool(
    "Networks",
    "IP addressing",
    "Split {network} into subnets for {hosts_needed} hosts.",
    "VLSM plan for {network}: the departments need {hosts_needed} hosts. Waste as little as possible.",
    together=_department_sizes,
)
def vlsm_allocation(
    network: Annotated[
        str, Field(min_length=9, max_length=18, description="IPv4 network in CIDR notation"), Wrong(_MISPLACED)
    ],
    hosts_needed: Annotated[
        list[Annotated[int, Field(ge=1, le=65534)]],
        Field(min_length=1, max_length=16, description="Hosts that each subnet must hold"),
    ],
) -> SubnetPlan:
    """Divide an IPv4 network into subnets of different sizes: largest first, each the smallest power of two that holds
    its hosts besides network and broadcast address."""
    whole_network = _strict(network, "network")
    at, end = int(whole_network.network_address), int(whole_network.broadcast_address) + 1
    allocations: list[Allocation] = []
    for hosts in sorted(hosts_needed, reverse=True):
        size = 1 << (hosts + 1).bit_length()
        if at + size > end:
            raise Refused(
                f"parameter 'hosts_needed': {', '.join(map(str, hosts_needed))} hosts do not fit into {network}; "
                f"that has {whole_network.num_addresses} addresses"
            )
        subnet = IPv4Network((at, 33 - size.bit_length()))
        first, last, _ = _hosts(subnet)
        allocations.append(Allocation(hosts_needed=hosts, subnet=str(subnet), first_host=first, last_host=last))
        at += size
    return SubnetPlan(allocations=allocations, unused_addresses=end - at)


def _neighbours(rng: Random) -> list[str]:
    """Networks some of which lie side by side."""
    length = rng.choice((23, 24, 24, 25, 26))
    first = IPv4Network((_address(rng), length - 2), strict=False)
    found = [str(network) for network in rng.sample(list(first.subnets(new_prefix=length)), rng.randint(2, 4))]
    return found + ([_network(24, 28)(rng)] if rng.random() < 0.4 else [])


class RouteSummary(Result):
    summary: list[str] = Field(description="Fewest networks that cover the same addresses, in order")
    networks_saved: int = Field(description="How many fewer networks than were given")
    addresses: int = Field(description="Addresses covered")


@tool(
    "Networks",
    "IP addressing",
    "Summarise these routes: {networks}",
    "Can {networks} be merged into fewer networks that cover exactly the same addresses?",
)
def summarise_networks(
    networks: Annotated[
        list[Annotated[str, Field(min_length=9, max_length=18)]],
        Field(min_length=1, max_length=32, description="IPv4 networks in CIDR notation"),
        Like(_neighbours),
        Wrong(
            pick(
                ["192.168.0.0/24", "192.168.1.300/24"],
                ["10.0.0.0/8", "10.0.0.1/24"],
                ["172.16.0.0/33"],
                ["203.0.113.0/25", "203.0.113.64/25"],
            )
        ),
    ],
) -> RouteSummary:
    """Collapse IPv4 networks into the fewest that cover exactly the same addresses."""
    merged = list(collapse_addresses(_strict(network, "networks") for network in networks))
    return RouteSummary(
        summary=[str(network) for network in merged],
        networks_saved=len(networks) - len(merged),
        addresses=sum(network.num_addresses for network in merged),
    )


_KINDS: Sequence[tuple[IPv6Network, str]] = (
    (IPv6Network("::/128"), "unspecified"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("::ffff:0:0/96"), "IPv4-mapped"),
    (IPv6Network("2001:db8::/32"), "documentation"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("fc00::/7"), "unique local"),
    (IPv6Network("ff00::/8"), "multicast"),
    (IPv6Network("2000::/3"), "global unicast"),
)


def _ipv6(rng: Random) -> str:
    """An address as people write it: shortened, in full, in capitals."""
    start = rng.choice(
        (0x20010DB8 << 96, 0xFE80 << 112, 0xFD12 << 112, 0x2A00145040 << 88, 0xFF02 << 112, 0xFFFF << 32)
    )
    tail = rng.choice((1, rng.randrange(2**16), rng.randrange(2**32), (rng.randrange(2**16) << 64) + rng.randrange(9)))
    full = IPv6Address(start + (tail if start >> 112 else tail % 2**32)).exploded
    without_zeros = ":".join(f"{int(group, 16):x}" for group in full.split(":"))
    return rng.choice((full, full.upper(), without_zeros, str(IPv6Address(full))))


class Ipv6Forms(Result):
    compressed: str = Field(description="Shortest form, by RFC 5952")
    exploded: str = Field(description="All 32 hex digits")
    kind: str = Field(description="What addresses of its range are for")
    reverse_name: str = Field(description="Name to ask the DNS for its PTR record")


@tool(
    "Networks",
    "IP addressing",
    "Shorten the IPv6 address {address}.",
    "Compressed and full form of {address}, and its ip6.arpa name?",
)
def ipv6_address_forms(
    address: Annotated[
        str,
        Field(min_length=2, max_length=45, description="IPv6 address in any notation, without a zone"),
        Like(_ipv6),
        Wrong(
            pick(
                "2001:db8::1::2", "12345::1", "fe80:::1", "fe80::1%eth0", "192.0.2.1", "2001:db8:g::1", "1:2:3:4:5:6:7"
            )
        ),
    ],
) -> Ipv6Forms:
    """Write an IPv6 address in its canonical short form and in full, and say what kind it is."""
    try:
        found = IPv6Address(address)
    except ValueError:
        raise Refused(f"parameter 'address': {address!r} is no IPv6 address; give one such as 2001:db8::1") from None
    if found.scope_id:
        raise Refused(f"parameter 'address': {address!r} names a zone; give the address without %{found.scope_id}")
    mapped = found.ipv4_mapped
    kind = next((name for network, name in _KINDS if found in network), "reserved")
    return Ipv6Forms(
        compressed=f"::ffff:{mapped}" if mapped else found.compressed,
        exploded=found.exploded,
        kind=kind,
        reverse_name=found.reverse_pointer,
    )


_MAC = re.compile(
    r"[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}", re.IGNORECASE
)


def _mac(rng: Random) -> str:
    makers = ("001a2b", "3c5ab4", "b827eb", "00155d", "080027", "525400", "f0def1", "0050c2", "01005e")
    digits = rng.choice(makers) + f"{rng.randrange(2**24):06x}"
    digits = digits.upper() if rng.random() < 0.5 else digits
    pairs = [digits[at : at + 2] for at in range(0, 12, 2)]
    fours = [digits[at : at + 4] for at in range(0, 12, 4)]
    return rng.choice((":".join(pairs), "-".join(pairs), ".".join(fours), digits))


MacStyle = Literal["colon", "hyphen", "dot", "bare"]


class MacAddress(Result):
    formatted: str = Field(description="The address in the style")
    vendor_prefix: str = Field(description="First three bytes, which IEEE assigns to a maker, as AA-BB-CC")
    multicast: bool = Field(description="Whether it addresses a group")
    locally_administered: bool = Field(description="Whether its maker's prefix was replaced")
    ipv6_interface_identifier: str = Field(description="Modified EUI-64 of RFC 4291, four groups of hex digits")


@tool(
    "Networks",
    "Link layer",
    "Write the MAC address {mac} in {style} style.",
    "Normalise {mac} to the {style} notation, and tell me whether it is locally administered.",
)
def mac_address_normalise(
    mac: Annotated[
        str,
        Field(min_length=11, max_length=20, description="Address with colons, hyphens or dots, or bare digits"),
        Like(_mac),
        Wrong(
            pick("00:1A:2B:3C:4D", "00:1G:2B:3C:4D:5E", "001A.2B3C-4D5E", "00:1A:2B:3C:4D:5E:6F", "00 1A 2B 3C 4D 5E")
        ),
    ],
    style: Annotated[
        MacStyle,
        Field(description="colon aa:bb:.., hyphen AA-BB-.. (IEEE), dot aabb.ccdd.eeff (Cisco), bare aabbccddeeff"),
        Like(pick("colon", "hyphen", "dot", "bare")),
    ],
) -> MacAddress:
    """Bring a MAC-48 address into one of the usual notations, and read what its first byte says."""
    if not _MAC.fullmatch(mac):
        raise Refused(f"parameter 'mac': {mac!r} is no MAC address; give six bytes in hex, such as 00:1a:2b:3c:4d:5e")
    digits = re.sub("[^0-9a-f]", "", mac.lower())
    raw = bytes.fromhex(digits)
    styled = {
        "colon": raw.hex(":"),
        "hyphen": raw.hex("-").upper(),
        "dot": ".".join((digits[:4], digits[4:8], digits[8:])),
        "bare": digits,
    }
    identifier = bytes([raw[0] ^ 2, *raw[1:3], 0xFF, 0xFE, *raw[3:]]).hex()
    return MacAddress(
        formatted=styled[style],
        vendor_prefix=raw[:3].hex("-").upper(),
        multicast=bool(raw[0] & 1),
        locally_administered=bool(raw[0] & 2),
        ipv6_interface_identifier=":".join(identifier[at : at + 4] for at in range(0, 16, 4)),
    )


_SERVICES: Mapping[int, tuple[str, str, str, bool]] = {
    20: ("ftp-data", "File transfer, data", "tcp", False),
    21: ("ftp", "File transfer, control", "tcp", False),
    22: ("ssh", "Secure shell and file copy", "tcp", True),
    23: ("telnet", "Remote terminal", "tcp", False),
    25: ("smtp", "Mail between servers", "tcp", False),
    53: ("domain", "Domain name system", "tcp udp", False),
    67: ("bootps", "DHCP server", "udp", False),
    68: ("bootpc", "DHCP client", "udp", False),
    69: ("tftp", "Trivial file transfer", "udp", False),
    80: ("http", "Web pages", "tcp", False),
    110: ("pop3", "Mail collection", "tcp", False),
    119: ("nntp", "Network news", "tcp", False),
    123: ("ntp", "Network time", "udp", False),
    143: ("imap", "Mail access", "tcp", False),
    161: ("snmp", "Network management, queries", "udp", False),
    162: ("snmptrap", "Network management, alarms", "udp", False),
    179: ("bgp", "Routing between networks", "tcp", False),
    389: ("ldap", "Directory access", "tcp udp", False),
    443: ("https", "Web pages over TLS or QUIC", "tcp udp", True),
    445: ("microsoft-ds", "Windows file sharing (SMB)", "tcp", False),
    465: ("submissions", "Mail submission over TLS", "tcp", True),
    500: ("isakmp", "IPsec key exchange", "udp", True),
    514: ("syslog", "System log", "udp", False),
    554: ("rtsp", "Streaming control", "tcp udp", False),
    587: ("submission", "Mail submission", "tcp", False),
    631: ("ipp", "Internet printing", "tcp", False),
    636: ("ldaps", "Directory access over TLS", "tcp", True),
    853: ("domain-s", "Domain name system over TLS or DTLS", "tcp udp", True),
    873: ("rsync", "File synchronisation", "tcp", False),
    993: ("imaps", "Mail access over TLS", "tcp", True),
    995: ("pop3s", "Mail collection over TLS", "tcp", True),
    1080: ("socks", "SOCKS proxy", "tcp", False),
    1194: ("openvpn", "OpenVPN tunnel", "tcp udp", True),
    1433: ("ms-sql-s", "Microsoft SQL Server", "tcp", False),
    1812: ("radius", "Network access authentication", "udp", False),
    1883: ("mqtt", "Messages of small devices", "tcp", False),
    2049: ("nfs", "Network file system", "tcp udp", False),
    3306: ("mysql", "MySQL and MariaDB", "tcp", False),
    3389: ("ms-wbt-server", "Windows remote desktop", "tcp udp", True),
    3478: ("stun", "Address discovery behind NAT", "tcp udp", False),
    5060: ("sip", "Call signalling", "tcp udp", False),
    5061: ("sips", "Call signalling over TLS", "tcp", True),
    5222: ("xmpp-client", "Chat client", "tcp", False),
    5353: ("mdns", "Multicast DNS", "udp", False),
    5432: ("postgresql", "PostgreSQL database", "tcp", False),
    5671: ("amqps", "Message queue over TLS", "tcp", True),
    5672: ("amqp", "Message queue", "tcp", False),
    5900: ("rfb", "Remote desktop (VNC)", "tcp", False),
    6379: ("redis", "Redis key-value store", "tcp", False),
    8080: ("http-alt", "Web pages, alternative port", "tcp", False),
    8883: ("secure-mqtt", "Messages of small devices over TLS", "tcp", True),
    9418: ("git", "Git repositories", "tcp", False),
    11211: ("memcache", "Memory cache", "tcp udp", False),
    27017: ("mongodb", "MongoDB database", "tcp", False),
}
"""Port -> service name as IANA registers it, what for, usual transports, whether it encrypts of itself."""


class PortService(Result):
    service: str = Field(description="Name in IANA's registry")
    purpose: str = Field(description="What it is for")
    transports: list[Literal["tcp", "udp"]] = Field(description="Transports that it usually runs on")
    encrypted: bool = Field(description="Whether it encrypts of itself, without STARTTLS or the like")
    port_range: Literal["system", "user"] = Field(description="System ports go to 1023, user ports to 49151")


@tool(
    "Networks",
    "Ports and transfer",
    "Which service uses port {port}?",
    "Something is listening on port {port}. What is it likely to be, and is it encrypted?",
)
def port_service_name(
    port: Annotated[
        int,
        Field(ge=1, le=65535, description="Port number"),
        Like(lambda rng: rng.choice(tuple(_SERVICES)) if rng.random() > 0.04 else rng.randrange(49152, 65536)),
        Wrong(pick(49152, 65535, 51234, 60000, 4, 1022, 7654, 12321)),
    ],
) -> PortService:
    """The well-known service of a port, from a table of the usual ones."""
    if port not in _SERVICES:
        raise Refused(f"parameter 'port': no well-known service is registered here for {port}; ask for one such as 443")
    service, purpose, transports, encrypted = _SERVICES[port]
    known: Sequence[Literal["tcp", "udp"]] = ("tcp", "udp")
    return PortService(
        service=service,
        purpose=purpose,
        transports=[one for one in known if one in transports.split()],
        encrypted=encrypted,
        port_range="system" if port < 1024 else "user",
    )


_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_BITS_PER_SECOND = {"kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9, "MB/s": 8e6, "MiB/s": 8 * 2**20}
SizeUnit = Literal["kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"]
SpeedUnit = Literal["kbit/s", "Mbit/s", "Gbit/s", "MB/s", "MiB/s"]
_LONGEST = 100 * 365.25 * 86400
"""A century, in seconds."""


class TransferTime(Result):
    seconds: float = Field(description="Time in seconds")
    duration: str = Field(description="The same in days, hours, minutes and seconds, rounded up to a second")
    megabytes_per_second: float = Field(description="Rate at which the file arrives, in MB/s")


def _duration(seconds: int) -> str:
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


@tool(
    "Networks",
    "Ports and transfer",
    "How long does it take to transfer {size} {size_unit} at {speed} {speed_unit}?",
    "Download of {size} {size_unit} over a {speed} {speed_unit} line with {overhead_percent} % overhead: how long?",
    "I have {size} {size_unit} to upload and {speed} {speed_unit}. When will it be done?",
)
def file_transfer_time(
    size: Annotated[float, Field(gt=0, le=1e6, description="Size of the file"), Like(magnitude(0.5, 900, 2))],
    size_unit: Annotated[
        SizeUnit,
        Field(description="Unit of the size, decimal or binary"),
        Like(pick("MB", "GB", "GB", "MiB", "GiB", "TB")),
    ],
    speed: Annotated[
        float,
        Field(gt=0, le=1e6, description="Speed of the line"),
        Like(pick(1, 2.5, 8, 10, 16, 25, 50, 100, 250, 400, 940)),
    ],
    speed_unit: Annotated[
        SpeedUnit, Field(description="Unit of the speed"), Like(pick("Mbit/s", "Mbit/s", "Gbit/s", "MB/s", "MiB/s"))
    ],
    overhead_percent: Annotated[
        float, Field(ge=0, le=90, description="Share of the line that protocols take"), Like(whole(3, 20), given=0.35)
    ] = 0,
) -> TransferTime:
    """Time to move a file over a line of constant speed. kB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024."""
    rate = speed * _BITS_PER_SECOND[speed_unit] * (1 - overhead_percent / 100)
    seconds = round(size * _BYTES[size_unit] * 8 / rate, 3)
    if seconds > _LONGEST:
        raise Refused(f"parameter 'speed': at {speed} {speed_unit} this takes more than a century; give a faster line")
    return TransferTime(
        seconds=seconds, duration=_duration(math.ceil(seconds)), megabytes_per_second=round(rate / 8e6, 6)
    )
