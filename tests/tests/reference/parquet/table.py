"""Prints what pyarrow (26) reads of a table that `attune predict --out FILE.parquet` wrote, as JSON."""

import json
import sys

import pyarrow.parquet

table = pyarrow.parquet.read_table(sys.argv[1])
fixed = ["id", "path", "duration_s", "error", "warning"]
assert table.column_names[:5] == fixed, table.column_names
tags = table.column_names[5:]
assert all(str(table.schema.field(tag).type) == "float" for tag in tags), table.schema
rows = [
    {"id": row["id"], "error": row["error"], "tags": [row[tag] for tag in tags]}
    for row in table.to_pylist()
]
about = table.schema.metadata[b"attune"].decode()
print(json.dumps({"rows": rows, "columns": tags, "attune": about}))
