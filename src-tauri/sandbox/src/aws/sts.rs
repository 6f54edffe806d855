//! The Security Token Service: `AssumeRole`, `GetSessionToken` and `GetCallerIdentity`.
//!
//! A role that does not exist, one that has not appeared yet, and one that does not trust the caller refuse in the
//! same words, as at AWS.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::request::Parts;
use axum::response::Response;
use url::form_urlencoded;

use super::directory::{Appears, Condition, Trusted, Wanted};
use super::keys::{IssuedKey, Principal};
use super::refusal::{AwsRefusal, Service, answer};
use super::{Assumption, Aws, RoleState};
use crate::faults::Fault;
use crate::page::escape;
use crate::server::{FormFields, Spoiled};

const ONE_HOUR: u32 = 3600;
const TWELVE_HOURS: u32 = 12 * 3600;
/// The code that every MFA device shows.
pub const MFA_CODE: &str = "314159";

pub(super) async fn handle(
    State(aws): State<Arc<Aws>>,
    Extension(spoiled): Extension<Spoiled>,
    parts: Parts,
    body: Bytes,
) -> Response {
    let sent = if body.is_empty() {
        parts.uri.query().unwrap_or_default().as_bytes()
    } else {
        &body
    };
    let fields: FormFields = form_urlencoded::parse(sent).into_owned().collect();
    answer_to(&aws, &spoiled, &parts, &body, &fields)
        .unwrap_or_else(|refusal| refusal.into_answer(Service::Sts))
}

fn answer_to(
    aws: &Aws,
    spoiled: &Spoiled,
    parts: &Parts,
    body: &[u8],
    fields: &FormFields,
) -> Result<Response, AwsRefusal> {
    for fault in spoiled.iter() {
        if let Fault::ServiceError(error) = fault {
            return Err(error.into());
        }
    }
    let caller = aws.authenticate(Service::Sts, parts, body)?;
    match fields.get("Action").map(String::as_str).unwrap_or_default() {
        "GetCallerIdentity" => Ok(caller_identity(&caller)),
        "AssumeRole" => aws.assume_role(&caller, fields),
        "GetSessionToken" => aws.session_token(&caller, fields),
        other => Err(AwsRefusal::unknown_action(other)),
    }
}

fn caller_identity(caller: &Principal) -> Response {
    let result = format!(
        "    <Arn>{}</Arn>\n    <UserId>{}</UserId>\n    <Account>{}</Account>\n",
        escape(&caller.arn()),
        escape(&caller.id()),
        caller.account()
    );
    answer(Service::Sts, "GetCallerIdentity", &result)
}

