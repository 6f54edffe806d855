//! Locks across processes: a file for each, shared or exclusive, waited for with a limit.
//!
//! The lock is the standard library's, which knows no limit: a thread waits, and is left behind when its caller gives up.
//! A lock goes with its holder, also when that is killed. The file is empty and stays.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{open_private, storage_failed};
use crate::error::{Code, Error, Result};

/// The number of threads of this process that wait for locks at once. Others wait for one of those.
static WAITING: Semaphore = Semaphore::const_new(64);

/// A lock that one process holds; dropping it releases it.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// What a lock keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Those who lock exclusively.
    Shared,
    /// Everybody else.
    Exclusive,
}

impl LockMode {
    fn wait(self, file: File) -> io::Result<Lock> {
        match self {
            Self::Shared => file.lock_shared()?,
            Self::Exclusive => file.lock()?,
        }
        Ok(Lock(file))
    }
}

/// Takes the lock file at `path` exclusively, waiting at most `limit` for another process. The system wakes those who wait
/// in their order, so none is passed over.
///
/// # Errors
/// `busy` when the other process does not release it in time, `storage-failed` when the file cannot be created.
pub async fn lock(path: &Path, limit: Duration) -> Result<Lock> {
    let mode = LockMode::Exclusive;
    let file = match try_lock(path, mode)? {
        Ok(lock) => return Ok(lock),
        Err(file) => file,
    };
    if limit.is_zero() {
        return Err(busy(limit));
    }
    let wait = async {
        let waiting = WAITING.acquire().await;
        // A thread that is given up lets go when its turn has come.
        let locked = tokio::task::spawn_blocking(move || {
            let _waiting = waiting;
            mode.wait(file)
        });
        locked
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
    };
    match tokio::time::timeout(limit, wait).await {
        Ok(locked) => locked.map_err(|error| storage_failed("locked", path, error)),
        Err(_) => Err(busy(limit)),
    }
}

/// As `lock`, for what must not be interrupted by other tasks, and in either mode. Blocks the thread.
///
/// # Errors
/// As `lock`.
pub fn lock_blocking(path: &Path, mode: LockMode, limit: Duration) -> Result<Lock> {
    let file = match try_lock(path, mode)? {
        Ok(lock) => return Ok(lock),
        Err(file) => file,
    };
    let (locked, awaited) = mpsc::channel();
    std::thread::spawn(move || locked.send(mode.wait(file)));
    match awaited.recv_timeout(limit) {
        Ok(locked) => locked.map_err(|error| storage_failed("locked", path, error)),
        Err(_) => Err(busy(limit)),
    }
}

/// The lock, or the file to wait with.
fn try_lock(path: &Path, mode: LockMode) -> Result<std::result::Result<Lock, File>> {
    let file = open_private(path).map_err(|error| storage_failed("locked", path, error))?;
    let tried = match mode {
        LockMode::Shared => file.try_lock_shared(),
        LockMode::Exclusive => file.try_lock(),
    };
    match tried {
        Ok(()) => Ok(Ok(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(Err(file)),
        Err(TryLockError::Error(error)) => Err(storage_failed("locked", path, error)),
    }
}

fn busy(limit: Duration) -> Error {
    let message = format!(
        "Another process of Multi-Cloud Manager has been busy for {} s. Try again. If this persists, end that process.",
        limit.as_secs()
    );
    Error::new(Code::Busy, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_waited_for_with_a_limit_and_goes_with_its_holder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.lock");
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(60));
        let held = lock(&path, long).await.expect("free");
        for limit in [Duration::ZERO, short] {
            let refused = lock(&path, limit).await.expect_err("held");
            assert_eq!(refused.code(), Code::Busy);
        }
        assert_eq!(
            lock_blocking(&path, LockMode::Shared, short)
                .expect_err("held")
                .code(),
            Code::Busy
        );
        let waiting = tokio::spawn({
            let path = path.clone();
            async move { lock(&path, long).await }
        });
        drop(held);
        waiting.await.expect("no panic").expect("free again");
    }

    #[test]
    fn readers_share_a_lock_and_keep_a_writer_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/er/x.lock");
        let take = |mode| lock_blocking(&path, mode, Duration::from_millis(20));
        let readers = [take(LockMode::Shared), take(LockMode::Shared)];
        let readers = readers.map(|reader| reader.expect("shared"));
        let refused = take(LockMode::Exclusive).expect_err("held");
        assert_eq!(refused.code(), Code::Busy);
        drop(readers);
        let held = take(LockMode::Exclusive).expect("free");
        assert_eq!(take(LockMode::Shared).expect_err("held").code(), Code::Busy);
        drop(held);
    }
}
