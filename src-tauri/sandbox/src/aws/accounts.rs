//! What distinguishes accounts by name: IAM's `ListAccountAliases` and Organizations' `ListAccounts`; and IAM's `GetRole`.
//!
//! All are optional for a client: most callers may ask none of them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Aws;
use super::directory::Role;
use super::keys::Principal;
use super::refusal::{AwsRefusal, Service, answer};
use crate::faults::Fault;
use crate::page::escape;
use crate::server::Spoiled;

pub(super) async fn iam(
    State(aws): State<Arc<Aws>>,
    Extension(spoiled): Extension<Spoiled>,
    parts: Parts,
    body: Bytes,
) -> Response {
    iam_answer(&aws, &spoiled, &parts, &body)
        .unwrap_or_else(|refusal| refusal.into_answer(Service::Iam))
}

fn iam_answer(
    aws: &Aws,
    spoiled: &Spoiled,
    parts: &Parts,
    body: &[u8],
) -> Result<Response, AwsRefusal> {
    refuse_on_request(spoiled)?;
    let caller = aws.authenticate(Service::Iam, parts, body)?;
    let sent = if body.is_empty() {
        parts.uri.query().unwrap_or_default().as_bytes()
    } else {
        body
    };
    let fields: HashMap<String, String> = form_urlencoded::parse(sent).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    match field("Action") {
        "ListAccountAliases" => aliases(aws, &caller),
        "GetRole" => role(aws, &caller, field("RoleName")),
        other => Err(AwsRefusal::unknown_action(other)),
    }
}

/// A role of the caller's own account.
fn role(aws: &Aws, caller: &Principal, name: &str) -> Result<Response, AwsRefusal> {
    if !caller.reads_roles() {
        return Err(AwsRefusal::access_denied(
            &caller.arn(),
            "iam:GetRole",
            name,
        ));
    }
    let roles = aws.roles();
    let is_it =
        |role: &Role| role.account == caller.account() && role.name.eq_ignore_ascii_case(name);
    let found = roles
        .iter()
        .map(|state| &state.role)
        .find(|role| is_it(role));
    let found = found.ok_or_else(|| AwsRefusal::no_such_role(name))?;
    let result = format!(
        "    <Role>\n      <RoleName>{}</RoleName>\n      <Arn>{}</Arn>\n    </Role>\n",
        escape(&found.name),
        escape(&found.arn())
    );
    Ok(answer(Service::Iam, "GetRole", &result))
}

fn aliases(aws: &Aws, caller: &Principal) -> Result<Response, AwsRefusal> {
    if !caller.reads_accounts() {
        return Err(AwsRefusal::access_denied(
            &caller.arn(),
            "iam:ListAccountAliases",
            "*",
        ));
    }
    let account = aws
        .accounts
        .iter()
        .find(|account| account.id == caller.account());
    let member = account
        .and_then(|account| account.alias.as_deref())
        .map(|alias| format!("      <member>{}</member>\n", escape(alias)))
        .unwrap_or_default();
    let result = format!(
        "    <IsTruncated>false</IsTruncated>\n    <AccountAliases>\n{member}    </AccountAliases>\n"
    );
    Ok(answer(Service::Iam, "ListAccountAliases", &result))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListAccounts {
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) async fn organizations(
    State(aws): State<Arc<Aws>>,
    Extension(spoiled): Extension<Spoiled>,
    parts: Parts,
    body: Bytes,
) -> Response {
    match accounts(&aws, &spoiled, &parts, &body) {
        Ok(answer) => {
            let kind = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-amz-json-1.1"),
            )];
            (kind, answer.to_string()).into_response()
        }
        Err(refusal) => refusal.into_answer(Service::Organizations),
    }
}

fn accounts(aws: &Aws, spoiled: &Spoiled, parts: &Parts, body: &[u8]) -> Result<Value, AwsRefusal> {
    refuse_on_request(spoiled)?;
    let caller = aws.authenticate(Service::Organizations, parts, body)?;
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    if target != "AWSOrganizationsV20161128.ListAccounts" {
        return Err(AwsRefusal::unknown_action(target));
    }
    let management = aws
        .accounts
        .first()
        .map(|account| account.id.as_str())
        .unwrap_or_default();
    if caller.account() != management || !caller.reads_accounts() {
        return Err(AwsRefusal::not_in_management_account());
    }

    let asked: ListAccounts = serde_json::from_slice(body).unwrap_or_default();
    let start = asked
        .next_token
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    if let Some(page) = spoiled.made_up_page() {
        let row =
            json!({ "Id": management, "Name": "x".repeat(page.name_bytes), "Status": "ACTIVE" });
        let next = (start + page.rows).to_string();
        return Ok(json!({ "Accounts": vec![row; page.rows], "NextToken": next }));
    }
    // Organizations never puts more than 20 accounts on a page.
    let size = asked
        .max_results
        .unwrap_or(20)
        .clamp(1, 20)
        .min(aws.page_size);
    let rows: Vec<Value> = aws
        .accounts
        .iter()
        .skip(start)
        .take(size)
        .map(|account| {
            json!({
                "Id": account.id,
                "Arn": format!("arn:aws:organizations::{management}:account/o-sandbox0001/{}", account.id),
                "Email": format!("aws+{}@contoso.example", account.id),
                "Name": account.name,
                "Status": "ACTIVE",
                "JoinedMethod": "CREATED",
                "JoinedTimestamp": 1_709_208_000.0,
            })
        })
        .collect();
    let end = start + rows.len();
    let mut answer = json!({ "Accounts": rows });
    if end < aws.accounts.len() {
        answer["NextToken"] = end.to_string().into();
    }
    Ok(answer)
}

fn refuse_on_request(spoiled: &Spoiled) -> Result<(), AwsRefusal> {
    for fault in spoiled.iter() {
        if let Fault::ServiceError(error) = fault {
            return Err(error.into());
        }
    }
    Ok(())
}
