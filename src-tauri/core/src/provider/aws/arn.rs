//! ARNs: parsing a role's strictly, explaining anything else, and naming the caller's principal.
//!
//! Source: the ARN formats of the IAM user guide, and its limits for paths (512) and role names (64).

#[cfg(test)]
mod tests;

use std::fmt;

use url::Url;

use super::partition::Partition;
use crate::error::{Code, Error, Result};
use crate::text;

/// The longest ARN that `AssumeRole` accepts.
const MAX_ARN_BYTES: usize = 2048;
const LONGEST_PATH: usize = 512;
const LONGEST_NAME: usize = 64;

/// A role's ARN, every part of it checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn {
    text: String,
    pub(super) partition: &'static Partition,
    /// The twelve digits of the role's account.
    pub account_id: String,
    /// The role's name, without its path.
    pub name: String,
}

impl RoleArn {
    /// Parses what the user pasted: a role's ARN, or a console address that contains one.
    ///
    /// # Errors
    /// `invalid-input`, saying what it is instead and where to find the role's ARN.
    pub fn parse(pasted: &str) -> Result<Self> {
        let pasted = pasted
            .trim()
            .trim_matches(['"', '\'', '`', '<', '>'])
            .trim();
        if pasted.starts_with("https://") || pasted.starts_with("http://") {
            return Self::of_address(pasted);
        }
        Self::strict(pasted)
    }

