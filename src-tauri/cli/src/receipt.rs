//! The receipt for coding agents: the account of each cloud, where, until when, and whether it can change anything.
//!
//! The receipt informs. It is no boundary: what runs as this user can start `mcm` again, without the variable of an agent.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::account::{Account, Cloud};
use mcm_core::credential::Session;
use mcm_core::text::shown;

use crate::access::Access;
use crate::output::{clock_time, note};

/// The receipt's line of one account.
pub(crate) struct ReceiptLine {
    cloud: Cloud,
    who: String,
    place: Option<String>,
    expires_at: Timestamp,
    access: Access,
}

impl ReceiptLine {
    /// An account, and its session.
    pub(crate) fn new(account: &Account, session: &Session, access: Access) -> Self {
        Self {
            cloud: account.cloud(),
            who: format!("{} ({})", account.name(), shown(account.identity.who())),
            place: account.chosen_target().map(|target| target.name.clone()),
            expires_at: session.times.expires_at,
            access,
        }
    }

    fn text(&self, region: Option<&str>, ends: Ends, zone: &TimeZone) -> String {
        let region = region.filter(|_| self.cloud == Cloud::Aws);
        let place = region.or(self.place.as_deref()).map(shown);
        let place = place.map(|place| format!(", {place}")).unwrap_or_default();
        let until = match ends {
            Ends::AtOnce => format!("until {}, not renewed", clock_time(self.expires_at, zone)),
            Ends::At(end) => format!("renewed until {}", clock_time(end, zone)),
            Ends::WithTheCommand => {
                format!("until {}, then renewed", clock_time(self.expires_at, zone))
            }
        };
        let access = match self.access {
            Access::Whole => "everything that the account may",
            Access::ReadOnly => "read-only",
        };
        format!(
            "  {}: {}{place}; {until}; {access}",
            self.cloud.title(),
            self.who
        )
    }
}

/// Until when credentials are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// They are issued once.
    AtOnce,
    /// Until the time in a protected environment is over.
    At(Timestamp),
    /// As long as the command runs.
    WithTheCommand,
}

impl Ends {
    /// By the time in a protected environment, and whether an endpoint issues more.
    pub(crate) fn of(until: Option<Timestamp>, is_renewed: bool) -> Self {
        match (until, is_renewed) {
            (_, false) => Self::AtOnce,
            (Some(until), true) => Self::At(until),
            (None, true) => Self::WithTheCommand,
        }
    }
}

/// Prints the receipt on standard error; `region` is where AWS's tools work.
pub(crate) fn print(
    agent: &str,
    environment: Option<&str>,
    lines: &[ReceiptLine],
    region: Option<&str>,
    ends: Ends,
) {
    let place = environment
        .map(|name| format!(" in {name}"))
        .unwrap_or_default();
    note(&format!(
        "mcm: {agent} is set, so this is what the command gets{place}:"
    ));
    let zone = TimeZone::system();
    for line in lines {
        note(&line.text(region, ends, &zone));
    }
}
