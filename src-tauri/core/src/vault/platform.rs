//! The differences between the operating systems' keychains.
//!
//! Each system has the same few items here: connecting to its store, the attributes of a new entry, finding all our
//! entries, the failures that are refusals, and the dialog to unlock.

use std::collections::HashMap;
use std::error::Error as Cause;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Result};
use tokio::sync::watch;

use super::RecordKind;

/// The usual name of the keychain.
pub(super) const NAME: &str = if cfg!(target_os = "macos") {
    "Login keychain"
} else if cfg!(target_os = "windows") {
    "Credential Manager"
} else {
    "Login keyring"
};

/// Connects to the keychain's store without a dialog. Each of its answers may take as long as the limit.
#[cfg(target_os = "linux")]
pub(super) fn connect(limit: Option<Duration>) -> Result<Arc<CredentialStore>> {
    super::secret_service::connect(limit)
}

/// Reaches the keychain's store, which the crate `keyring` chooses once for the process.
#[cfg(any(target_os = "macos", target_os = "windows"))]
pub(super) fn connect(_: Option<Duration>) -> Result<Arc<CredentialStore>> {
    match keyring::Entry::store_status() {
        Ok(()) => keyring_core::get_default_store().ok_or(keyring_core::Error::NoDefaultStore),
        Err(error) => Err(keyring_core::Error::NoStorageAccess(
            error.to_string().into(),
        )),
    }
}

/// There is no known keychain.
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
pub(super) fn connect(_: Option<Duration>) -> Result<Arc<CredentialStore>> {
    Err(keyring_core::Error::NoDefaultStore)
}

/// The attributes of a new entry: on Linux the label that keychain programs show; on Windows that it stays on this
/// machine, since the default roams with a domain profile.
pub(super) fn modifiers(kind: RecordKind) -> HashMap<&'static str, &'static str> {
    if cfg!(target_os = "linux") {
        let label = match kind {
            RecordKind::Grant => "Multi-Cloud Manager sign-in",
            RecordKind::Session => "Multi-Cloud Manager session",
            RecordKind::AccessKeys => "Multi-Cloud Manager access keys",
        };
        HashMap::from([("label", label)])
    } else if cfg!(target_os = "windows") {
        HashMap::from([("persistence", "Local")])
    } else {
        HashMap::new()
    }
}

/// Every entry of a service.
pub(super) fn search(store: &CredentialStore, service: &str) -> Result<Vec<Entry>> {
    if cfg!(target_os = "windows") {
        // Windows finds an entry by one name, `user.service`. Our user names have no dot, so this finds no other
        // service's entries, not even those of a service whose name ends like ours.
        let pattern = format!("^[0-9a-z-]+\\.{}$", service.replace('.', "\\."));
        store.search(&HashMap::from([("pattern", pattern.as_str())]))
    } else {
        store.search(&HashMap::from([("service", service)]))
    }
}

/// Whether a failure means that the keychain is locked or that the user denied access.
#[cfg(target_os = "macos")]
pub(super) fn is_refusal(cause: &(dyn Cause + Send + Sync + 'static)) -> bool {
    /// `SecBase.h`: errSecUserCanceled, errSecAuthFailed, errSecInteractionNotAllowed, errSecInteractionRequired.
    const REFUSALS: [i32; 4] = [-128, -25293, -25308, -25315];
    let error = cause.downcast_ref::<security_framework::base::Error>();
    error.is_some_and(|error| REFUSALS.contains(&error.code()))
}

/// Whether a failure means that the keychain is locked or that the user denied access. On systems other than macOS
/// the store reports it itself.
#[cfg(not(target_os = "macos"))]
pub(super) fn is_refusal(_: &(dyn Cause + Send + Sync + 'static)) -> bool {
    false
}

/// The program that keeps our entries locked though the keychain is open, when that is why a call failed.
pub(super) fn locked_by(cause: &(dyn Cause + Send + Sync + 'static)) -> Option<Option<String>> {
    #[cfg(target_os = "linux")]
    if let Some(locked) = cause.downcast_ref::<super::secret_service::ItemsLocked>() {
        return Some(locked.program.clone());
    }
    let _ = cause;
    None
}

/// Whether the keychain shows its user a question of ours now. A system that shows one while it reads does not say so.
pub(super) fn is_asking() -> bool {
    cfg!(target_os = "macos") || *questions().borrow() > 0
}

/// How many questions of ours the keychain shows its user, where it tells.
pub(super) fn questions() -> watch::Receiver<usize> {
    #[cfg(target_os = "linux")]
    return super::secret_service::questions();
    #[cfg(not(target_os = "linux"))]
    return watch::Sender::new(0).subscribe();
}

/// Opens the keychain's dialog to unlock it, and waits for the answer without limit.
pub(super) fn unlock(store: &CredentialStore, service: &str) -> Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(store) = store
        .as_any()
        .downcast_ref::<super::secret_service::KeychainStore>()
    {
        return store.unlock(service);
    }
    // A system without a call for it asks when an entry is read.
    match search(store, service)?.first() {
        Some(entry) => entry
            .get_secret()
            .map(|secret| drop(secrecy::zeroize::Zeroizing::new(secret))),
        None => Ok(()),
    }
}
