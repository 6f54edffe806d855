//! Templates of the role: trust policy, CloudFormation, AWS CLI and Terraform, complete and ready to run.
//!
//! The texts are files in `aws/templates/`; a word between two `@` is a placeholder for a value, which is inserted in
//! the quoting of the file's language. IAM permits quotes and dollar signs in paths, so no value is inserted
//! unquoted.

use serde::Serialize;
use ts_rs::TS;

use super::arn::{is_account_id, is_role_name};
use super::partition::Partition;
use super::{Caller, SESSION_SECONDS, external_id};
use crate::error::{Code, Error, Result};
use crate::role::Permissions;

const TRUST_POLICY: &str = include_str!("templates/trust-policy.json");
const CLOUDFORMATION: &str = include_str!("templates/cloudformation.yaml");
const CREATE_ROLE: &str = include_str!("templates/create-role.sh");
const TERRAFORM: &str = include_str!("templates/terraform.tf");

/// The values of a template.
#[derive(Clone, Debug)]
pub struct TemplateOptions {
    /// The name of the role to create.
    pub role_name: String,
    /// Its permissions.
    pub permissions: Permissions,
    /// The longest session that it permits, in seconds.
    pub seconds: u32,
}

/// The role, in every format in which roles are created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleTemplates {
    /// The trust policy alone, as JSON.
    pub trust_policy: String,
    /// A CloudFormation template, as YAML.
    pub cloudformation: String,
    /// The command that deploys that template, once it is saved under the file name in it.
    pub cloudformation_command: String,
    /// Commands for the AWS CLI.
    pub cli: String,
    /// Terraform.
    pub terraform: String,
}

impl RoleTemplates {
    /// Renders the templates of a role for a caller and an External ID.
    ///
    /// # Errors
    /// `invalid-input` for a name, a session length, a policy or an External ID that AWS would not accept.
    pub fn new(caller: &Caller, external_id: &str, wanted: &TemplateOptions) -> Result<Self> {
        external_id::check(external_id)?;
        if !is_role_name(&wanted.role_name) {
            let message =
                "A role name has 1 to 64 letters, digits and _ + = , . @ -. Choose another name.";
            return Err(Error::new(Code::InvalidInput, message));
        }
        // A role permits at least an hour, whatever its sessions ask for.
        let longest = *SESSION_SECONDS.end();
        if wanted.seconds > longest {
            let message = format!(
                "A session lasts at most {longest} seconds (12 hours). Choose a shorter one."
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        let seconds = wanted.seconds.max(super::ONE_HOUR).to_string();
        let policy = policy_arn(&wanted.permissions, &caller.partition)?;
        let filled = |template: &str, quote: fn(&str) -> String, permissions: &str| {
            fill(template, |place| match place {
                "principal" => quote(&caller.principal_arn),
                "external_id" => quote(external_id),
                "role_name" => quote(&wanted.role_name),
                "seconds" => seconds.clone(),
                "permissions" => permissions.to_owned(),
                other => unreachable!("no template has the placeholder {other}"),
            })
        };
        let attached =
            |render: &dyn Fn(&str) -> String| policy.as_deref().map(render).unwrap_or_default();
        let trust_policy = filled(TRUST_POLICY, json, "");
        let cloudformation = filled(
            CLOUDFORMATION,
            json,
            &attached(&|arn| format!("      ManagedPolicyArns:\n        - {}\n", json(arn))),
        );
        let terraform = filled(
            TERRAFORM,
            hcl,
            &attached(&|arn| {
                format!(
                    "\nresource \"aws_iam_role_policy_attachment\" \"multi_cloud_manager\" {{\n  role       = \
                     aws_iam_role.multi_cloud_manager.name\n  policy_arn = {}\n}}\n",
                    hcl(arn)
                )
            }),
        );
        let attach = attached(&|arn| {
            format!(
                "aws iam attach-role-policy \\\n  --role-name {} \\\n  --policy-arn {}\n",
                shell(&wanted.role_name),
                shell(arn)
            )
        });
        let compact: serde_json::Value =
            serde_json::from_str(&trust_policy).expect("the template is JSON with quoted values");
        let cli = fill(CREATE_ROLE, |place| match place {
            "trust_policy" => shell(&compact.to_string()),
            "role_name" => shell(&wanted.role_name),
            "seconds" => seconds.clone(),
            "permissions" => attach.clone(),
            other => unreachable!("no template has the placeholder {other}"),
        });
        let cloudformation_command = format!(
            "aws cloudformation deploy --template-file multi-cloud-manager-role.yaml --stack-name {} --capabilities \
             CAPABILITY_NAMED_IAM",
            stack_name(&wanted.role_name)
        );
        Ok(Self {
            trust_policy,
            cloudformation,
            cloudformation_command,
            cli,
            terraform,
        })
    }
}

/// The policy to attach, as an ARN of the role's partition.
fn policy_arn(permissions: &Permissions, partition: &str) -> Result<Option<String>> {
    let managed = |path: &str| Ok(Some(format!("arn:{partition}:iam::aws:policy/{path}")));
    match permissions {
        Permissions::ViewOnly => managed("job-function/ViewOnlyAccess"),
        Permissions::ReadOnly => managed("ReadOnlyAccess"),
        Permissions::Nothing => Ok(None),
        Permissions::Policy { arn } => {
            let arn = arn.trim();
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            let message = match parts.as_slice() {
                ["arn", found, "iam", "", owner, resource]
                    if resource.starts_with("policy/")
                        && resource.len() > "policy/".len()
                        && resource.bytes().all(|b| (b'!'..=b'~').contains(&b))
                        && (*owner == "aws" || is_account_id(owner)) =>
                {
                    if *found == partition {
                        return Ok(Some(arn.to_owned()));
                    }
                    match Partition::named(found) {
                        Some(_) => format!(
                            "The policy is in partition {found}, but the caller is in {partition}. Choose a policy in the caller's partition."
                        ),
                        None => format!(
                            "AWS has no such partition. Use one of {}.",
                            Partition::ids()
                        ),
                    }
                }
                _ => "This is not the ARN of a policy. Copy it from the policy's page in the IAM console."
                    .to_owned(),
            };
            Err(Error::new(Code::InvalidInput, message))
        }
    }
}

/// A stack's name: letters, digits and hyphens, a letter first (CloudFormation API).
fn stack_name(role_name: &str) -> String {
    let plain: String = role_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain
    } else {
        format!("role-{plain}")
    }
}

/// A template with its placeholders filled in one pass, so that a value that looks like a placeholder stays
/// unchanged.
fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut pieces = template.split('@');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    while let (Some(place), Some(text)) = (pieces.next(), pieces.next()) {
        filled.push_str(&value(place));
        filled.push_str(text);
    }
    filled
}

/// A JSON string, which is a YAML string too.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A string of HCL, where `${` and `%{` would begin a template.
fn hcl(text: &str) -> String {
    json(text).replace("${", "$${").replace("%{", "%%{")
}

/// A word of a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
