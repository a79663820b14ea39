"""The command line: everything an administrator does, with the same services as HTTP and the same audit log."""
