//! AWS's container credentials (AWS SDKs and Tools Reference Guide, "Container credential provider").

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use mcm_core::account::Cloud;
use mcm_core::loopback::{Reply, Request};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::{Secret, json, status_of, wrong_method};
use crate::exec::broker::Broker;
use crate::variables::{Fact, Facts};

/// The route for AWS's tools.
#[derive(Default)]
pub(super) struct Aws {
    pub(super) path: Secret,
    header: Secret,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credential<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    /// In RFC 3339 and UTC.
    expiration: String,
    /// Twelve digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

#[derive(Serialize)]
struct AwsFailure<'a> {
    code: &'a str,
    message: &'a str,
}

impl Aws {
    pub(super) fn facts(&self, authority: &str) -> Facts {
        let address = format!("http://{authority}/{}/aws", self.path.text());
        Facts::from([
            (Fact::ContainerAddress, address.into()),
            (Fact::ContainerToken, self.header.text().into()),
            (Fact::LoadConfig, "1".into()),
        ])
    }

    pub(super) async fn answer(&self, broker: &Broker, request: &Request) -> Reply {
        if !self.header.is_in(request.headers(), &AUTHORIZATION) {
            return failed(
                StatusCode::FORBIDDEN,
                "AccessDenied",
                "The authorization token is wrong. Use AWS_CONTAINER_AUTHORIZATION_TOKEN.",
            );
        }
        if request.method() != Method::GET {
            return wrong_method(&Method::GET);
        }
        if request.uri().query().is_some() {
            return failed(
                StatusCode::BAD_REQUEST,
                "InvalidRequest",
                "This address accepts no parameters. Remove them.",
            );
        }
        let (account, session) = match broker.issue(Cloud::Aws, None).await {
            Ok(served) => served,
            Err(refused) => {
                return failed(status_of(&refused), refused.code.as_str(), &refused.message);
            }
        };
        let keys = match session.access_keys() {
            Ok(keys) => keys,
            Err(error) => {
                return failed(
                    StatusCode::FORBIDDEN,
                    error.code().as_str(),
                    error.message(),
                );
            }
        };
        let credential = Credential {
            access_key_id: &keys.access_key_id,
            secret_access_key: keys.secret_access_key.expose_secret(),
            token: keys
                .session_token
                .as_ref()
                .map(|token| token.expose_secret()),
            expiration: format!("{:.0}", session.times.expires_at),
            account_id: account.aws_account_id(),
        };
        json(StatusCode::OK, &credential)
    }
}

fn failed(status: StatusCode, code: &str, message: &str) -> Reply {
    json(status, &AwsFailure { code, message })
}
