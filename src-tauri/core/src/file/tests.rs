//! Files as they are replaced, read, swept and set aside.

use jiff::{SignedDuration, Timestamp};

use super::*;

#[test]
fn replacing_a_file_keeps_it_private_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/er/file.json");
    replace(&path, b"one").expect("a first write");
    replace(&path, b"two").expect("a second write");
    assert_eq!(read(&path).expect("readable").expect("there"), b"two");
    assert_eq!(
        fs::read_dir(path.parent().expect("a folder"))
            .expect("readable")
            .count(),
        1
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn a_reader_sees_a_replaced_file_whole_at_every_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let contents = [b"a", b"b"].map(|letter| letter.repeat(100_000));
    replace(&path, &contents[0]).expect("written");
    let (written, is_written) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..200 {
                replace(&path, &contents[round % 2]).expect("written");
                written.send(()).expect("it reads");
            }
        });
        for _ in 0..200 {
            // Some of these meet the writer. Old versions of Windows replace no file that is open, so a reader that never
            // paused would keep them from it.
            for _ in 0..10 {
                let read = read(&path).expect("readable").expect("never missing");
                assert!(contents.contains(&read), "{} bytes", read.len());
            }
            is_written.recv().expect("it writes");
        }
    });
}

// rustix makes pipes on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_or_a_file_without_end_is_refused_at_once_and_nothing_is_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).expect("made");
    for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
        let error = read(path).expect_err("refused");
        assert_eq!(error.code(), Code::StorageFailed, "{}", path.display());
        assert!(
            error.message().contains(&path.display().to_string()),
            "{error}"
        );
    }
    assert_eq!(
        read(Path::new("/dev/null")).expect("readable"),
        Some(Vec::new())
    );
}

/// A file of the system's says that it is empty, as one does that grows after it was looked at.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_longer_than_it_said_is_refused() {
    let path = Path::new("/proc/self/status");
    assert_eq!(fs::metadata(path).expect("there").len(), 0);
    let error = read_at_most(path, 100).expect_err("it is longer");
    assert!(error.message().contains("too large"), "{error}");
    let whole = read_at_most(path, 100_000)
        .expect("readable")
        .expect("there");
    assert!(whole.len() > 100);
}

#[test]
fn a_file_that_cannot_be_replaced_is_named_and_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("taken");
    fs::create_dir(&path).expect("a folder in its place");
    let error = replace(&path, b"x").expect_err("a folder cannot be replaced");
    assert_eq!(error.code(), Code::StorageFailed);
    assert!(error.message().contains("taken"), "{error}");
    assert_eq!(
        fs::read_dir(folder.path()).expect("readable").count(),
        1,
        "no temporary file stays"
    );
}

#[test]
fn only_old_files_of_ours_are_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = [
        ".mcm-a1B2c3.tmp",
        ".tmpa1B2c3",
        ".mcm-notes.tmp",
        "accounts.db",
        ".tmp",
    ];
    for name in names {
        replace(&folder.path().join(name), b"x").expect("written");
    }
    let now = Timestamp::try_from(
        fs::metadata(folder.path())
            .expect("there")
            .modified()
            .expect("a time"),
    );
    let now = now.expect("a time");
    sweep_temporary(folder.path(), now);
    assert_eq!(
        fs::read_dir(folder.path()).expect("readable").count(),
        5,
        "they may still be in use"
    );
    sweep_temporary(folder.path(), now + SignedDuration::from_hours(2));
    let left = names.map(|name| folder.path().join(name).exists());
    assert_eq!(left, [false, false, true, true, true]);
}

#[test]
fn setting_aside_never_overwrites_what_was_set_aside_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("accounts.json");
    for content in [b"a", b"b"] {
        replace(&path, content).expect("written");
        set_aside(&path).expect("set aside");
    }
    let kept = |number| {
        read(&folder.path().join(format!("accounts.json.kept-{number}"))).expect("readable")
    };
    assert_eq!(
        (kept(1).as_deref(), kept(2).as_deref()),
        (Some(&b"a"[..]), Some(&b"b"[..]))
    );
}
