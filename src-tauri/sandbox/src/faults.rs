//! What can be made to go wrong, where, and how often.
//!
//! A rule names an endpoint and a fault. Each request takes every standing rule that fits it and the oldest
//! one-time rule that fits. The rules have a JSON form for tests in other processes (`POST /_sandbox/faults`).

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a discovery document leads that was tampered with; nothing listens there.
pub(crate) const FOREIGN_TOKEN_ENDPOINT: &str = "https://elsewhere.example/token";

/// An operation of a cloud that rules and the journal distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// `/{tenant}/v2.0/.well-known/openid-configuration` and instance discovery.
    AzureDiscovery,
    /// `/{tenant}/discovery/v2.0/keys`.
    AzureKeys,
    /// `/{tenant}/oauth2/v2.0/authorize`: the request that the app makes, not the pages that follow it.
    AzureAuthorize,
    /// `/{tenant}/oauth2/v2.0/token`.
    AzureToken,
    /// `/{tenant}/oauth2/v2.0/devicecode`.
    AzureDeviceCode,
    /// `GET /tenants` of Resource Manager.
    AzureTenants,
    /// `GET /subscriptions` of Resource Manager.
    AzureSubscriptions,
    /// Google's `/.well-known/openid-configuration`.
    GoogleDiscovery,
    /// Google's signing keys.
    GoogleKeys,
    /// Google's authorise request, not the pages that follow it.
    GoogleAuthorize,
    /// Google's token endpoint.
    GoogleToken,
    /// Google's device authorisation endpoint.
    GoogleDeviceCode,
    /// Google's userinfo endpoint.
    GoogleUserinfo,
    /// Google's revocation endpoint.
    GoogleRevoke,
    /// `projects:search` of Google's Resource Manager.
    GoogleProjects,
    /// `AssumeRole` of AWS STS.
    AwsAssumeRole,
    /// `GetCallerIdentity` of AWS STS.
    AwsCallerIdentity,
    /// `ListAccountAliases` of AWS IAM.
    AwsAccountAliases,
    /// `ListAccounts` of AWS Organizations.
    AwsAccounts,
    /// `getSigninToken` of the AWS console.
    AwsSigninToken,
    /// `login` of the AWS console.
    AwsLogin,
    /// `RegisterClient` of IAM Identity Center.
    CenterRegister,
    /// The authorise request of IAM Identity Center, not the pages that follow it.
    CenterAuthorize,
    /// `StartDeviceAuthorization` of IAM Identity Center.
    CenterDevice,
    /// `CreateToken` of IAM Identity Center.
    CenterToken,
    /// `ListAccounts` of the access portal.
    CenterAccounts,
    /// `ListAccountRoles` of the access portal.
    CenterRoles,
    /// `GetRoleCredentials` of the access portal.
    CenterCredentials,
    /// `Logout` of the access portal.
    CenterLogout,
    /// The page of the access portal.
    CenterStart,
}

/// A way for a request to fail, or for its answer to be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Waits this many milliseconds first; the request then goes on.
    Latency(u64),
    /// Answers with a status instead of doing the work.
    Status(Status),
    /// Closes the connection without an answer and without doing the work.
    Drop,
    /// Does the work (a refresh token is rotated, a code is spent), then closes the connection without an answer.
    DropAfterEffect,
    /// Accepts the request and never answers, until the client or the sandbox goes away.
    Hang,
    /// Refuses as OAuth does, in the form of the cloud concerned.
    OAuthError(OAuthError),
    /// Refuses as an AWS service does.
    ServiceError(ServiceError),
    /// The id token carries another nonce.
    WrongNonce,
    /// The id token says that another user issued it; at Google's authorise endpoint, the callback does.
    WrongIssuer,
    /// The callback does not say who issued it, although the discovery document promises so (Google).
    MissingIssuer,
    /// The id token is signed with a key that was never published.
    WrongSignature,
    /// The id token is meant for another client.
    WrongAudience,
    /// The id token names another tenant than the one asked for (Azure) or another Workspace domain (Google).
    WrongTenant,
    /// The whole token answer is for another user of the same tenant (Azure).
    AnotherUser,
    /// The whole token answer names its user by this id (Azure).
    UserId(String),
    /// The id token says that the e-mail address is not verified (Google).
    UnverifiedEmail,
    /// The id token expired an hour ago.
    ExpiredIdToken,
    /// The id token has these claims in place of its own (Azure, Google).
    Claims(Map<String, Value>),
    /// The token answer has no `client_info` (Azure).
    MissingClientInfo,
    /// The token answer has no refresh token.
    MissingRefreshToken,
    /// `expires_in` is a string.
    StringExpiresIn,
    /// The token answer has this `token_type`.
    TokenType(String),
    /// Answers 200 with 10 MB of JSON.
    OversizedAnswer,
    /// Answers 200 with a web page, as a captive portal does.
    NotJson,
    /// Answers 200 with JSON that breaks off.
    MalformedJson,
    /// A device is sent to another site's page to have its code typed (Azure).
    ForeignCodePage,
    /// The discovery document names a token endpoint on another host, which must never see a code.
    ForeignTokenEndpoint,
    /// A list's link to the next page leads to another host, which must never see the bearer token.
    HostileNextLink,
    /// A list's link or token for the next page leads to the same page again.
    RepeatingNextLink,
    /// A page has no rows and still has a successor (Google).
    EmptyPage,
    /// A list never ends: each page is made up and leads to another one (Azure's subscriptions, Google's projects, AWS's
    /// accounts, the accounts of IAM Identity Center).
    EndlessList(MadeUpPage),
    /// The API is switched off in the project that the client belongs to (Google).
    ServiceDisabled,
}

