//! Catalogues of other versions, and damaged ones.

use super::*;

#[test]
fn a_catalogue_of_version_1_keeps_its_list_and_asks_for_a_new_import() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("version_1.sql")).unwrap();
    drop(old);
    let mut catalogue = Catalogue::open(&path).unwrap();
    let entries = catalogue.datasets().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (
            entries[1].name.as_str(),
            entries[1].n_tracks,
            entries[1].n_tags
        ),
        ("set", 2, 2)
    );
    assert_eq!((entries[1].n_artists, entries[1].total_secs), (1, 20.0));
    assert_eq!(entries[1].fingerprint, "f1");
    assert!(!Catalogue::is_current(&entries[1], &Job::quiet()).unwrap());
    let error = catalogue.index(entries[1].dataset).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("import"), "{cause}");
    let data = collection(Path::new("/music/set"), &numbers(5));
    let dataset = catalogue.import(&data, &Job::quiet()).unwrap();
    assert_eq!(catalogue.index(dataset).unwrap().len(), 5);
    assert_eq!(catalogue.datasets().unwrap().len(), 2);
}

#[test]
fn a_catalogue_of_version_2_keeps_all_that_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = opened(&folder);
    let data = collection(Path::new("/music/set"), &numbers(5));
    let dataset = catalogue.import(&data, &Job::quiet()).unwrap();
    catalogue
        .connection
        .execute_batch(
            "ALTER TABLE datasets DROP COLUMN import; ALTER TABLE checked DROP COLUMN rate_hz;
             ALTER TABLE checked DROP COLUMN decoded_s; PRAGMA user_version = 2;",
        )
        .unwrap();
    drop(catalogue);
    let mut catalogue = opened(&folder);
    let before = catalogue.index(dataset).unwrap();
    let rows = catalogue.rows(&before, &[0, 4]).unwrap();
    assert_eq!(rows[1].id, data.recordings[4].id);
    catalogue.import(&data, &Job::quiet()).unwrap();
    assert!(catalogue.rows(&before, &[0]).is_err());
}

#[test]
fn a_catalogue_of_a_later_version_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    drop(Catalogue::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Catalogue::open(&path).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("version 99"), "{cause}");
}

#[test]
fn a_damaged_column_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = opened(&folder);
    let data = collection(Path::new("/music/set"), &numbers(10));
    let dataset = catalogue.import(&data, &Job::quiet()).unwrap();
    for name in ["id", "seconds", "artist", "labels", "split 1", "by title"] {
        let question = "SELECT content FROM columns WHERE name = ?1";
        let whole: Vec<u8> = catalogue
            .connection
            .query_row(question, [name], |row| row.get(0))
            .unwrap();
        for wrong in [
            whole[..whole.len() - 1].to_vec(),
            vec![0xff; whole.len()],
            vec![],
        ] {
            index::write_column(&catalogue.connection, dataset, name, &wrong).unwrap();
            // NaN is a length that nobody knows.
            if name == "seconds" && wrong.len() == whole.len() {
                continue;
            }
            let error = catalogue.index(dataset).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(&format!("`{name}`")), "{name}: {cause}");
        }
        index::write_column(&catalogue.connection, dataset, name, &whole).unwrap();
    }
    assert!(catalogue.index(dataset).is_ok());
}
