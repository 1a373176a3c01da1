"""The tool collection: tools of many origins in one schema, with their fields, counted and without near copies.

    collected.py   a tool as it was collected, and what was left out with the reason
    schemas.py     other dialects of JSON Schema, and types in words, as JSON Schema 2020-12
    formats/       one module a format: Seal-Tools, ToolEyes, xLAM, BFCL, MCP, OpenAPI, Python functions
    gather.py      files and servers -> collected tools, with counts

Guarantees: every record that is read becomes a tool or a line that says why not; both are counted.
"""
