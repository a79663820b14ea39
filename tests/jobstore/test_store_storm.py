"""A small storm: every fault, writer and servers killed, every row once. `python -m benchmarks.store_storm` is the long one."""

from benchmarks.mariadb_server import is_installed
from benchmarks.store_storm import make_parser, run_storm

FAULTS = ["reset", "accept_then_reset", "half_answer", "half_request", "duplicate", "error"]


def test_rows_are_in_both_stores_once_through_every_fault_and_with_writer_and_servers_killed() -> None:
    words = ["--rows", "3000", "--batch", "200", "--kills", "3", "--match", "insert_deduplication_token", "", "--share", "0.02"]
    report = run_storm(make_parser().parse_args([*words, "--faults", *FAULTS]))
    assert report.is_exact, report
    assert report.killed == ({"writer": 1, "clickhouse": 1, "mysql": 1} if is_installed() else {"writer": 2, "clickhouse": 1})
    assert all(report.faults["clickhouse"][fault] for fault in FAULTS)
    assert "mysql" not in report.faults or report.faults["mysql"]["accept_then_reset"]
