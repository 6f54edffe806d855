//! Looking up: which accounts a person means by a few letters.

use super::App;
use crate::account::{Account, AccountId, Cloud, Identity};
use crate::error::{Code, Error, Result};
use crate::snapshot::Found;
use crate::store::Book;
use crate::text;

impl App {
    /// The accounts that fit every word of a query, and for those that fit only by a target, that target. An empty
    /// query finds all.
    pub fn find(&self, query: &str) -> Vec<Found> {
        let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let book = self.book().unwrap_or_default();
        let found = book.accounts.iter().filter_map(|account| {
            let own = account.found_by();
            let missing: Vec<&String> = words.iter().filter(|word| !own.contains(word.as_str())).collect();
            if missing.is_empty() {
                return Some(Found { account: account.id.clone(), target: None });
            }
            let target = account.targets.iter().find(|target| {
                let text = format!("{} {}", target.name, target.id).to_lowercase();
                missing.iter().all(|word| text.contains(word.as_str()))
            })?;
            Some(Found { account: account.id.clone(), target: Some(target.clone()) })
        });
        found.collect()
    }

    /// The one account that a person names: by its id, its exact name, or any part that fits no other.
    ///
    /// # Errors
    /// `not-found`, or `ambiguous` with the ids to choose from.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        self.book()?.resolve(name)
    }

    /// The account in use in a cloud.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub fn active(&self, cloud: Cloud) -> Result<Account> {
        let book = self.book()?;
        book.active.get(&cloud).and_then(|id| book.account(id)).cloned().ok_or_else(|| {
            let message =
                format!("No {} account is in use. Run \"mcm use ACCOUNT\" to choose one.", cloud.title());
            Error::new(Code::NotFound, message)
        })
    }
}

impl Book {
    /// As `App::resolve`.
    ///
    /// # Errors
    /// As `App::resolve`.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        let wanted = name.trim().to_lowercase();
        if wanted.is_empty() {
            return Err(Error::new(Code::InvalidInput, "Name an account: its id, or a part of its name."));
        }
        if let Some(account) = self.account(&AccountId::from(wanted.clone())) {
            return Ok(account.clone());
        }
        let exact = |account: &&Account| names(account).any(|name| name == wanted);
        let partly = |account: &&Account| account.found_by().contains(&wanted);
        let mut fits: Vec<&Account> = self.accounts.iter().filter(exact).collect();
        if fits.is_empty() {
            fits = self.accounts.iter().filter(partly).collect();
        }
        let shown = text::shown(name);
        match fits.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let message =
                    format!("No account fits \"{shown}\". Run \"mcm accounts\" to see the connected ones.");
                Err(Error::new(Code::NotFound, message))
            }
            several => {
                let list: Vec<String> = several
                    .iter()
                    .take(8)
                    .map(|account| format!("{} ({})", account.id, account.name()))
                    .collect();
                let message = format!(
                    "\"{shown}\" fits {} accounts. Name one by its id: {}.",
                    several.len(),
                    list.join(", ")
                );
                Err(Error::new(Code::Ambiguous, message))
            }
        }
    }
}

/// What an account is called, in lower case.
fn names(account: &Account) -> impl Iterator<Item = String> {
    [account.name(), account.identity.label().to_owned(), account.identity.who().to_owned()]
        .into_iter()
        .map(|name| name.to_lowercase())
}

impl Account {
    /// Everything that it can be found by, in lower case.
    pub fn found_by(&self) -> String {
        let mut text = format!("{} {}", self.id, self.identity.default_name());
        for name in names(self) {
            text.push(' ');
            text.push_str(&name);
        }
        if let Identity::Azure { default_domain: Some(domain), .. }
        | Identity::Gcp { hosted_domain: Some(domain), .. } = &self.identity
        {
            text.push(' ');
            text.push_str(domain);
        }
        text.to_lowercase()
    }
}
