//! Verifying a role: it lets the caller in with the External ID, and refuses without it and with a wrong one.
//!
//! Source: AWS's user guide on External IDs ("test whether you can assume the role both with and without the correct
//! external ID"). A refusal proves something only between two successes, because a new role takes a while to spread
//! through IAM. Sessions of the attempts are dropped at once; only the last one leaves this file.

use std::time::Duration;

use jiff::Timestamp;

use super::sts::{Assume, Sts, StsFailure, StsFailureKind};
use crate::credential::Session;
use crate::random;
use crate::sign_in::{CheckState, RoleCheck, RoleCheckKind};
use crate::world::Clock;

/// The session name that distinguishes our checks from use in a customer's CloudTrail.
const PROBE: &str = "multi-cloud-manager-extid-probe";
/// The shortest session that STS creates.
const PROBE_SECONDS: u32 = 900;
/// The length that every role permits, and the most for a role assumed from a role.
pub const ONE_HOUR: u32 = 3600;
/// The lengths that are tried to find a role's `MaxSessionDuration`, starting with AWS's longest.
const LIVES: [u32; 4] = [43_200, 28_800, 14_400, 7_200];
/// How long a new role may take to spread.
const SPREADING: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The number of attempts for a check without a clear answer.
const MOST_TRIES: u32 = 4;

/// The result of the checks of the External ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExternalIdVerdict {
    /// Refused without the id and with a wrong one.
    Enforced,
    /// Let in at least once.
    Open { without: bool, with_wrong: bool },
    /// AWS gave no clear answer at least once, and never let the caller in.
    Unknown,
}

/// One role, as one caller, with one External ID.
pub(super) struct Verification<'a> {
    pub(super) sts: &'a Sts,
    pub(super) clock: &'a dyn Clock,
    pub(super) role_arn: &'a str,
    pub(super) external_id: &'a str,
    /// The name of the sessions that are used.
    pub(super) session_name: &'a str,
    /// The name that the user chose for them. The trust policy may demand it, so the checks have it too.
    pub(super) chosen_name: Option<&'a str>,
    /// The managed policy that the sessions that are used may not exceed.
    pub(super) session_policy: Option<&'a str>,
    /// Whether the caller's credentials are a role's: AWS then limits sessions to an hour.
    pub(super) is_chained: bool,
    /// Whether the role may be so new that it has not spread yet.
    pub(super) may_be_new: bool,
    /// Called with every change.
    pub(super) report: &'a (dyn Fn(&[RoleCheck]) + Send + Sync),
}

/// A role that let the caller in.
pub(super) struct Verified<'a> {
    /// The session, whose owner is still to be checked.
    pub(super) checks: Checks<'a>,
    pub(super) verdict: ExternalIdVerdict,
    pub(super) session: Session,
    /// The length that was requested for it, in seconds.
    pub(super) seconds: u32,
    /// The longest session that the role was seen to permit.
    pub(super) longest: Option<u32>,
}

/// The checks as the screen shows them.
pub(super) struct Checks<'a> {
    list: [RoleCheck; 4],
    report: &'a (dyn Fn(&[RoleCheck]) + Send + Sync),
}

impl<'a> Checks<'a> {
    fn new(report: &'a (dyn Fn(&[RoleCheck]) + Send + Sync)) -> Self {
        let check = |what| RoleCheck {
            what,
            state: CheckState::Waiting,
            attempts: 0,
            until: None,
            became: None,
        };
        let all = [
            RoleCheckKind::RightId,
            RoleCheckKind::NoId,
            RoleCheckKind::WrongId,
            RoleCheckKind::Identity,
        ];
        Self {
            list: all.map(check),
            report,
        }
    }

    /// Asks AWS for the session's owner, and shows the check.
    pub(super) async fn who<T>(
        &mut self,
        asked: impl Future<Output = crate::error::Result<T>>,
        arn: impl Fn(&T) -> String,
    ) -> crate::error::Result<T> {
        self.set(RoleCheckKind::Identity, CheckState::Running, None);
        let answer = asked.await;
        for check in self
            .list
            .iter_mut()
            .filter(|check| check.what == RoleCheckKind::Identity)
        {
            check.became = answer.as_ref().ok().map(&arn);
        }
        let state = if answer.is_ok() {
            CheckState::Passed
        } else {
            CheckState::Failed
        };
        self.set(RoleCheckKind::Identity, state, None);
        answer
    }

