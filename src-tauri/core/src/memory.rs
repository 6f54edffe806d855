//! What the system may keep of this process's memory: no core dump, which would hold refresh tokens.
//!
//! Each program of ours calls `keep_private` first. A command or browser that it starts has the limit of before.

#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit for core dumps that this process was started with.
#[cfg(unix)]
static LIMIT_BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Keeps the memory of this process out of core dumps. On Linux other programs of this user can no longer read it through
/// `/proc` or attach to it, unless they are the administrator's.
pub fn keep_private() {
    // Without it, everything works all the same.
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

/// Starts another program, which gets the limit that this process was started with.
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
    // To lower one's own limit, or to raise it to the maximum, is always allowed.
    let _ = setrlimit(Resource::Core, *limit);
}
