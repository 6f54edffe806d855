-- The Kubernetes clusters of an environment, in the user's order. The account is one of the environment's, and no reference:
-- it may be gone. No column holds a credential.
CREATE TABLE environment_cluster (
    environment INTEGER NOT NULL REFERENCES environment (position) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    context TEXT NOT NULL CHECK (length(context) BETWEEN 1 AND 253),
    account TEXT NOT NULL,
    owner TEXT,
    eks_name TEXT,
    region TEXT,
    server_id TEXT,
    server TEXT NOT NULL CHECK (server GLOB 'https://*'),
    authority TEXT,
    tls_server_name TEXT,
    proxy TEXT,
    namespace TEXT,
    PRIMARY KEY (environment, place),
    UNIQUE (environment, context)
) STRICT, WITHOUT ROWID;
