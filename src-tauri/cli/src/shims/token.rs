//! `az account get-access-token` and `azd auth token` in a shell with the hook, as the Azure SDKs and Terraform run them: the
//! answer is the token of the environment's account. The tool itself is not started, and need not be installed.
//!
//! Another tenant, and a subscription that the account does not list, are refused. A command with an option that is not known
//! here is the tool's own.

use std::ffi::OsString;

use mcm_core::account::{Account, Cloud, Identity};
use mcm_core::app::App;
use mcm_core::environment::EnvironmentName;
use mcm_core::error::{Code, Error};
use mcm_core::resource::Resource;
use mcm_core::text::shown;
use mcm_core::world::Environment;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::failure::Failure;
use crate::hook_arguments::ShimOptions;
use crate::output::print;
use crate::token::{print_credential, requesting_program};

/// A request for a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    environment: EnvironmentName,
    is_azd: bool,
    /// What `az` calls a resource, or a scope without `/.default`.
    resource: Option<String>,
    tenant: Option<String>,
    subscription: Option<String>,
}

/// The request for a token that a shim was run with, if it was.
pub(crate) fn token_request(options: &ShimOptions) -> Option<TokenRequest> {
    let environment = Environment::of_this_process();
    // az prints JSON unless its settings say otherwise.
    let is_json = environment.get("AZURE_CORE_OUTPUT").is_none();
    parse(
        &options.tool,
        &options.arguments,
        super::chosen(&environment)?,
        is_json,
    )
}

fn parse(
    tool: &str,
    arguments: &[OsString],
    environment: EnvironmentName,
    is_json: bool,
) -> Option<TokenRequest> {
    let words: Vec<&str> = arguments
        .iter()
        .map(|word| word.to_str())
        .collect::<Option<_>>()?;
    let is_azd = tool == "azd";
    let mut rest = match (tool, words.as_slice()) {
        ("az", ["account", "get-access-token", rest @ ..])
        | ("azd", ["auth", "token", rest @ ..]) => rest.iter().copied(),
        _ => return None,
    };
    let mut request = TokenRequest {
        environment,
        is_azd,
        resource: None,
        tenant: None,
        subscription: None,
    };
    let mut is_json = is_json && !is_azd;
    while let Some(word) = rest.next() {
        if is_azd && word == "--no-prompt" {
            continue;
        }
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, value),
            None => (word, rest.next()?),
        };
        let place = match option {
            "--output" | "-o" => {
                is_json = value == "json";
                continue;
            }
            "--resource" if !is_azd => &mut request.resource,
            "--scope" => &mut request.resource,
            "--tenant" | "-t" if !is_azd => &mut request.tenant,
            "--tenant-id" if is_azd => &mut request.tenant,
            "--subscription" | "-s" if !is_azd => &mut request.subscription,
            _ => return None,
        };
        let value = value.strip_suffix("/.default").unwrap_or(value);
        if place.replace(value.to_owned()).is_some() {
            return None;
        }
    }
    is_json.then_some(request)
}

impl TokenRequest {
    /// Prints the token. Where the environment leaves Azure as it is, nothing is printed and the tool itself should run.
    ///
    /// # Errors
    /// `not-found` and `invalid-input` for what the environment does not have, `unsupported` for a protected one, and those
    /// of the session.
    pub(crate) async fn answer(&self, app: &App) -> Result<bool, Failure> {
        let named = app.environment(self.environment.as_str())?;
        let name = &named.name;
        if named.settings.is_protected {
            let message = format!("{name} is protected. Run: mcm shell {name}");
            return Err(Error::new(Code::Unsupported, message).into());
        }
        if !named.members.contains_key(&Cloud::Azure) {
            if !named.closes_other_clouds() {
                return Ok(false);
            }
            let message = format!(
                "Azure is not part of {name}. Add an account: mcm environment edit {name} --azure ACCOUNT"
            );
            return Err(Error::new(Code::NotFound, message).into());
        }
        let accounts = app.members(&named)?;
        let account = accounts
            .into_iter()
            .find(|account| account.cloud() == Cloud::Azure)
            .expect("it is a member");
        let account = self.checked(account)?;
        let resource = match &self.resource {
            Some(text) => app.resource(&account.id, text)?,
            None => Resource::Management,
        };
        let session = app
            .issue_in(
                &account.id,
                &resource,
                &requesting_program(),
                Some(name.as_str()),
            )
            .await
            .map_err(|error| Failure::of_resource(app, &account, &resource, error))?;
        if !self.is_azd {
            print_credential(&account, &session, true)?;
            return Ok(true);
        }
        let text = json!({
            "token": session.bearer()?.expose_secret(),
            "expiresOn": format!("{:.0}", session.times.expires_at),
        });
        print(&text.to_string())?;
        Ok(true)
    }

    /// The account at the subscription that was asked for, if it is of the tenant that was asked for.
    fn checked(&self, account: Account) -> Result<Account, Error> {
        let name = &self.environment;
        if let (
            Some(asked),
            Identity::Azure {
                tenant_id,
                default_domain,
                ..
            },
        ) = (&self.tenant, &account.identity)
        {
            let domain = default_domain.as_deref().unwrap_or_default();
            if !asked.eq_ignore_ascii_case(tenant_id) && !asked.eq_ignore_ascii_case(domain) {
                let message = format!(
                    "The tenant {} was asked for, and {name} works in {tenant_id}. Choose another environment.",
                    shown(asked)
                );
                return Err(Error::new(Code::InvalidInput, message));
            }
        }
        let Some(asked) = &self.subscription else {
            return Ok(account);
        };
        match account.find_target(asked) {
            Some(target) => Ok(account.at_target(target)),
            None => {
                let message = format!(
                    "{} of {name} has no subscription \"{}\". See: mcm targets {}",
                    account.name(),
                    shown(asked),
                    account.id
                );
                Err(Error::new(Code::InvalidInput, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_library_asks_is_understood_and_anything_else_is_the_tools_own() {
        let asked = |line: &str| {
            let mut words = line.split(' ').map(OsString::from);
            let tool = words.next().expect("a tool");
            let words: Vec<OsString> = words.collect();
            let name = EnvironmentName::parse("dev").expect("a name");
            parse(tool.to_str().expect("text"), &words, name, true)
        };
        let found =
            asked("az account get-access-token --output json --resource https://a --tenant t")
                .expect("it is one");
        assert_eq!(found.resource.as_deref(), Some("https://a"));
        assert_eq!(found.tenant.as_deref(), Some("t"));
        let found = asked("az account get-access-token --scope=https://a/.default -o json -s x")
            .expect("it is one");
        assert_eq!(found.resource.as_deref(), Some("https://a"));
        assert_eq!(found.subscription.as_deref(), Some("x"));
        let found = asked(
            "azd auth token --output json --no-prompt --scope https://a/.default --tenant-id t",
        )
        .expect("it is one");
        assert!(found.is_azd && found.tenant.as_deref() == Some("t"));
        for other in [
            "az account show",
            "az account get-access-token --query accessToken -o tsv",
            "az account get-access-token --resource-type ms-graph",
            "az account get-access-token -o tsv",
            "az account get-access-token --resource a --resource b",
            "az account get-access-token --tenant",
            "azd auth token",
            "azd auth login",
        ] {
            assert_eq!(asked(other), None, "{other}");
        }
    }
}