impl Aws {
    fn assume_role(&self, caller: &Principal, fields: &FormFields) -> Result<Response, AwsRefusal> {
        let arn = checked(fields, "RoleArn", 20..=2048, |_| true)?;
        let name = checked(fields, "RoleSessionName", 2..=64, |c| "_+=,.@-".contains(c))?;
        let external_id = fields.get("ExternalId").map(String::as_str);
        if external_id.is_some() {
            checked(fields, "ExternalId", 2..=1224, |c| "_+=,.@:/-".contains(c))?;
        }
        let asked = fields
            .get("DurationSeconds")
            .map(|seconds| duration(seconds))
            .transpose()?;

        let policies = session_policies(fields)?;
        let role = self
            .trusting_role(caller, arn, external_id)
            .filter(|_| !caller.is_narrowed());
        self.note(Assumption {
            role_arn: arn.to_owned(),
            session_name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
            duration: asked,
            session_policies: policies.clone(),
            was_allowed: role.is_some(),
        });
        let role =
            role.ok_or_else(|| AwsRefusal::access_denied(&caller.arn(), "sts:AssumeRole", arn))?;
        let is_chained = matches!(caller, Principal::Session { .. });
        let seconds = asked.unwrap_or(ONE_HOUR);
        if is_chained && seconds > ONE_HOUR {
            return Err(AwsRefusal::invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        if seconds > role.max_session {
            return Err(AwsRefusal::invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }

        let life = self
            .session_life()
            .unwrap_or(Duration::from_secs(u64::from(seconds)));
        let session = Principal::Session {
            role,
            name: name.to_owned(),
            is_chained,
            policies,
        };
        Ok(assumed(
            &session,
            &self.issue_session(session.clone(), life),
        ))
    }

    /// A session of a user, confirmed by the user's MFA device when a device is named.
    fn session_token(
        &self,
        caller: &Principal,
        fields: &FormFields,
    ) -> Result<Response, AwsRefusal> {
        let Principal::User(user) = caller else {
            return Err(AwsRefusal::access_denied(
                &caller.arn(),
                "sts:GetSessionToken",
                "*",
            ));
        };
        let serial = fields.get("SerialNumber");
        let code = fields.get("TokenCode").map(String::as_str);
        if serial.is_some_and(|serial| *serial != user.mfa_serial() || code != Some(MFA_CODE)) {
            return Err(AwsRefusal::denied(
                "MultiFactorAuthentication failed with invalid MFA one time pass code.",
            ));
        }
        let asked = fields
            .get("DurationSeconds")
            .and_then(|seconds| seconds.parse().ok());
        let life = Duration::from_secs(u64::from(asked.unwrap_or(TWELVE_HOURS)));
        let session = super::directory::User {
            used_mfa: serial.is_some(),
            ..user.clone()
        };
        let issued = self.issue_session(Principal::User(session), life);
        Ok(answer(
            Service::Sts,
            "GetSessionToken",
            &credentials(&issued),
        ))
    }

    /// The role, if it is there and trusts the caller with this External ID.
    fn trusting_role(
        &self,
        caller: &Principal,
        arn: &str,
        external_id: Option<&str>,
    ) -> Option<super::directory::Role> {
        let now = self.shared.clock.now();
        let mut roles = self.roles();
        let state = roles.iter_mut().find(|state| state.role.arn() == arn)?;
        let is_there = match &state.role.appears {
            Appears::Always => true,
            Appears::AfterRefusals(refusals) => state.refusals >= *refusals,
            Appears::At(time) => now >= *time,
        };
        let is_trusted = is_there && trusts(state, caller, external_id);
        if !is_trusted {
            state.refusals += 1;
        }
        is_trusted.then(|| state.role.clone())
    }
}

fn trusts(state: &mut RoleState, caller: &Principal, external_id: Option<&str>) -> bool {
    let RoleState {
        role, first_seen, ..
    } = state;
    // Across accounts both sides have to agree; within one, a policy that names the caller is enough.
    let is_foreign = caller.account() != role.account;
    role.trust.iter().any(|statement| {
        let is_named = match &statement.principal {
            Trusted::Arn(arn) => {
                *arn == caller.trusted_arn() && (caller.may_assume() || !is_foreign)
            }
            Trusted::Account(account) => account == caller.account() && caller.may_assume(),
            Trusted::AnyPrincipal => caller.may_assume(),
        };
        let used_mfa = matches!(caller, Principal::User(user) if user.used_mfa);
        match statement.condition {
            Condition::Mfa => is_named && used_mfa,
            _ => is_named && holds(&statement.condition, external_id, first_seen),
        }
    })
}

fn holds(
    condition: &Condition,
    external_id: Option<&str>,
    first_seen: &mut Option<String>,
) -> bool {
    let (wanted, passes_without) = match condition {
        Condition::None | Condition::Mfa => return true,
        Condition::ExternalId(wanted) => (wanted, false),
        Condition::ExternalIdIfExists(wanted) => (wanted, true),
    };
    let Some(sent) = external_id else {
        return passes_without;
    };
    match wanted {
        Wanted::Exactly(id) => id == sent,
        Wanted::FirstSeen => first_seen.get_or_insert_with(|| sent.to_owned()) == sent,
    }
}

fn assumed(session: &Principal, issued: &IssuedKey) -> Response {
    let result = format!(
        "    <AssumedRoleUser>\n      <AssumedRoleId>{}</AssumedRoleId>\n      <Arn>{}</Arn>\n    </AssumedRoleUser>\n{}",
        escape(&session.id()),
        escape(&session.arn()),
        credentials(issued)
    );
    answer(Service::Sts, "AssumeRole", &result)
}

fn credentials(issued: &IssuedKey) -> String {
    let expires = issued
        .expires
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    format!(
        "    <Credentials>\n      <AccessKeyId>{}</AccessKeyId>\n      <SecretAccessKey>{}</SecretAccessKey>\n      \
         <SessionToken>{}</SessionToken>\n      <Expiration>{}</Expiration>\n    </Credentials>\n",
        issued.key.id,
        issued.key.secret,
        issued.key.session_token.as_deref().unwrap_or_default(),
        expires.unwrap_or_default()
    )
}

/// A field of the request, with the length and the characters that the API's model demands.
fn checked<'a>(
    fields: &'a FormFields,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    permits: fn(char) -> bool,
) -> Result<&'a str, AwsRefusal> {
    let value = fields.get(name).map(String::as_str).unwrap_or_default();
    let is_valid = length.contains(&value.chars().count())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || permits(c));
    if is_valid {
        return Ok(value);
    }
    let member = name[..1].to_ascii_lowercase() + &name[1..];
    Err(AwsRefusal::invalid(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have a length \
         between {} and {} and satisfy the pattern of the API",
        length.start(),
        length.end()
    )))
}

/// The session policies of a request: at most ten managed policies, each there and in the form of its ARN.
fn session_policies(fields: &FormFields) -> Result<Vec<String>, AwsRefusal> {
    const MOST: usize = 10;
    const KNOWN: [&str; 2] = ["ReadOnlyAccess", "ViewOnlyAccess"];
    let arns = (1..=MOST + 1).map_while(|at| fields.get(&format!("PolicyArns.member.{at}.arn")));
    let arns: Vec<String> = arns.cloned().collect();
    if arns.len() > MOST {
        return Err(AwsRefusal::invalid(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length \
             less than or equal to 10",
        ));
    }
    for arn in &arns {
        let name = arn
            .strip_prefix("arn:aws:iam::aws:policy/")
            .unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or_default();
        if !KNOWN.contains(&name) {
            return Err(AwsRefusal::invalid(format!("Invalid policy arn: {arn}")));
        }
    }
    Ok(arns)
}

fn duration(seconds: &str) -> Result<u32, AwsRefusal> {
    let seconds = seconds.parse::<u32>().unwrap_or_default();
    if (900..=43200).contains(&seconds) {
        return Ok(seconds);
    }
    Err(AwsRefusal::invalid(
        "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: Member must have value \
         greater than or equal to 900 and less than or equal to 43200",
    ))
}
