CREATE TABLE datasets (
    dataset INTEGER PRIMARY KEY, name TEXT NOT NULL, root TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
    imported_at_unix_s INTEGER NOT NULL
);
CREATE TABLE tags (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, tag INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (dataset, tag)
) WITHOUT ROWID;
CREATE TABLE tracks (
    track INTEGER PRIMARY KEY, dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, track_id TEXT NOT NULL,
    path TEXT NOT NULL, artist TEXT NOT NULL, duration_s REAL, source TEXT NOT NULL, license TEXT NOT NULL,
    UNIQUE (dataset, track_id)
);
CREATE TABLE splits (
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, split TEXT NOT NULL, PRIMARY KEY (track, split)
) WITHOUT ROWID;
CREATE TABLE labels (
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, tag INTEGER NOT NULL, PRIMARY KEY (track, tag)
) WITHOUT ROWID;
CREATE TABLE timelines (
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, tag INTEGER NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL
);
CREATE INDEX timelines_of_track ON timelines (track);
INSERT INTO datasets VALUES (1, 'set', '/music/set', 'f1', 1700000000), (2, 'none', '/music/none', 'f2', 1700000001);
INSERT INTO tags VALUES (1, 0, 'piano'), (1, 1, 'slow');
INSERT INTO tracks VALUES (1, 1, 't0', '/music/set/0.ogg', 'somebody', 20.0, '', ''), (2, 1, 't1', '/music/set/1.ogg', 'somebody', NULL, '', '');
INSERT INTO splits VALUES (1, 'train'), (2, 'test');
INSERT INTO labels VALUES (1, 1), (2, 0);
INSERT INTO timelines VALUES (1, 0, 1.0, 2.0);
PRAGMA user_version = 1;
