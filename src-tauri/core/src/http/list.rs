//! Loading a list page by page, with one limit of bytes, rows and time for the whole list.
//!
//! A single page's limits are in `Http`. Without these, a server that always names another page would fill the
//! memory.

use std::time::Duration;

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{Answer, Http, Refused, place};
use crate::error::{Code, Error, Result};

/// The limits of a whole list.
#[derive(Clone, Copy, Debug)]
pub struct ListLimits {
    /// Bytes of all pages together.
    pub bytes: usize,
    /// Rows of all pages together.
    pub rows: usize,
    /// Time from the first request to the last answer.
    pub time: Duration,
}

impl Default for ListLimits {
    fn default() -> Self {
        // A row of Resource Manager has about 600 bytes, and 100,000 of them are at least 200 requests.
        Self {
            bytes: 64 << 20,
            rows: 100_000,
            time: Duration::from_secs(300),
        }
    }
}

/// A list that is being loaded.
pub struct ListReading<'a> {
    http: &'a Http,
    place: String,
    until: Instant,
    bytes: usize,
    rows: usize,
}

impl Http {
    /// Starts to load a list from a server. The time runs from here.
    pub fn start_list(&self, home: &Url) -> ListReading<'_> {
        ListReading {
            http: self,
            place: place(home),
            until: Instant::now() + self.list_limits.time,
            bytes: 0,
            rows: 0,
        }
    }
}

impl ListReading<'_> {
    /// Loads a page as JSON, as `Http::get_json` does.
    ///
    /// # Errors
    /// Those of `Http::get_json` and `page`.
    pub async fn get_json<T: DeserializeOwned, E: DeserializeOwned>(
        &mut self,
        url: &Url,
        bearer: Option<&SecretString>,
    ) -> Result<std::result::Result<T, Refused<E>>> {
        let http = self.http;
        let answer = self.page(http.get(url, bearer)).await?;
        answer.into_json(&place(url))
    }

    /// Waits for the answer with a page.
    ///
    /// # Errors
    /// `server-failed` when the list takes too long or is too long; and those of the request.
    pub async fn page(&mut self, request: impl Future<Output = Result<Answer>>) -> Result<Answer> {
        let limits = self.http.list_limits;
        let Ok(answer) = timeout_at(self.until, request).await else {
            return Err(self.stopped(&format!(
                "took more than {} seconds to send a list",
                limits.time.as_secs()
            )));
        };
        let answer = answer?;
        self.bytes = self.bytes.saturating_add(answer.body.len());
        if self.bytes > limits.bytes {
            let size = limits.bytes >> 20;
            return Err(self.stopped(&format!("sent a list of more than {size} MiB")));
        }
        Ok(answer)
    }

    /// Counts the rows of a page, and returns the number so far.
    ///
    /// # Errors
    /// `server-failed` when there are too many.
    pub fn count(&mut self, rows: usize) -> Result<usize> {
        self.rows = self.rows.saturating_add(rows);
        let most = self.http.list_limits.rows;
        if self.rows > most {
            return Err(self.stopped(&format!("sent a list of more than {most} rows")));
        }
        Ok(self.rows)
    }

    fn stopped(&self, why: &str) -> Error {
        let message = format!(
            "{} {why}, so loading was stopped. The previous list is kept. Try again later.",
            self.place
        );
        Error::new(Code::ServerFailed, message)
    }
}
