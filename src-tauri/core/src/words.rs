//! Words that the tray and `mcm` share: what differs by cloud, and lengths of time.
//!
//! The dashboard has its own in `ui/src/text/words.ts` and `ui/src/time.ts`, by the same rules.

use jiff::SignedDuration;

use crate::account::{Cloud, Identity};

/// What the targets of an account are called, in the plural.
pub fn targets(identity: &Identity) -> &'static str {
    match identity {
        Identity::Azure { .. } => "subscriptions",
        Identity::Gcp { .. } => "projects",
        Identity::Aws { .. } => "regions",
        Identity::IdentityCenter { .. } => "roles",
    }
}

/// What a cloud's console is called.
pub fn console(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Azure => "Azure portal",
        Cloud::Gcp => "Google Cloud console",
        Cloud::Aws => "AWS console",
    }
}

/// A length of time in its two largest units, rounded down, as `duration` of `ui/src/time.ts` writes it.
pub fn duration(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    match (minutes / (24 * 60), minutes / 60, minutes % 60) {
        (_, ..=0, ..=0) => "under 1 min".to_owned(),
        (_, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes:02} min"),
        (1, ..) => "1 day".to_owned(),
        (days, ..) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_down_and_never_told_as_more_than_it_is() {
        for (seconds, shown) in [
            (-90_000, "under 1 min"),
            (-1, "under 1 min"),
            (0, "under 1 min"),
            (59, "under 1 min"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h 00 min"),
            (3_930, "1 h 05 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 day"),
            (90 * 86_400, "90 days"),
        ] {
            assert_eq!(
                duration(SignedDuration::from_secs(seconds)),
                shown,
                "{seconds}"
            );
        }
    }
}
