"""Studies: questions about the harness itself, answered by a long run whose result is committed."""
