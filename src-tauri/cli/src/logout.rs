//! `mcm logout`: disconnects accounts and says what was removed.

use std::io::{self, IsTerminal as _};

use mcm_core::account::Cloud;
use mcm_core::app::{App, SignOut};
use mcm_core::error::{Code, Error};
use mcm_core::vault::Vault;

use crate::account_argument::{is_at_terminal, whole_by_name};
use crate::arguments::LogoutOf;
use crate::failure::Failure;
use crate::login::OPEN_IT;
use crate::output::{confirm, note, print};

pub(crate) async fn run(
    app: &App,
    vault: &Vault,
    whose: &LogoutOf,
    identity_center: bool,
    yes: bool,
) -> Result<(), Failure> {
    let Some(name) = &whose.account else {
        let count = app.stored().map_or(0, |stored| stored.accounts.len());
        let question =
            "Disconnect every account and remove every keychain entry of this app? [y/N] ";
        if !yes && is_at_terminal() && !confirm(question.to_owned()).await {
            note("Nothing was disconnected.");
            return Err(Failure::AlreadyShown);
        }
        unlock_at_a_terminal(vault).await;
        let forget = app.forget_everything();
        let not_revoked = Vault::beside_questions(forget, || note(OPEN_IT)).await?;
        let accounts = if count == 1 {
            "1 account".to_owned()
        } else {
            format!("{count} accounts")
        };
        print(&format!(
            "Removed {accounts} and every keychain entry of this app. Settings stay."
        ))?;
        return report(not_revoked);
    };
    let stored = app.stored()?;
    let account = whole_by_name(app, name)?;
    let question = format!(
        "Disconnect {} ({})? You have to sign in again to use it. [y/N] ",
        account.name(),
        account.identity.who()
    );
    if !yes && is_at_terminal() && !confirm(question).await {
        note("Nothing was disconnected.");
        return Err(Failure::AlreadyShown);
    }
    let siblings = stored
        .accounts
        .iter()
        .filter(|other| other.grant == account.grant)
        .count()
        - 1;
    let sign_out = if identity_center {
        if !account.identity.is_identity_center() {
            let message = format!(
                "{} is no sign-in to IAM Identity Center. Leave --identity-center out.",
                account.name()
            );
            return Err(Error::new(Code::InvalidInput, message).into());
        }
        SignOut::Everywhere
    } else {
        SignOut::WhereItIsOurs
    };
    unlock_at_a_terminal(vault).await;
    let disconnect = app.disconnect_and(&account.id, sign_out);
    let not_revoked = Vault::beside_questions(disconnect, || note(OPEN_IT)).await?;
    let (name, who) = (account.name(), account.identity.who());
    let sign_in = match siblings {
        0 if account.identity.is_identity_center() => match (sign_out, &not_revoked) {
            (SignOut::Everywhere, None) => "its sessions and the saved sign-in, which ended at AWS too: the browser and other programs have to sign in again".to_owned(),
            _ => "its sessions and the saved sign-in. The browser and other programs stay signed in".to_owned(),
        },
        0 if account.cloud() == Cloud::Aws => {
            "its session and the saved connection. The role itself stays in AWS".to_owned()
        }
        0 => "its session and the saved sign-in".to_owned(),
        1 => format!("its session; the saved sign-in of {who} stays for 1 other account"),
        several => {
            format!("its session; the saved sign-in of {who} stays for {several} other accounts")
        }
    };
    print(&format!(
        "Disconnected {name} ({who}). Removed: the account ({}), {sign_in}.",
        account.id
    ))?;
    report(not_revoked)
}

/// Has a locked keychain ask its user, who is there. What stays locked, the sign-out says.
async fn unlock_at_a_terminal(vault: &Vault) {
    if io::stdin().is_terminal()
        && let Err(error) = vault.check().await
        && error.code() == Code::KeychainLocked
    {
        note(OPEN_IT);
        let _ = vault.unlock().await;
    }
}

/// Fails when a provider did not revoke its grant, which is then still valid there.
fn report(not_revoked: impl IntoIterator<Item = Error>) -> Result<(), Failure> {
    let mut not_revoked: Vec<Error> = not_revoked.into_iter().collect();
    let Some(last) = not_revoked.pop() else {
        return Ok(());
    };
    for error in not_revoked {
        note(&format!("mcm: {error}\n  reference: {}", error.reference()));
    }
    Err(last.into())
}
