-- Environments: a name for one account of each cloud. What a member names may be gone: it is no reference, and its names
-- are those of the moment when it was chosen.
CREATE TABLE environment (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE
        CHECK (length(name) BETWEEN 1 AND 40 AND name NOT GLOB '*[^0-9A-Za-z._-]*' AND name GLOB '[0-9A-Za-z]*'),
    colour TEXT,
    icon TEXT,
    region TEXT,
    google_region TEXT,
    google_zone TEXT,
    protected INTEGER NOT NULL CHECK (protected IN (0, 1)),
    exclusive INTEGER NOT NULL CHECK (exclusive IN (0, 1)),
    minutes INTEGER NOT NULL CHECK (minutes IN (15, 60)),
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE environment_member (
    environment INTEGER NOT NULL REFERENCES environment (position) ON DELETE CASCADE,
    cloud TEXT NOT NULL CHECK (cloud IN ('azure', 'gcp', 'aws')),
    account TEXT NOT NULL,
    account_name TEXT NOT NULL,
    target TEXT,
    target_name TEXT,
    PRIMARY KEY (environment, cloud),
    CHECK (substr(account, 1, length(cloud) + 1) = cloud || '-')
) STRICT, WITHOUT ROWID;
