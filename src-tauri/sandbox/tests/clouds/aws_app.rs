//! A client of the AWS query APIs, as plain as possible: signs requests and picks elements out of XML.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use reqwest::Response;
use sandbox_clouds::Sandbox;
use sandbox_clouds::aws::AccessKey;
use sha2::{Digest as _, Sha256};
use url::{Position, Url, form_urlencoded};

use crate::app::client;
use crate::clock::now;

const REGION: &str = "eu-central-1";

/// A request that is signed now with a key; a test changes what is odd about it.
pub(crate) struct Signed<'a> {
    pub(crate) key: &'a AccessKey,
    pub(crate) service: &'a str,
    pub(crate) url: Url,
    pub(crate) content_type: &'a str,
    pub(crate) target: Option<&'a str>,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
}

impl<'a> Signed<'a> {
    /// A form for STS or IAM.
    pub(crate) fn form(
        key: &'a AccessKey,
        service: &'a str,
        url: Url,
        fields: &[(&str, &str)],
    ) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        Self {
            key,
            service,
            url,
            content_type,
            target: None,
            body,
            at: now(),
        }
    }

    pub(crate) async fn send(&self) -> Response {
        let date = self.at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        let mut headers = vec![
            ("content-type", self.content_type),
            ("host", host),
            ("x-amz-date", &date),
        ];
        headers.extend(
            self.key
                .session_token
                .as_deref()
                .map(|token| ("x-amz-security-token", token)),
        );
        headers.extend(self.target.map(|target| ("x-amz-target", target)));

        let names = headers
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(";");
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let request = format!(
            "POST\n/\n\n{lines}\n{names}\n{}",
            hex(&Sha256::digest(&self.body))
        );
        let scope = [&date[..8], REGION, self.service, "aws4_request"];
        let text = format!(
            "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
            scope.join("/"),
            hex(&Sha256::digest(request.as_bytes()))
        );
        let first = format!("AWS4{}", self.key.secret).into_bytes();
        let key = scope.iter().fold(first, |key, part| mac(&key, part));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={names}, Signature={}",
            self.key.id,
            scope.join("/"),
            hex(&mac(&key, &text))
        );

        let mut request = client()
            .post(self.url.clone())
            .header("authorization", authorization);
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        request
            .body(self.body.clone())
            .send()
            .await
            .expect("the sandbox answers")
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request to assume a role, with further fields.
pub(crate) fn assume<'a>(
    clouds: &Sandbox,
    key: &'a AccessKey,
    arn: &str,
    fields: &[(&str, &str)],
) -> Signed<'a> {
    let mut all = vec![
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", arn),
        ("RoleSessionName", "multi-cloud-manager"),
    ];
    all.extend(fields);
    Signed::form(key, "sts", clouds.sts_endpoint(), &all)
}

pub(crate) fn caller_identity<'a>(clouds: &Sandbox, key: &'a AccessKey) -> Signed<'a> {
    let fields = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    Signed::form(key, "sts", clouds.sts_endpoint(), &fields)
}

/// The text of the first element with this name.
pub(crate) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
        .map(|(text, _)| text.to_owned())
}

/// The status and the error code of an answer.
pub(crate) async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.text().await.expect("a body");
    (
        status,
        element(&body, "Code").unwrap_or_else(|| panic!("no error: {body}")),
    )
}

/// The session of a role that was assumed.
pub(crate) async fn session(response: Response) -> AccessKey {
    let body = response.text().await.expect("a body");
    let part = |name: &str| element(&body, name).unwrap_or_else(|| panic!("no {name}: {body}"));
    AccessKey {
        id: part("AccessKeyId"),
        secret: part("SecretAccessKey"),
        session_token: Some(part("SessionToken")),
    }
}
