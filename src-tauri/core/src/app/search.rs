//! Search: the accounts that a few letters match.

use super::App;
use crate::account::{Account, Cloud};
use crate::error::Result;
use crate::snapshot::Found;

impl App {
    /// The accounts that match every word of a query, and for those that match only by a target, that target. An
    /// empty query finds all. The best comes first: a name that equals the query, then one that begins with it, then
    /// one with a word that does, then any other part, then targets in the same order; among equals the starred, then
    /// the last used.
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
                    account
                        .names()
                        .iter()
                        .map(|name| Fit::of(name, &query))
                        .min(),
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
                // Of targets that match equally the first, in list order.
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

    /// As `Store::resolve`.
    ///
    /// # Errors
    /// As `Store::resolve`.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        self.store.resolve(name)
    }

    /// As `Store::named`.
    ///
    /// # Errors
    /// As `Store::named`.
    pub fn named(&self, name: &str) -> Result<Account> {
        self.store.named(name)
    }

    /// The account in use in a cloud.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub fn active(&self, cloud: Cloud) -> Result<Account> {
        self.store.active(cloud)
    }
}

/// The quality of a match, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Beginning,
    Word,
    Part,
}

impl Fit {
    /// Both in lower case. A match by an id alone counts as a part.
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
