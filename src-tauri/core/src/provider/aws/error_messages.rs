//! Maps AWS's refusals to messages for the user and to codes, which decide whether waiting helps.
//!
//! Codes decide, never the sentences that come with them. AccessDenied is the same for five causes (STS never shows a
//! stranger whether a role exists), so AWS's own sentence is shown, then the causes that our own checks do not rule
//! out.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::account_facts::FoundRole;
use super::arn::RoleArn;
use super::sts::{self, StsFailure, StsFailureKind};
use super::{Caller, History};
use crate::error::{Code, Error};

/// The clock difference from which a bad signature is the clock's fault: AWS permits five minutes.
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(4);
/// The delay before a request that failed because of the clock is retried.
const CLOCK_WAIT: Duration = Duration::from_secs(60);

/// The facts that are known when a role was refused.
pub(super) struct AssumeRefusal<'a> {
    /// AWS's own sentence. It names the policy that refused, where AWS says so.
    pub(super) sentence: Option<&'a str>,
    pub(super) caller: &'a Caller,
    pub(super) role: &'a RoleArn,
    pub(super) external_id: &'a str,
    /// IAM's answer to the caller about the role, which it may give within one account.
    pub(super) found: FoundRole,
    /// Whether the role let the caller in without an External ID.
    pub(super) open_without_id: bool,
    pub(super) history: History<'a>,
}

/// Failures of the caller's own credentials, for any request. `expired` creates the source's error for an expired
/// session.
pub(super) fn caller(failure: &StsFailure, place: &str, expired: &Error, now: Timestamp) -> Error {
    if let Some(passing) = sts::passing(failure, place) {
        return passing;
    }
    let error = match failure.kind {
        StsFailureKind::Expired => expired.clone(),
        StsFailureKind::UnknownKey => Error::new(
            Code::SourceExpired,
            format!(
                "{place} does not know the access key. It was deleted, deactivated, or belongs to another partition \
                 (China, GovCloud). Check the source and AWS_REGION."
            ),
        ),
        StsFailureKind::Signature => signature(failure.date, now),
        StsFailureKind::RegionDisabled => Error::new(
            Code::SettingInvalid,
            format!(
                "{place} is disabled in the account. Set AWS_REGION to another region, or ask its administrator."
            ),
        ),
        _ => Error::new(
            Code::RoleRefused,
            format!(
                "{place} refuses GetCallerIdentity, because a policy of the organisation denies it. Ask its administrator.{}",
                quoted(failure)
            ),
        ),
    };
    error.with_detail(&failure.code)
}

/// AWS's own sentence about a failure, on a line of its own.
fn quoted(failure: &StsFailure) -> String {
    let sentence = failure.sentence.as_deref();
    sentence.map_or_else(String::new, |sentence| format!("\nAWS says: {sentence}"))
}

/// Why the role of a source's profile could not be assumed.
pub(super) fn source_role(
    failure: &StsFailure,
    place: &str,
    profile: &str,
    role_arn: &str,
    expired: &Error,
    now: Timestamp,
) -> Error {
    let why = quoted(failure);
    let (code, message) = match failure.kind {
        StsFailureKind::AccessDenied => (
            Code::SourceExpired,
            format!("AWS refused to assume {role_arn} for profile \"{profile}\".{why}"),
        ),
        StsFailureKind::Invalid => (
            Code::SettingInvalid,
            format!("AWS rejected a setting of profile \"{profile}\". Correct it.{why}"),
        ),
        _ => return caller(failure, place, expired, now),
    };
    Error::new(code, message)
        .with_detail(&failure.code)
        .with_retry_after(Some(CLOCK_WAIT / 2))
}

/// Why a code of an MFA device was not accepted.
pub(super) fn mfa(
    failure: &StsFailure,
    place: &str,
    device: &str,
    expired: &Error,
    now: Timestamp,
) -> Error {
    let why = quoted(failure);
    match failure.kind {
        StsFailureKind::AccessDenied | StsFailureKind::Invalid => {
            let message = format!(
                "AWS refused the code of the MFA device {device}. Check the device and wait for its next code.{why}"
            );
            Error::new(Code::SignInRefused, message).with_detail(&failure.code)
        }
        _ => caller(failure, place, expired, now),
    }
}

/// A signature that AWS rejects: because of the clock, if the server's time differs, else because of the secret key.
fn signature(server: Option<Timestamp>, now: Timestamp) -> Error {
    let skew = server.map(|server| now.duration_since(server));
    match skew.filter(|skew| skew.abs() >= MOST_SKEW) {
        Some(skew) => {
            let minutes = (skew.abs().as_secs() + 30) / 60;
            let direction = if skew.is_positive() {
                "ahead of"
            } else {
                "behind"
            };
            let message = format!(
                "This machine's clock is {minutes} minutes {direction} AWS's. AWS accepts five. Set the clock, then try again."
            );
            Error::new(Code::ClockOff, message).with_retry_after(Some(CLOCK_WAIT))
        }
        None => Error::new(
            Code::SourceExpired,
            "AWS rejected the signature: the secret access key does not match its access key id. Enter both again.",
        ),
    }
}