    /// The ARN as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition's id.
    pub fn partition(&self) -> &'static str {
        self.partition.id
    }

    fn strict(arn: &str) -> Result<Self> {
        if arn.is_empty() {
            return Err(wrong("Enter the ARN of the role."));
        }
        if is_account_id(&arn.replace(['-', ' '], "")) {
            return Err(wrong(
                "This is an AWS account id, but the ARN of a role is needed. Open the role in the IAM console \
                 and copy its ARN.",
            ));
        }
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [prefix, partition, service, region, account, resource] = parts.as_slice() else {
            return Err(wrong(
                "This is not an ARN. Open the role in the IAM console and copy its ARN.",
            ));
        };
        if *prefix != "arn" {
            return Err(wrong(if prefix.eq_ignore_ascii_case("arn") {
                "An ARN is lowercase up to the role's name. Copy it from the IAM console."
            } else {
                "This is not an ARN. Open the role in the IAM console and copy its ARN."
            }));
        }
        let known = Partition::named(partition).ok_or_else(|| {
            let message = format!(
                "AWS has no partition \"{}\". An ARN begins with \"arn:\" and one of {}.",
                text::shown(partition),
                Partition::ids()
            );
            wrong(message)
        })?;
        let account = (*account).to_owned();
        if let Some(message) = other_than_a_role(service, resource, known, &account) {
            return Err(wrong(message));
        }
        if !region.is_empty() {
            return Err(wrong(
                "A role's ARN has no region. Copy the ARN from the IAM console.",
            ));
        }
        if !is_account_id(&account) {
            return Err(wrong(
                "The account id in the ARN does not have twelve digits. Copy the ARN again.",
            ));
        }
        let (path, name) = resource["role".len()..]
            .rsplit_once('/')
            .expect("the resource begins with role/");
        let is_path_char = |b: u8| (b'!'..=b'~').contains(&b);
        // A path begins and ends with a slash; the one after `role` counts.
        if path.len() + 1 > LONGEST_PATH
            || !path.bytes().all(is_path_char)
            || path.contains("//")
            || path.ends_with('/')
        {
            return Err(wrong(
                "The role's path is not valid in AWS. Copy the ARN again.",
            ));
        }
        if !is_role_name(name) {
            return Err(wrong(if name.is_empty() {
                "The ARN ends before the role's name. Copy it again.".to_owned()
            } else {
                format!(
                    "\"{}\" is not a valid role name (1 to {LONGEST_NAME} letters, digits and _ + = , . @ -). Copy the ARN again.",
                    text::shown(name)
                )
            }));
        }
        if arn.len() > MAX_ARN_BYTES {
            return Err(wrong("The ARN is longer than AWS permits. Copy it again."));
        }
        if path.starts_with("/aws-service-role/") {
            return Err(wrong(
                "This role belongs to an AWS service, and only that service can assume it. Create your own role from \
                 the template.",
            ));
        }
        if path.starts_with("/aws-reserved/") {
            return Err(wrong(
                "This role belongs to IAM Identity Center, and its trust policy cannot be changed. Create your \
                 own role from the template.",
            ));
        }
        let name = name.to_owned();
        Ok(Self {
            text: arn.to_owned(),
            partition: known,
            account_id: account,
            name,
        })
    }

    /// Extracts the ARN from a console address, or builds it from one that switches roles.
    fn of_address(address: &str) -> Result<Self> {
        let decoded = decoded(&decoded(address));
        let in_arn = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        let found = decoded.match_indices("arn:aws").find_map(|(at, _)| {
            let arn: String = decoded[at..].chars().take_while(|c| in_arn(*c)).collect();
            Self::strict(&arn).ok()
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let url = Url::parse(address).ok();
        let field = |name: &str| {
            let (_, value) = url.as_ref()?.query_pairs().find(|(key, _)| key == name)?;
            Some(value.into_owned())
        };
        if let (Some(account), Some(role)) = (field("account"), field("roleName"))
            && is_account_id(&account)
        {
            let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
            let partition = match host {
                host if host.ends_with("amazonaws.cn") => "aws-cn",
                host if host.ends_with("amazonaws-us-gov.com") => "aws-us-gov",
                host if host.ends_with("amazonaws-eusc.eu") => "aws-eusc",
                _ => "aws",
            };
            return Self::strict(&format!("arn:{partition}:iam::{account}:role/{role}"));
        }
        let name = decoded
            .split_once("/roles/")
            .map(|(_, rest)| rest.trim_start_matches("details/"));
        let name: Option<String> = name
            .map(|rest| {
                rest.chars()
                    .take_while(|c| in_arn(*c) && *c != '/' && *c != ':')
                    .collect()
            })
            .filter(|name: &String| !name.is_empty());
        Err(wrong(match name {
            Some(name) => format!(
                "This address names the role {name}, but not its account. Open the page and copy the ARN from its summary."
            ),
            None => "This address contains no role ARN. Open the role in the IAM console and copy its ARN."
                .to_owned(),
        }))
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names what the user pasted instead of a role's ARN, and what to do about it.
fn other_than_a_role(
    service: &str,
    resource: &str,
    partition: &Partition,
    account: &str,
) -> Option<String> {
    let partition = partition.id;
    let kind = resource.split(['/', ':']).next().unwrap_or_default();
    let copy = "Open the role in the IAM console and copy its ARN.";
    Some(match (service, kind) {
        ("iam", "role") if resource.starts_with("role/") => return None,
        ("sts", "assumed-role") => {
            let name = resource.split('/').nth(1).unwrap_or_default();
            format!(
                "This is the ARN of a session. The role's ARN is arn:{partition}:iam::{account}:role/{}, with its path if it \
                 has one.",
                text::shown(name)
            )
        }
        ("iam", "user") => {
            format!("This is the ARN of a user, and only a role can be assumed. {copy}")
        }
        ("iam", "instance-profile") => format!(
            "This is the ARN of an instance profile. Its role has its own ARN, with role/ instead of \
             instance-profile/ and sometimes another name. {copy}"
        ),
        ("iam", "root") => {
            format!("This is the ARN of the account's root, and only a role can be assumed. {copy}")
        }
        ("iam", "group") => {
            format!("This is the ARN of a group, and only a role can be assumed. {copy}")
        }
        ("iam", "policy") => {
            format!("This is the ARN of a policy, and only a role can be assumed. {copy}")
        }
        (service, kind)
            if (service, kind) != ("iam", "role")
                && service.eq_ignore_ascii_case("iam")
                && kind.eq_ignore_ascii_case("role") =>
        {
            "An ARN is lowercase up to the role's path and name. Copy it from the IAM console."
                .to_owned()
        }
        _ => format!("This is not the ARN of a role. {copy}"),
    })
}

/// The owner of an ARN of `GetCallerIdentity`, as a trust policy has to name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// A user, by the unchanged ARN.
    User(String),
    /// A role, by its name: STS omits the role's path (IAM user guide, "IAM identifiers").
    Role(String),
    /// The account's root, which may not assume a role.
    Root,
    /// A federated user, which may not either.
    Federated,
}

/// The parts of a caller's ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallerArn {
    pub(super) partition: &'static Partition,
    pub(super) account_id: String,
    pub(super) principal: Principal,
}

impl CallerArn {
    /// Parses the ARN from `GetCallerIdentity`.
    ///
    /// # Errors
    /// `server-failed` for an unknown form.
    pub(super) fn parse(arn: &str) -> Result<Self> {
        let odd = || {
            let message = "AWS returned the caller in an unknown form. Update the app.";
            Error::new(Code::ServerFailed, message)
        };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts.as_slice() else {
            return Err(odd());
        };
        let partition = Partition::named(partition).ok_or_else(odd)?;
        if !is_account_id(account) || !resource.bytes().all(|b| (b'!'..=b'~').contains(&b)) {
            return Err(odd());
        }
        let principal = match (*service, resource.split_once('/')) {
            ("iam", None) if *resource == "root" => Principal::Root,
            ("iam", Some(("user", name))) if !name.is_empty() => Principal::User(arn.to_owned()),
            ("sts", Some(("federated-user", _))) => Principal::Federated,
            ("sts", Some(("assumed-role", rest))) => {
                let name = rest
                    .split('/')
                    .next()
                    .filter(|name| is_role_name(name))
                    .ok_or_else(odd)?;
                Principal::Role(name.to_owned())
            }
            _ => return Err(odd()),
        };
        Ok(Self {
            partition,
            account_id: (*account).to_owned(),
            principal,
        })
    }
}

/// Twelve digits.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// 1 to 64 characters of the set that IAM permits.
pub(super) fn is_role_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// Percent-decodes a whole address, including its fragment.
fn decoded(text: &str) -> String {
    let plus_kept = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    url::form_urlencoded::parse(plus_kept.as_bytes())
        .map(|(key, _)| key.into_owned())
        .collect()
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidInput, message)
}

/// The account and the permission set behind the role that IAM Identity Center made for it, by its ARN or a session's.
pub fn permission_set(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.trim().splitn(6, ':');
    let account_id = parts.nth(4)?;
    let resource = parts.next()?;
    let mut names = resource.split('/');
    let marked = names.find_map(|name| name.strip_prefix("AWSReservedSSO_"))?;
    let (name, digest) = marked.rsplit_once('_')?;
    let is_digest = digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_account_id(account_id) && is_digest && !name.is_empty()).then_some((account_id, name))
}