    fn set(&mut self, what: RoleCheckKind, state: CheckState, until: Option<Timestamp>) {
        for check in self.list.iter_mut().filter(|check| check.what == what) {
            check.attempts += u32::from(state == CheckState::Running);
            check.state = state;
            check.until = until;
        }
        (self.report)(&self.list);
    }
}

impl<'a> Verification<'a> {
    /// Runs every check of the External ID, then assumes the role for use, for `wanted` seconds or the longest that
    /// it permits. A role that does not enforce the External ID is not assumed again unless that is accepted.
    pub(super) async fn run(
        &self,
        wanted: u32,
        accept_open: bool,
    ) -> Result<Verified<'a>, Stopped> {
        let started = self.clock.now();
        let until = if self.may_be_new {
            started + SPREADING
        } else {
            started
        };
        let mut checks = Checks::new(self.report);
        loop {
            self.right_id(&mut checks, until).await?;
            let verdict = self.verdict(&mut checks).await;
            if let (
                ExternalIdVerdict::Open {
                    without,
                    with_wrong,
                },
                false,
            ) = (verdict, accept_open)
            {
                return Err(Stopped::Open {
                    without,
                    with_wrong,
                });
            }
            let longest = self.longest().await;
            match self.for_use(longest.unwrap_or(wanted).min(wanted)).await {
                // The refusals above may come from a role that has not spread yet: they do not count.
                Err(failure)
                    if failure.kind == StsFailureKind::AccessDenied && self.clock.now() < until => {
                }
                Err(failure) => return Err(Stopped::AssumeRefusal(failure)),
                Ok((session, seconds)) => {
                    return Ok(Verified {
                        checks,
                        verdict,
                        session,
                        seconds,
                        longest,
                    });
                }
            }
        }
    }

    /// The result of the two attempts that must fail.
    pub(super) async fn recheck(&self) -> ExternalIdVerdict {
        self.verdict(&mut Checks::new(self.report)).await
    }

    /// Whether the role lets the caller in without an External ID. Distinguishes a wrong id from the other causes of
    /// a refusal.
    pub(super) async fn is_open_without_id(&self) -> bool {
        self.probe(None, PROBE_SECONDS).await.is_ok()
    }

    /// Assumes the role for use; for an hour when the role permits no longer. Returns the requested length too.
    pub(super) async fn for_use(&self, seconds: u32) -> Result<(Session, u32), StsFailure> {
        let seconds = if self.is_chained {
            seconds.min(ONE_HOUR)
        } else {
            seconds
        };
        let wanted = |seconds| Assume {
            role_arn: self.role_arn,
            session_name: self.session_name,
            external_id: Some(self.external_id),
            seconds,
            session_policy: self.session_policy,
        };
        match self.sts.assume(&wanted(seconds), self.clock.now()).await {
            // Everything else in the request was checked before, so the length is not permitted.
            Err(failure) if failure.kind == StsFailureKind::Invalid && seconds > ONE_HOUR => {
                let session = self.sts.assume(&wanted(ONE_HOUR), self.clock.now()).await?;
                Ok((session, ONE_HOUR))
            }
            assumed => assumed.map(|session| (session, seconds)),
        }
    }

    /// Assumes the role with the id, waiting for a new role to spread.
    async fn right_id(&self, checks: &mut Checks<'_>, until: Timestamp) -> Result<(), Stopped> {
        let what = RoleCheckKind::RightId;
        let mut wait = FIRST_WAIT;
        loop {
            checks.set(what, CheckState::Running, None);
            let Err(failure) = self.probe(Some(self.external_id), PROBE_SECONDS).await else {
                checks.set(what, CheckState::Passed, None);
                return Ok(());
            };
            let may_change = failure.kind == StsFailureKind::AccessDenied || failure.may_pass();
            let now = self.clock.now();
            if !may_change || now >= until {
                checks.set(what, CheckState::Failed, None);
                return Err(Stopped::AssumeRefusal(failure));
            }
            checks.set(what, CheckState::Retrying, Some(until));
            self.clock
                .sleep_until((now + failure.retry_after.unwrap_or(wait)).min(until))
                .await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn verdict(&self, checks: &mut Checks<'_>) -> ExternalIdVerdict {
        let wrong = wrong_id(self.external_id);
        let without = self.refuses(checks, RoleCheckKind::NoId, None).await;
        let with_wrong = self
            .refuses(checks, RoleCheckKind::WrongId, Some(&wrong))
            .await;
        match (without, with_wrong) {
            (Some(true), Some(true)) => ExternalIdVerdict::Enforced,
            (Some(false), _) | (_, Some(false)) => ExternalIdVerdict::Open {
                without: without == Some(false),
                with_wrong: with_wrong == Some(false),
            },
            _ => ExternalIdVerdict::Unknown,
        }
    }

    /// Whether the role refuses this External ID. None when AWS gave no clear answer.
    async fn refuses(
        &self,
        checks: &mut Checks<'_>,
        what: RoleCheckKind,
        id: Option<&str>,
    ) -> Option<bool> {
        let mut wait = FIRST_WAIT / 2;
        for attempt in 1..=MOST_TRIES {
            checks.set(what, CheckState::Running, None);
            let failure = match self.probe(id, PROBE_SECONDS).await {
                Ok(()) => {
                    checks.set(what, CheckState::Failed, None);
                    return Some(false);
                }
                Err(failure) if failure.kind == StsFailureKind::AccessDenied => {
                    checks.set(what, CheckState::Passed, None);
                    return Some(true);
                }
                Err(failure) => failure,
            };
            if !failure.may_pass() || attempt == MOST_TRIES {
                break;
            }
            let next = self.clock.now() + failure.retry_after.unwrap_or(wait).min(LONGEST_WAIT);
            checks.set(what, CheckState::Retrying, Some(next));
            self.clock.sleep_until(next).await;
            wait *= 2;
        }
        checks.set(what, CheckState::Unknown, None);
        None
    }

    /// The longest session that the role permits, found by trying. None when AWS gave no clear answer.
    async fn longest(&self) -> Option<u32> {
        if self.is_chained {
            return Some(ONE_HOUR);
        }
        for seconds in LIVES {
            match self.probe(Some(self.external_id), seconds).await {
                Ok(()) => return Some(seconds),
                Err(failure) if failure.kind == StsFailureKind::Invalid => {}
                Err(_) => return None,
            }
        }
        Some(ONE_HOUR)
    }

    /// Assumes the role and drops the session at once.
    async fn probe(&self, external_id: Option<&str>, seconds: u32) -> Result<(), StsFailure> {
        let wanted = Assume {
            role_arn: self.role_arn,
            session_name: self.chosen_name.unwrap_or(PROBE),
            external_id,
            seconds,
            session_policy: None,
        };
        self.sts.assume(&wanted, self.clock.now()).await.map(drop)
    }
}

/// The reason why a verification ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The role refuses the caller with the External ID, or AWS cannot be asked.
    AssumeRefusal(StsFailure),
    /// It lets the caller in without the right one, and the user did not accept that.
    Open { without: bool, with_wrong: bool },
}

/// A wrong External ID that begins like the right one, so that a policy with a trailing wildcard is found too.
fn wrong_id(right: &str) -> String {
    format!("{}{}", &right[..right.len() / 2], random::hex(16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::aws::external_id;

    #[test]
    fn a_wrong_id_is_valid_in_aws_and_begins_like_the_right_one() {
        for right in [external_id::generate(), "ab".to_owned(), "x".repeat(1224)] {
            let wrong = wrong_id(&right);
            external_id::check(&wrong).expect("valid");
            assert_ne!(wrong, right);
            assert!(wrong.starts_with(&right[..right.len() / 2]));
        }
    }
}
