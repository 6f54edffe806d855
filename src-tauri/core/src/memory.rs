//! Protection of this process's memory: no core dump, which would contain refresh tokens.
//!
//! Each program of ours calls `keep_private` first. A command or browser that it starts gets the original limit.

#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit for core dumps that this process was started with.
#[cfg(unix)]
static LIMIT_BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Excludes the memory of this process from core dumps. On Linux other programs of this user can no longer read it
/// through `/proc` or attach to it, except the administrator's.
pub fn keep_private() {
    // If this fails, everything still works.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(unix)]
    {
        let before = LIMIT_BEFORE.get_or_init(|| getrlimit(Resource::Core));
        limit(&Rlimit {
            current: Some(0),
            maximum: before.maximum,
        });
    }
}

/// Starts another program with the limit that this process was started with.
pub fn start_other<T>(start: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    if let Some(before) = LIMIT_BEFORE.get() {
        limit(before);
        let started = start();
        keep_private();
        return started;
    }
    start()
}

#[cfg(unix)]
fn limit(limit: &Rlimit) {
    // Lowering one's own limit, or raising it to the maximum, is always allowed.
    let _ = setrlimit(Resource::Core, *limit);
}
