"""The ways out to the network: the operator's proxy tunnels, or the machine's own address when there are none."""

from __future__ import annotations

from urllib.parse import quote

from jobspiders.pools.resting import PoolEntry

DIRECT = "direct"


def read_tunnels(hosts: str, *, scheme: str = "http", username: str = "", password: str = "") -> list[PoolEntry]:
    """One entry per `host:port` of PROXY_TUNNEL; its secret is the proxy URL with credentials. Without hosts: `direct`."""
    names = [host.strip() for host in hosts.split(",") if host.strip()]
    if not names:
        return [PoolEntry(name=DIRECT)]
    user = f"{quote(username, safe='')}:{quote(password, safe='')}@" if username else ""
    return [PoolEntry(name=name, secret=f"{scheme}://{user}{name}") for name in names]