/// AccessDenied on `AssumeRole`: the five causes, without those that our checks rule out, and the ids to compare. The
/// only message of several lines.
pub(super) fn refused(refused: &AssumeRefusal<'_>) -> Error {
    let AssumeRefusal {
        sentence,
        caller,
        role,
        external_id,
        found,
        open_without_id,
        history,
    } = refused;
    let mut causes = Vec::new();
    let mut ruled_out = vec!["the caller's credentials, the partition and the clock"];
    let exists = *open_without_id || matches!(found, FoundRole::There(_));
    if exists {
        ruled_out.push("a missing role");
    } else if *found == FoundRole::Missing {
        let message = format!(
            "AWS refused to let {} assume {role}: account {2} has no role {1}. Create it from the template, or \
             correct the ARN.",
            caller.arn, role.name, role.account_id
        );
        return Error::new(Code::RoleRefused, message).with_detail("NoSuchEntity");
    } else if history.known {
        causes.push(format!(
            "role {1} no longer exists in account {0}",
            role.account_id, role.name
        ));
    } else {
        causes.push(format!(
            "account {} has no role {} with exactly this path",
            role.account_id, role.name
        ));
    }
    if *open_without_id {
        ruled_out.push("the principal and the organisation's policies, because the role lets you in without an External ID");
    } else {
        let hint = match history.prepared_for {
            Some(other) if other != caller.principal_arn => format!(
                " (its template was made for {other}, but your credentials have changed: check AWS_ACCESS_KEY_ID and \
                 AWS_PROFILE)"
            ),
            _ if caller.principal_is_exact => String::new(),
            _ => " (STS omits a role's path; add it if there is one)".to_owned(),
        };
        causes.push(format!(
            "its trust policy names a principal other than {}{hint}",
            caller.principal_arn
        ));
    }
    causes.push(format!(
        "its trust policy requires an External ID other than {external_id}"
    ));
    if !open_without_id {
        causes.push(
            "its trust policy has another condition, such as multi-factor authentication (aws:MultiFactorAuthPresent) or \
             a session name (sts:RoleSessionName)"
                .to_owned(),
        );
        causes.push(
            "a policy of yours or of your organisation (service control policy, permissions boundary) denies \
             sts:AssumeRole"
                .to_owned(),
        );
    }
    let numbered: Vec<String> = causes
        .iter()
        .enumerate()
        .map(|(index, cause)| format!("({}) {cause}", index + 1))
        .collect();
    let reason = match sentence {
        Some(sentence) => format!(".\nAWS says: {sentence}"),
        None => ", and gives no reason.".to_owned(),
    };
    let message = format!(
        "AWS refused to let {} assume {role}{reason}\nPossible causes:\n{}\nRuled out: {}.\nTo compare with the \
         trust policy:\nPrincipal: {}\nExternal ID: {external_id}\nTo see the trust policy, run this with credentials of \
         account {}:\naws iam get-role --role-name {} --query Role.AssumeRolePolicyDocument",
        caller.arn,
        numbered.join("\n"),
        ruled_out.join("; "),
        caller.principal_arn,
        role.account_id,
        role.name
    );
    Error::new(Code::RoleRefused, message).with_detail("AccessDenied")
}

/// The error for a role that lets the caller in without the right External ID.
pub(super) fn not_enforced(
    role: &RoleArn,
    external_id: &str,
    without: bool,
    with_wrong: bool,
) -> Error {
    let how = match (without, with_wrong) {
        (true, true) => "without an External ID and with a wrong one",
        (true, false) => "without an External ID",
        _ => "with a wrong External ID",
    };
    let message = format!(
        "{role} can be assumed {how}, so the External ID does not protect it. The credentials of these attempts were \
         discarded and nothing was connected. Add this line to every statement of its trust policy that allows sts:AssumeRole: \
         \"Condition\": {{\"StringEquals\": {{\"sts:ExternalId\": \"{external_id}\"}}}} (StringEqualsIfExists also allows callers \
         without an External ID). Then try again."
    );
    Error::new(Code::NotEnforced, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_signature_is_the_clocks_fault_only_when_the_servers_time_differs() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a time");
        let ahead = signature(Some(now - SignedDuration::from_mins(10)), now);
        assert_eq!(ahead.code(), Code::ClockOff);
        assert!(ahead.message().contains("10 minutes ahead"), "{ahead}");
        let behind = signature(Some(now + SignedDuration::from_secs(599)), now);
        assert!(behind.message().contains("10 minutes behind"), "{behind}");
        for date in [None, Some(now), Some(now + SignedDuration::from_secs(100))] {
            assert!(signature(date, now).message().contains("secret access key"));
        }
    }
}
