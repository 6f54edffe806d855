-- Keychain entries that may be left without an account: a note is made before a sign-in writes them and when an account
-- is removed. What no account needs is removed from the keychain, then its note.
CREATE TABLE intent (
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'session', 'access-keys')),
    -- The key of the grant, the id of the account, or the id of the access keys.
    subject TEXT NOT NULL,
    -- What a session is for; empty for the others.
    resource TEXT NOT NULL,
    -- The grant whose lock is held while the entry is written or removed; empty for access keys, which have their own.
    grant_key TEXT NOT NULL CHECK (length(grant_key) IN (0, 32) AND grant_key NOT GLOB '*[^0-9a-f]*'),
    PRIMARY KEY (kind, subject, resource),
    CHECK ((kind = 'session') = (resource <> '')),
    CHECK ((kind = 'access-keys') = (grant_key = ''))
) STRICT, WITHOUT ROWID;
