-- AWS IAM Identity Center: the roles that the user pinned, which stay when they are no longer listed, and how far the list
-- of each account's roles has been read.
CREATE TABLE pinned_target (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;

ALTER TABLE organization_account ADD COLUMN roles_read_at TEXT;
