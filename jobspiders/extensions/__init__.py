"""What runs beside the flow: redaction of logs, garbage collection, the progress line, the final report."""
