//! IAM Identity Center: signing in, finding roles, and their credentials, against a stand-in that botocore accepts.

mod as_source;
mod callback;
mod catalogue;
mod console;
mod device_code;
// botocore is installed for this machine, and Windows' Python is not.
#[cfg(unix)]
mod honest;
mod lives;
mod network;
mod odd;
mod sessions;
mod sign_in;

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::{App, Connect, ConnectPortal};
use mcm_core::credential::Session;
use mcm_core::error::Result;
use mcm_core::resource::{Identifier, Resource};
use sandbox_clouds::Endpoint;
use sandbox_clouds::aws::identity_center::PermissionPolicy;
use sandbox_clouds::browser::Browser;

use crate::harness::Harness;

pub(crate) const ADMIN: &str = "111122223333/AdministratorAccess";
pub(crate) const READER: &str = "012345678901/ReadOnly";

/// A sign-in to the stand-in's portal, as a user enters its address.
fn wanted(harness: &Harness) -> Connect {
    portal(harness.clouds.start_url().as_str(), None)
}

fn portal(start_url: &str, region: Option<&str>) -> Connect {
    Connect {
        portal: Some(ConnectPortal {
            start_url: start_url.to_owned(),
            region: region.map(str::to_owned),
        }),
        ..Connect::new(Cloud::Aws)
    }
}

async fn connect(harness: &Harness) -> Result<AccountId> {
    harness.sign_in(wanted(harness), &Browser::new()).await
}

/// Waits until the roles of the account are read.
async fn read(harness: &Harness, id: &AccountId) -> Account {
    harness
        .until(|snapshot| {
            let row = snapshot.accounts.iter().find(|row| row.id == *id);
            row.is_some_and(|row| row.reading_targets.is_none() && row.targets_read_at.is_some())
        })
        .await;
    stored(&harness.app, id)
}

fn stored(app: &App, id: &AccountId) -> Account {
    let stored = app.stored().expect("readable");
    Account::clone(stored.account(id).expect("connected"))
}

fn pair(text: &str) -> Resource {
    Resource::Named(Identifier::parse_pair(text).expect("a pair"))
}

async fn credentials(harness: &Harness, id: &AccountId, text: &str) -> Result<Session> {
    harness.app.issue_for(id, &pair(text), "test").await
}

fn count(harness: &Harness, endpoint: Endpoint) -> usize {
    let requests = harness.clouds.requests();
    requests
        .iter()
        .filter(|request| request.endpoint == Some(endpoint))
        .count()
}

fn set(harness: &Harness, change: impl FnOnce(&mut PermissionPolicy)) {
    let mut policy = harness.clouds.identity_center_policy();
    change(&mut policy);
    harness.clouds.set_identity_center_policy(policy);
}
