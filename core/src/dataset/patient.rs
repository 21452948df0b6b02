//! How this library uses SQLite's files: written ahead of, by several processes at once, each of which waits for its turn.

use rusqlite::{Connection, ErrorCode};
use std::time::{Duration, Instant};

/// How long one statement waits for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Between two attempts at what SQLite itself does not wait for.
const PAUSE: Duration = Duration::from_millis(5);

/// Sets the patience and the write-ahead log of a connection that was just opened.
///
/// SQLite does not wait when a new file gets its write-ahead log while another process does the same: one of them is told at once that
/// the file is locked. So this waits.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    let since = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy && since.elapsed() < PATIENCE =>
            {
                std::thread::sleep(PAUSE);
            }
            other => break other?,
        }
    }
    connection.pragma_update(None, "synchronous", "normal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn a_new_file_may_be_opened_by_many_at_once() {
        for _ in 0..150 {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("new.sqlite");
            let start = Barrier::new(8);
            std::thread::scope(|scope| {
                let open = || {
                    start.wait();
                    let connection = Connection::open(&file).unwrap();
                    prepare(&connection)?;
                    connection.execute_batch("BEGIN IMMEDIATE; COMMIT")
                };
                let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for one in opening {
                    one.join().unwrap().unwrap();
                }
            });
        }
    }
}