/// A page of a list that never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MadeUpPage {
    /// How many rows it has.
    pub rows: usize,
    /// How long the name in each row is.
    pub name_bytes: usize,
}

/// An HTTP answer without any of the cloud's own content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Status {
    /// The status code.
    pub code: u16,
    /// The `Retry-After` header, verbatim.
    pub retry_after: Option<String>,
    /// The `Location` header, verbatim.
    pub location: Option<String>,
    /// The `WWW-Authenticate` header, verbatim.
    pub challenge: Option<String>,
    /// The body.
    pub body: String,
    /// The `Content-Type` header, verbatim; without it, that of the body.
    pub content_type: Option<String>,
}

/// Why a user's refresh tokens stop working.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revocation {
    /// They were revoked.
    Revoked,
    /// The password was changed.
    PasswordChanged,
    /// The sign-in is older than the organisation allows.
    Expired,
    /// A refusal of the test's own choice.
    Refused(OAuthError),
}

/// A refusal in OAuth's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct OAuthError {
    /// `invalid_grant`, `interaction_required`, …
    pub error: String,
    /// Entra's `suberror`, Google's `error_subtype`.
    pub suberror: Option<String>,
    /// `error_description`; for Azure it may begin with a number, as `AADSTS53003: …`.
    pub description: String,
    /// The claims that a new sign-in has to ask for (Entra).
    pub claims: Option<String>,
}

/// A refusal in AWS's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceError {
    /// The status code.
    pub status: u16,
    /// `Throttling`, `AccessDenied`, …
    pub code: String,
    /// The sentence.
    pub message: String,
}

impl Fault {
    /// An answer with this status and no body.
    pub fn status(code: u16) -> Self {
        Self::Status(Status {
            code,
            ..Status::default()
        })
    }

    /// An answer with this status and body.
    pub fn answer(code: u16, body: impl Into<String>) -> Self {
        Self::Status(Status {
            code,
            body: body.into(),
            ..Status::default()
        })
    }

    /// An id token with these claims, of an object.
    ///
    /// # Panics
    /// When it is no object.
    pub fn claims(claims: &Value) -> Self {
        Self::Claims(claims.as_object().expect("claims are an object").clone())
    }

    /// A redirect that keeps method and body, to an address.
    pub fn redirect(address: &str) -> Self {
        Self::Status(Status {
            code: 307,
            location: Some(address.to_owned()),
            ..Status::default()
        })
    }

    /// A status with a `Retry-After` header.
    pub fn retry_after(code: u16, after: &str) -> Self {
        Self::Status(Status {
            code,
            retry_after: Some(after.to_owned()),
            ..Status::default()
        })
    }

    /// What an AWS service answers to a client that asks too often.
    pub fn throttled() -> Self {
        let (code, message) = ("Throttling".to_owned(), "Rate exceeded".to_owned());
        Self::ServiceError(ServiceError {
            status: 400,
            code,
            message,
        })
    }

    /// An OAuth refusal with nothing but its `error`.
    pub fn oauth_error(error: &str) -> Self {
        Self::OAuthError(OAuthError {
            error: error.to_owned(),
            ..OAuthError::default()
        })
    }
}

/// Which requests a fault meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Where.
    pub endpoint: Endpoint,
    /// What.
    pub fault: Fault,
    /// How often; without a number the rule stands until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many fitting requests pass before the first one meets it.
    #[serde(default)]
    pub after: u32,
    /// Only requests whose path names this tenant.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Only requests with this `grant_type`.
    #[serde(default)]
    pub grant_type: Option<String>,
}

