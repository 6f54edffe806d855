//! What is stored and where, what is wrong with it, and what to paste into a report.

use std::path::Path;

use serde::Serialize;
use ts_rs::TS;

use super::App;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::store::Export;

/// A folder or store of ours, for "what is stored and where".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct StoredPlace {
    /// Its label.
    pub label: String,
    /// Its path.
    pub path: String,
    /// Its content.
    pub what: String,
}

impl App {
    /// The stored data and its places.
    pub fn storage(&self) -> Vec<StoredPlace> {
        let place = |label: &str, path: String, what: &str| StoredPlace {
            label: label.into(),
            path,
            what: what.into(),
        };
        vec![
            place(
                "Keychain",
                self.world.vault.watch().borrow().name.clone(),
                "Refresh tokens, current sessions, and AWS access keys that you typed in. They are stored nowhere else on this machine.",
            ),
            place(
                "Accounts",
                self.store.path().display().to_string(),
                "Names, tenants, subscriptions, projects and times. No secret.",
            ),
            place(
                "Settings",
                Settings::path(&self.world.paths.config)
                    .display()
                    .to_string(),
                "Client ids, choices, and Google's client secret if you wrote it there. No other secret.",
            ),
            place(
                "Logs",
                self.world.paths.logs.display().to_string(),
                "Event log. Contains no secrets.",
            ),
        ]
    }

    /// A report to paste: versions, states and counts; no name, id or address of the user's.
    pub fn diagnostics(&self) -> String {
        let snapshot = self.watch().borrow().clone();
        let mut lines = vec![
            format!(
                "Multi-Cloud Manager {} ({})",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS
            ),
            format!(
                "keychain: {:?} ({})",
                snapshot.keychain.state, snapshot.keychain.name
            ),
            format!(
                "accounts: {}, unreachable: {:?}, paused: {}",
                snapshot.accounts.len(),
                snapshot.unreachable,
                snapshot.paused
            ),
        ];
        for cloud in &snapshot.clouds {
            lines.push(format!(
                "{}: ready {}, sandbox {}, redirect {:?}, client id from {}, problems: {}",
                cloud.cloud,
                cloud.ready,
                cloud.sandbox,
                cloud.redirect,
                if cloud.client_id.is_some() {
                    "settings"
                } else {
                    "nowhere"
                },
                cloud
                    .problems
                    .iter()
                    .map(|problem| problem.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            ));
        }
        for problem in &snapshot.problems {
            lines.push(format!(
                "problem: {} ({})",
                problem.code.as_str(),
                problem.reference
            ));
        }
        for account in snapshot
            .accounts
            .iter()
            .filter(|account| account.renewal_failure.is_some())
        {
            let renewal_failure = account.renewal_failure.as_ref().expect("filtered");
            lines.push(format!(
                "{}: {:?}, {} ({})",
                account.id,
                account.status,
                renewal_failure.code.as_str(),
                renewal_failure.reference
            ));
        }
        lines.join("\n")
    }

    /// The folder of the logs.
    pub fn log_folder(&self) -> &Path {
        &self.world.paths.logs
    }

    /// All stored data without secrets, for a backup or another program.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn export(&self) -> Result<Export> {
        self.store.export()
    }

    /// Why changes cannot be saved, although the accounts can be read.
    pub fn write_failure(&self) -> Option<Error> {
        self.store.write_failure()
    }

    /// The faults of `accounts.db` that SQLite finds; none when it is intact.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn faults(&self) -> Result<Vec<String>> {
        self.store.faults()
    }

    /// The number of secrets that killed or interrupted sign-ins and sign-outs may have left in the keychain.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn left_over_secrets(&self) -> Result<usize> {
        let noted = self.store.intents(None)?;
        Ok(noted.iter().filter(|(_, is_needed)| !is_needed).count())
    }
}
