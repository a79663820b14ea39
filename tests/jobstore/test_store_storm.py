"""A small storm: every fault of the proxy, writer and server killed, every row once. `python -m benchmarks.store_storm` is the long one."""

from benchmarks.store_storm import make_parser, run_storm

FAULTS = ["reset", "accept_then_reset", "half_answer", "half_request", "duplicate", "error"]


def test_rows_are_stored_once_through_every_fault_and_with_writer_and_server_killed() -> None:
    words = ["--rows", "1200", "--batch", "100", "--kills", "2", "--match", "insert_deduplication_token"]
    report = run_storm(make_parser().parse_args([*words, "--faults", *FAULTS]))
    assert report.is_exact, report
    assert (report.writers_killed, report.servers_killed) == (1, 1)
    assert all(report.faults[fault] for fault in FAULTS)
