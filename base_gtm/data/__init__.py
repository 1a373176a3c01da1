"""Training records for the generalist: one call of one tool with its result, and the file form of many."""

from base_gtm.data.records import Record, read_records, write_records

__all__ = ["Record", "read_records", "write_records"]
