//! Looking up: which accounts a person means by a few letters.

use super::App;
use crate::account::{Account, AccountId, Cloud, Identity};
use crate::error::{Code, Error, Result};
use crate::snapshot::Found;
use crate::store::Accounts;
use crate::text;

impl App {
    /// The accounts that fit every word of a query, and for those that fit only by a target, that target. An empty
    /// query finds all. The best comes first: a name that is the query, then one that begins with it, then one with a
    /// word that does, then any other part, then targets in the same order; among equals the starred, then the last used.
    pub fn search(&self, query: &str) -> Vec<Found> {
        let query = query.to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        let query = words.join(" ");
        let stored = self.stored().unwrap_or_default();
        let found = stored.accounts.iter().filter_map(|account| {
            let own = account.found_by();
            let missing: Vec<&str> = words
                .iter()
                .filter(|word| !own.contains(**word))
                .copied()
                .collect();
            let (fit, target) = if missing.is_empty() {
                (
                    names(account).map(|name| Fit::of(&name, &query)).min(),
                    None,
                )
            } else {
                let fits = account.targets.iter().filter_map(|target| {
                    let (name, id) = (target.name.to_lowercase(), target.id.to_lowercase());
                    let has_all = missing
                        .iter()
                        .all(|word| name.contains(word) || id.contains(word));
                    has_all.then(|| (Fit::of(&name, &missing.join(" ")), target))
                });
                // Of targets that fit alike the first, as they are listed.
                let (fit, target) = fits.min_by_key(|(fit, _)| *fit)?;
                (Some(fit), Some(target))
            };
            let order = (
                target.is_some(),
                fit,
                !account.starred,
                std::cmp::Reverse(account.used_at),
            );
            Some((
                order,
                Found {
                    account: account.id.clone(),
                    target: target.cloned(),
                },
            ))
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// The one account that a person names: by its id, its exact name, or any part that fits no other.
    ///
    /// # Errors
    /// `not-found`, or `ambiguous` with the ids to choose from.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        self.stored()?.resolve(name)
    }

    /// The account in use in a cloud.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub fn active(&self, cloud: Cloud) -> Result<Account> {
        self.stored()?.in_use(cloud)
    }
}

impl Accounts {
    /// As `App::resolve`.
    ///
    /// # Errors
    /// As `App::resolve`.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        let wanted = name.trim().to_lowercase();
        if wanted.is_empty() {
            return Err(Error::new(
                Code::InvalidInput,
                "Name an account: its id, or a part of its name.",
            ));
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
                let message = format!(
                    "No account fits \"{shown}\". Run \"mcm accounts\" to see the connected ones."
                );
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

    /// As `App::active`.
    ///
    /// # Errors
    /// As `App::active`.
    pub fn in_use(&self, cloud: Cloud) -> Result<Account> {
        self.active
            .get(&cloud)
            .and_then(|id| self.account(id))
            .cloned()
            .ok_or_else(|| {
                let message = format!(
                    "No {} account is in use. Run \"mcm use ACCOUNT\" to choose one.",
                    cloud.title()
                );
                Error::new(Code::NotFound, message)
            })
    }
}

/// How well a name fits a query, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Beginning,
    Word,
    Part,
}

impl Fit {
    /// Both in lower case. What fits by an id alone is a part.
    fn of(name: &str, query: &str) -> Self {
        if name == query {
            return Self::Whole;
        }
        if name.starts_with(query) {
            return Self::Beginning;
        }
        let begins_a_word = |(at, _): (usize, &str)| !name[..at].ends_with(char::is_alphanumeric);
        if name.match_indices(query).any(begins_a_word) {
            Self::Word
        } else {
            Self::Part
        }
    }
}

/// What an account is called, in lower case.
fn names(account: &Account) -> impl Iterator<Item = String> {
    [
        account.name(),
        account.identity.label().to_owned(),
        account.identity.who().to_owned(),
    ]
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
        if let Identity::Azure {
            default_domain: Some(domain),
            ..
        }
        | Identity::Gcp {
            hosted_domain: Some(domain),
            ..
        } = &self.identity
        {
            text.push(' ');
            text.push_str(domain);
        }
        text.to_lowercase()
    }
}
