-- Each event has the hash of itself and of the hash before it. Events of earlier versions have none.
ALTER TABLE activity ADD COLUMN chain TEXT;

-- Where the chain begins, which moves on as old events are removed, and where it ends.
CREATE TABLE activity_chain (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- The last event before the first that is held to the chain, and its hash.
    start_id INTEGER NOT NULL,
    start_hash TEXT NOT NULL,
    -- The last event, and its hash.
    end_id INTEGER NOT NULL,
    end_hash TEXT NOT NULL
) STRICT;
INSERT INTO activity_chain SELECT 1, coalesce(max(id), 0), '', coalesce(max(id), 0), '' FROM activity;
