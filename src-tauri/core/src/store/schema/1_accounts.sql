-- Accounts and what was read of them, connections to AWS that wait for their role, and the names of access keys.
-- No secret: those are in the keychain.
-- What may be NULL says so in its CHECK: before SQLite 3.45, json_valid(NULL) is 0, and an older tool would find faults.

-- The number of the last change. Each process compares it to see what the others changed.
CREATE TABLE state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    revision INTEGER NOT NULL,
    -- The change that last removed an account.
    removed_at_revision INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0);

CREATE TABLE account (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    cloud TEXT NOT NULL CHECK (cloud IN ('azure', 'gcp', 'aws')),
    -- Names a lock file and a keychain entry.
    grant_key TEXT NOT NULL CHECK (length(grant_key) = 32 AND grant_key NOT GLOB '*[^0-9a-f]*'),
    identity TEXT NOT NULL CHECK (json_valid(identity)),
    -- What two people of one tenant, or two owners of one address, have in common; in lower case.
    label TEXT NOT NULL,
    custom_name TEXT,
    colour TEXT,
    starred INTEGER NOT NULL CHECK (starred IN (0, 1)),
    target TEXT,
    targets_read_at TEXT,
    targets_error TEXT CHECK (targets_error IS NULL OR json_valid(targets_error)),
    targets_change TEXT CHECK (targets_change IS NULL OR json_valid(targets_change)),
    missing_scopes TEXT NOT NULL CHECK (json_valid(missing_scopes)),
    session_issued_at TEXT,
    session_expires_at TEXT,
    sign_in_end TEXT CHECK (sign_in_end IS NULL OR json_valid(sign_in_end)),
    renewal_failure TEXT CHECK (renewal_failure IS NULL OR json_valid(renewal_failure)),
    generation INTEGER NOT NULL,
    connected_at TEXT NOT NULL,
    used_at TEXT,
    -- The change that wrote this row last, and the one that wrote its lists last.
    revision INTEGER NOT NULL,
    lists_revision INTEGER NOT NULL,
    CHECK (substr(id, 1, length(cloud) + 1) = cloud || '-'),
    CHECK (length(id) = length(cloud) + 13 AND substr(id, length(cloud) + 2) NOT GLOB '*[^0-9a-f]*'),
    CHECK ((session_issued_at IS NULL) = (session_expires_at IS NULL))
) STRICT;
CREATE INDEX account_grant ON account (grant_key);
CREATE INDEX account_label ON account (label);
CREATE INDEX account_revision ON account (revision);

-- The names that an account can be called by exactly, in lower case.
CREATE TABLE account_name (
    name TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (name, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_name_account ON account_name (account);

-- Everything that an account can be found by, in lower case.
CREATE TABLE account_text (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE active (
    cloud TEXT PRIMARY KEY CHECK (cloud IN ('azure', 'gcp', 'aws')),
    account TEXT NOT NULL UNIQUE REFERENCES account (id) ON DELETE CASCADE,
    CHECK (substr(account, 1, length(cloud) + 1) = cloud || '-')
) STRICT, WITHOUT ROWID;

-- Subscriptions, projects and regions.
CREATE TABLE target (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT,
    parent TEXT,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX target_id ON target (account, id);

-- Azure tenants that the signed-in user may add.
CREATE TABLE offered_tenant (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT,
    default_domain TEXT,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;

-- The other accounts of an AWS organisation.
CREATE TABLE organization_account (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;

-- Sessions for other resources than the management plane: every one that the keychain may hold.
CREATE TABLE resource_session (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    resource TEXT NOT NULL,
    issued_at TEXT,
    expires_at TEXT,
    renewal_failure TEXT CHECK (renewal_failure IS NULL OR json_valid(renewal_failure)),
    PRIMARY KEY (account, position),
    UNIQUE (account, resource),
    CHECK ((issued_at IS NULL) = (expires_at IS NULL))
) STRICT, WITHOUT ROWID;

-- Connections to AWS whose role does not exist yet. The External ID is not a secret.
CREATE TABLE pending_role (
    position INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    principal_arn TEXT NOT NULL,
    role_name TEXT NOT NULL,
    permissions TEXT NOT NULL CHECK (json_valid(permissions)),
    session_seconds INTEGER,
    made_at TEXT NOT NULL
) STRICT;

-- AWS access keys in the keychain, without their secret part.
CREATE TABLE access_keys (
    position INTEGER PRIMARY KEY,
    access_key_id TEXT NOT NULL UNIQUE,
    arn TEXT NOT NULL,
    added_at TEXT NOT NULL
) STRICT;