impl Rule {
    /// A standing rule for every request to the endpoint.
    pub fn new(endpoint: Endpoint, fault: Fault) -> Self {
        Self {
            endpoint,
            fault,
            times: None,
            after: 0,
            tenant: None,
            grant_type: None,
        }
    }

    /// Ends the rule after `times` requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this many requests pass first.
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Limits the rule to a tenant, written as the client writes it.
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// Limits the rule to one `grant_type`.
    pub fn grant_type(mut self, grant_type: &str) -> Self {
        self.grant_type = Some(grant_type.to_owned());
        self
    }

    fn fits(&self, endpoint: Endpoint, tenant: Option<&str>, grant_type: Option<&str>) -> bool {
        self.endpoint == endpoint
            && self
                .tenant
                .as_deref()
                .is_none_or(|wanted| tenant == Some(wanted))
            && self
                .grant_type
                .as_deref()
                .is_none_or(|wanted| grant_type == Some(wanted))
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    /// Lets the next request to the endpoint fail; several calls queue up.
    pub fn next(&self, endpoint: Endpoint, fault: Fault) {
        self.add(Rule::new(endpoint, fault).times(1));
    }

    /// Lets every request to the endpoint fail until [`Faults::clear`].
    pub fn always(&self, endpoint: Endpoint, fault: Fault) {
        self.add(Rule::new(endpoint, fault));
    }

    /// Adds a rule.
    pub fn add(&self, rule: Rule) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    /// Takes every rule away.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The rules that no request has used up yet.
    pub fn rules(&self) -> Vec<Rule> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The faults that this request meets, in the order in which they were asked for.
    pub(crate) fn take(
        &self,
        endpoint: Endpoint,
        tenant: Option<&str>,
        grant_type: Option<&str>,
    ) -> Vec<Fault> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut took_one = false;
        let mut faults = Vec::new();
        for rule in rules
            .iter_mut()
            .filter(|rule| rule.fits(endpoint, tenant, grant_type))
        {
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            match &mut rule.times {
                None => faults.push(rule.fault.clone()),
                Some(times) if *times > 0 && !took_one => {
                    *times -= 1;
                    took_one = true;
                    faults.push(rule.fault.clone());
                }
                Some(_) => {}
            }
        }
        rules.retain(|rule| rule.times != Some(0));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_faults_are_met_one_by_one_and_standing_ones_each_time() {
        let faults = Faults::default();
        faults.always(Endpoint::AzureToken, Fault::Latency(5));
        faults.next(Endpoint::AzureToken, Fault::Drop);
        faults.next(Endpoint::AzureToken, Fault::NotJson);

        assert_eq!(faults.take(Endpoint::AzureKeys, None, None), []);
        assert_eq!(
            faults.take(Endpoint::AzureToken, None, None),
            [Fault::Latency(5), Fault::Drop]
        );
        assert_eq!(
            faults.take(Endpoint::AzureToken, None, None),
            [Fault::Latency(5), Fault::NotJson]
        );
        assert_eq!(
            faults.take(Endpoint::AzureToken, None, None),
            [Fault::Latency(5)]
        );
    }

    #[test]
    fn a_rule_may_let_requests_pass_first() {
        let faults = Faults::default();
        faults.add(
            Rule::new(Endpoint::AwsAssumeRole, Fault::Drop)
                .after(2)
                .times(1),
        );
        let met: Vec<usize> = (0..4)
            .map(|_| faults.take(Endpoint::AwsAssumeRole, None, None).len())
            .collect();
        assert_eq!(met, [0, 0, 1, 0]);
    }

    #[test]
    fn a_rule_may_be_meant_for_one_tenant_and_one_grant_type() {
        let faults = Faults::default();
        faults.add(
            Rule::new(Endpoint::AzureToken, Fault::Drop)
                .tenant("contoso.example")
                .grant_type("refresh_token"),
        );

        let take = |tenant, grant| {
            faults
                .take(Endpoint::AzureToken, Some(tenant), Some(grant))
                .len()
        };
        assert_eq!(take("contoso.example", "refresh_token"), 1);
        assert_eq!(take("contoso.example", "authorization_code"), 0);
        assert_eq!(take("fabrikam.example", "refresh_token"), 0);
    }

    #[test]
    fn rules_are_written_in_kebab_case() {
        let rule: Rule = serde_json::from_str(
            r#"{"endpoint":"azure-token","fault":{"status":{"code":503,"retry-after":"5"}},"times":2}"#,
        )
        .expect("the rule is well formed");
        assert_eq!(
            rule,
            Rule::new(Endpoint::AzureToken, Fault::retry_after(503, "5")).times(2)
        );
    }
}
