//! A keychain of files for tests: one a secret, replaced atomically, as a keychain daemon outlives its clients.
//!
//! A hook is called before or after every operation, and may count it, refuse it, or end the process.

use std::any::Any;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, CredentialStore, Entry, Error, Result};

/// What a test sees and decides.
pub(crate) trait Hook: Send + Sync + 'static {
    /// Before an operation; an error refuses it.
    fn before(&self, _user: &str, _written: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    /// After an operation, before its answer is seen.
    fn after(&self) {}
}

/// The keychain below a folder.
pub(crate) fn keychain(folder: PathBuf, hook: Arc<dyn Hook>) -> Arc<CredentialStore> {
    Arc::new(Files { folder, hook })
}

struct Files {
    folder: PathBuf,
    hook: Arc<dyn Hook>,
}

struct FileEntry {
    path: PathBuf,
    user: String,
    hook: Arc<dyn Hook>,
}

impl CredentialStoreApi for Files {
    fn vendor(&self) -> String {
        "files".into()
    }

    fn id(&self) -> String {
        "files".into()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        _modifiers: Option<&HashMap<&str, &str>>,
    ) -> Result<Entry> {
        let path = self.folder.join(format!("{service}-{user}"));
        let entry = FileEntry {
            path,
            user: user.to_owned(),
            hook: self.hook.clone(),
        };
        Ok(Entry::new_with_credential(Arc::new(entry)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for FileEntry {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.hook.before(&self.user, Some(secret))?;
        mcm_core::file::replace(&self.path, secret)
            .map_err(|error| Error::PlatformFailure(error.into()))?;
        self.hook.after();
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.hook.before(&self.user, None)?;
        let read = mcm_core::file::read(&self.path);
        self.hook.after();
        read.ok().flatten().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        self.hook.before(&self.user, None)?;
        let removed = std::fs::remove_file(&self.path);
        self.hook.after();
        removed.map_err(|_| Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.hook.before(&self.user, None)?;
        let is_there = self.path.exists();
        self.hook.after();
        if is_there {
            Ok(None)
        } else {
            Err(Error::NoEntry)
        }
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
