//! `--interactive`: a command that needs a sign-in opens a browser, once for all waiting processes.
//!
//! Without the option nothing here opens a browser: the command ends at once with the command to run. Only a command
//! that the user started gets here, before it issues anything; requests to `mcm exec` never do.

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::{Acquired, App, Connect, OnDuplicate};
use mcm_core::claims::ClaimsChallenge;
use mcm_core::error::{Code, Error};
use mcm_core::resource::Resource;
use mcm_core::settings::RedirectKind;
use mcm_core::vault::Vault;

use crate::access::Access;
use crate::account_argument::Choice;
use crate::failure::{Failure, sign_in_command};
use crate::login::{open_keychain, sign_in};
use crate::output::note;

/// Runs `attempt`; if it needs a sign-in and that is allowed, signs in and runs it once more.
pub(crate) async fn issue<T>(
    app: &App,
    vault: &Vault,
    account: &Account,
    resource: &Resource,
    may_ask: bool,
    attempt: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Failure> {
    let lock = app.sign_in_lock(account);
    let mut error = match attempt().await {
        Ok(handed_out) => return Ok(handed_out),
        Err(error) => error,
    };
    if may_ask && error.code() == Code::KeychainLocked {
        open_keychain(vault).await?;
        error = match attempt().await {
            Ok(handed_out) => return Ok(handed_out),
            Err(error) => error,
        };
    }
    if may_ask && error.code() == Code::SourceExpired {
        note("--interactive cannot sign in to the AWS source of this role. Run the command below.");
    }
    if !may_ask || !helps(account, &error) {
        return Err(Failure::of_resource(app, account, resource, error));
    }
    open_keychain(vault).await?;
    let waiting = || note("Another mcm has started a sign-in to this account. Waiting for it.");
    match lock
        .acquire(waiting)
        .await
        .map_err(|error| Failure::of(account, error))?
    {
        Acquired::SignedInMeanwhile => {}
        Acquired::Held(guard) => {
            if account.cloud() == Cloud::Aws && !account.identity.is_identity_center() {
                note("Verifying the role again.");
            } else {
                note(error.message());
            }
            let challenge = error.challenge().map(ClaimsChallenge::parse);
            let challenge = challenge.and_then(Result::ok);
            let ended = sign_in_again(app, account, resource, challenge).await;
            guard.ended(&ended);
            // The browser waits for its last page, however the sign-in ended.
            app.last_pages_shown().await;
            ended.map_err(|error| Failure::of(account, error))?;
        }
    }
    app.reload();
    attempt()
        .await
        .map_err(|error| Failure::of_resource(app, account, resource, error))
}

/// Makes sure that each account has a session, one after the other, before the first of them is issued. Otherwise
/// that one would age while the user signs in to the next.
pub(crate) async fn sign_in_where_needed(
    app: &App,
    vault: &Vault,
    access: Access,
    choices: &mut [Choice],
) -> Result<(), Failure> {
    for choice in choices {
        let (account, resource) = (&choice.account, access.resource(&choice.account)?);
        let attempt = async || app.session_for(&account.id, &resource).await;
        issue(app, vault, account, &resource, true, attempt).await?;
        choice.refresh(app)?;
    }
    Ok(())
}

/// Whether a new sign-in may help: in AWS, verifying the role again.
fn helps(account: &Account, error: &Error) -> bool {
    // A role of Identity Center is assigned by an administrator.
    let is_fixed_by_sign_in =
        account.cloud() == Cloud::Aws && !account.identity.is_identity_center();
    match error.code() {
        Code::SignInAgain => true,
        Code::RoleRefused | Code::NotEnforced => is_fixed_by_sign_in,
        _ => error.needs_sign_in(),
    }
}

async fn sign_in_again(
    app: &App,
    account: &Account,
    resource: &Resource,
    challenge: Option<ClaimsChallenge>,
) -> Result<AccountId, Error> {
    let options = Connect {
        account: Some(account.id.clone()),
        redirect: Some(RedirectKind::Loopback),
        resource: resource
            .identifier()
            .filter(|identifier| identifier.pair().is_none() && !identifier.is_read_only())
            .cloned(),
        challenge,
        on_duplicate: OnDuplicate::KeepBoth,
        ..Connect::new(account.cloud())
    };
    let command = sign_in_command(&account.identity);
    sign_in(app, app.connect(options)?, &command).await
}
