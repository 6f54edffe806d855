//! The AWS SDK's requests through the one HTTP client: the same proxy, certificate authorities and limits as every other
//! request, and the same decision whether the server itself answered.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Full;

use crate::error::{Code, Error, causes};
use crate::http::{Dialect, Http};

/// The way that the SDK's requests take.
#[derive(Clone)]
pub(super) struct Transport {
    http: Http,
    /// How long the SDK waits for this kind of request, when it says so: the metadata service answers at once or never.
    patience: Option<Duration>,
}

impl Transport {
    pub(super) fn new(http: &Http) -> Self {
        Self {
            http: http.clone(),
            patience: None,
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let patience = settings.connect_timeout().zip(settings.read_timeout());
        SharedHttpConnector::new(Self {
            http: self.http.clone(),
            patience: patience.map(|(connect, read)| connect + read),
        })
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { http, patience } = self.clone();
        HttpConnectorFuture::new(async move {
            let sent = send(&http, request);
            match patience {
                None => sent.await,
                Some(patience) => tokio::time::timeout(patience, sent)
                    .await
                    .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into()))),
            }
        })
    }
}

async fn send(http: &Http, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    // None of the SDK's requests that are sent here streams its body.
    let body = body
        .bytes()
        .map(<[u8]>::to_vec)
        .ok_or_else(|| ConnectorError::user("a body that is not in memory".into()))?;
    let request = ::http::Request::from_parts(parts, body);
    let answer = http.send(request, Dialect::Aws).await.map_err(|error| {
        if error.code() == Code::Offline {
            ConnectorError::io(error.into())
        } else {
            ConnectorError::other(error.into(), None)
        }
    })?;
    // A log of the response would print a body in memory, and it may be a credential.
    let body = SdkBody::from_body_1_x(Full::from(answer.body));
    let mut response = ::http::Response::new(body);
    *response.status_mut() = ::http::StatusCode::from_u16(answer.status)
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    *response.headers_mut() = answer.headers;
    response
        .try_into()
        .map_err(|error: aws_smithy_runtime_api::http::HttpError| {
            ConnectorError::other(error.into(), None)
        })
}

/// What kept a request from its server, when our own client said so; else the failure is the server's or the SDK's.
pub(super) fn own_error(error: &(dyn StdError + 'static)) -> Option<Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<Error>().cloned())
}
