-- What happened to the accounts, also to those that are removed. Names and codes only.
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    -- Nanoseconds since 1970.
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    cloud TEXT NOT NULL CHECK (cloud IN ('azure', 'gcp', 'aws')),
    name TEXT NOT NULL,
    what TEXT NOT NULL CHECK (json_valid(what))
) STRICT;
