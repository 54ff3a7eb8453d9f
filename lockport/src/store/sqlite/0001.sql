-- Text ids, 64-bit epoch milliseconds, sealed bodies.
CREATE TABLE rows (
    tenant   TEXT    NOT NULL,
    property TEXT    NOT NULL,
    tbl      INTEGER NOT NULL,
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    batch    BLOB    NOT NULL,
    due      INTEGER,
    terms    TEXT    NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (tenant, property, tbl, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX rows_due ON rows (tenant, property, tbl, due) WHERE due IS NOT NULL;

CREATE TABLE terms (
    tenant   TEXT    NOT NULL,
    property TEXT    NOT NULL,
    tbl      INTEGER NOT NULL,
    term     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    PRIMARY KEY (tenant, property, tbl, term, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE data_keys (
    id           INTEGER PRIMARY KEY,
    wrapping_key TEXT NOT NULL,
    wrapped      BLOB NOT NULL
) STRICT;
