"""ClickHouse's HTTP protocol over chDB: a real engine behind the real client, in one process that several clients share.

    request --codecs--> bytes --requests--> Ask --statements--> insert or query --engine--> chDB --server--> answer

It stands in for a server in tests, benchmarks and on one machine's loopback. It is no hardened server: one user, no grants, no quotas,
answers made whole in memory.
"""
