//! A browser for tests and scripts: reads the sign-in pages and answers them as a user would.
//!
//! It keeps cookies, follows redirects and submits forms with the headers that a real one sends, and stops where the
//! cloud hands over to the app. It knows the pages of the sandbox only.

mod html;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, redirect};
use url::{Origin, Url};

use self::html::{Button, Document, Form};
use crate::company::{self, Company};

const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// No sign-in has more pages and redirects than this.
const MAX_STEPS: usize = 20;

/// Where a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The cloud sent the browser to an address that is not a web page: the app's own scheme.
    Redirect(Url),
    /// A web page outside the cloud, which is what the app's loopback receiver answered, or the cloud's own last one.
    Page {
        /// Its status code.
        status: u16,
        /// What a user reads on it.
        text: String,
    },
    /// The cloud showed an error, or a page on which the user finds nothing to press.
    ErrorPage(String),
    /// The user stopped, as its script says, and closed the window.
    GaveUp,
    /// A page could not be loaded.
    Unreachable(String),
}

impl Landing {
    /// The address of the app's scheme that the cloud called; panics with the landing otherwise.
    pub fn expect_redirect(self) -> Url {
        match self {
            Self::Redirect(url) => url,
            other => panic!("the sign-in did not end at a custom scheme: {other:?}"),
        }
    }
}

/// How the path of the link begins that leads a browser from the app to a page.
const APP_LINK: &str = "/open/";

/// A browser with a user in front of it. Cookies last as long as the value.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    cookies: Mutex<HashMap<String, BTreeMap<String, String>>>,
    user: Option<String>,
    refuses_consent: bool,
    cancels: bool,
    unticks: Vec<String>,
    user_code: Option<String>,
    hides_origin: bool,
    patience: usize,
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

/// One request of the browser.
struct Visit {
    url: Url,
    form: Option<Vec<(String, String)>>,
    from: Option<Origin>,
}

impl Browser {
    /// A browser whose user is the first one that a page offers and who agrees to everything.
    pub fn new() -> Self {
        Self::with(Client::builder().no_proxy())
    }

    /// As `new`, inside a company's network.
    pub fn inside(company: &Company) -> Self {
        Self::with(company::client(company))
    }

    fn with(client: ClientBuilder) -> Self {
        let client = client
            .redirect(redirect::Policy::none())
            .user_agent(USER_AGENT)
            .build()
            .expect("a client without certificates of its own can always be built");
        Self {
            client,
            cookies: Mutex::default(),
            user: None,
            refuses_consent: false,
            cancels: false,
            unticks: Vec::new(),
            user_code: None,
            hides_origin: false,
            patience: MAX_STEPS,
        }
    }

    /// Chooses who sits in front of the browser.
    pub fn as_user(mut self, email: &str) -> Self {
        self.user = Some(email.to_owned());
        self
    }

    /// Presses Cancel on the consent page.
    pub fn refuse_consent(mut self) -> Self {
        self.refuses_consent = true;
        self
    }

    /// Unticks the scope that ends in `scope` on the consent page.
    pub fn untick(mut self, scope: &str) -> Self {
        self.unticks.push(scope.to_owned());
        self
    }

    /// Types the code that a device shows.
    pub fn with_user_code(mut self, code: &str) -> Self {
        self.user_code = Some(code.to_owned());
        self
    }

    /// Presses Cancel on the first page.
    pub fn cancel(mut self) -> Self {
        self.cancels = true;
        self
    }

    /// Closes the window after so many pages have been answered.
    pub fn give_up_after(mut self, pages: usize) -> Self {
        self.patience = pages;
        self
    }

    /// Sends `Origin: null` with a form that goes to another site, as browsers do for pages without a referrer.
    pub fn hide_origin(mut self) -> Self {
        self.hides_origin = true;
        self
    }

    /// Opens an address and goes through the pages that follow, up to where the sign-in ends.
    pub async fn browse(&self, url: &str) -> Landing {
        let Ok(url) = Url::parse(url) else {
            return Landing::Unreachable(format!("not a URL: {url}"));
        };
        let url = match self.follow_link(url).await {
            Ok(url) => url,
            Err(landing) => return landing,
        };
        let cloud = url.origin();
        let mut visit = Visit {
            url,
            form: None,
            from: None,
        };
        let mut answered = 0;
        for _ in 0..MAX_STEPS {
            if !matches!(visit.url.scheme(), "http" | "https") {
                return Landing::Redirect(visit.url);
            }
            let response = match self.load(&visit).await {
                Ok(response) => response,
                Err(error) => return Landing::Unreachable(error.without_url().to_string()),
            };
            let here = visit.url.clone();
            if response.status().is_redirection() {
                let location = response
                    .headers()
                    .get(header::LOCATION)
                    .and_then(|value| value.to_str().ok());
                let Some(next) = location.and_then(|location| here.join(location).ok()) else {
                    return Landing::Unreachable("a redirect without an address".to_owned());
                };
                visit = Visit {
                    url: next,
                    form: None,
                    from: Some(here.origin()),
                };
                continue;
            }

            let status = response.status().as_u16();
            let html = match response.text().await {
                Ok(html) => html,
                Err(error) => return Landing::Unreachable(error.without_url().to_string()),
            };
            let document = Document::parse(&html);
            let is_the_end = document.forms.is_empty() && status < 400;
            if here.origin() != cloud || is_the_end {
                return Landing::Page {
                    status,
                    text: document.text,
                };
            }
            let Some((form, button)) = self.choose(&document) else {
                return Landing::ErrorPage(document.text);
            };
            if answered == self.patience {
                return Landing::GaveUp;
            }
            answered += 1;
            visit = self.submit(&here, form, button);
        }
        Landing::Unreachable("more pages than any sign-in has".to_owned())
    }

    /// The page that the app's link leads to; any other address as it is. The link works once.
    async fn follow_link(&self, url: Url) -> Result<Url, Landing> {
        if !url.path().starts_with(APP_LINK) {
            return Ok(url);
        }
        let link = Visit {
            url,
            form: None,
            from: None,
        };
        let unreachable = |why: String| Landing::Unreachable(why);
        let response = self
            .load(&link)
            .await
            .map_err(|error| unreachable(error.without_url().to_string()))?;
        let location = response.headers().get(header::LOCATION);
        location
            .and_then(|location| location.to_str().ok())
            .and_then(|location| Url::parse(location).ok())
            .ok_or_else(|| unreachable(format!("the app's link: {}", response.status())))
    }

    /// The page that an app's browser was opened for.
    ///
    /// # Panics
    /// When the link leads nowhere.
    pub async fn page_of(&self, link: &str) -> String {
        let url = Url::parse(link).expect("the app opens an address");
        let page = self.follow_link(url).await;
        page.expect("the link leads to a page").into()
    }

    /// What the user presses on a page.
    fn choose<'a>(&self, document: &'a Document) -> Option<(&'a Form, &'a Button)> {
        let form = document.forms.first()?;
        let answer = |value: &str| {
            form.buttons
                .iter()
                .find(|b| b.name == "answer" && b.value == value)
        };
        if self.cancels
            && let Some(cancel) = answer("cancel")
        {
            return Some((form, cancel));
        }
        if form.buttons.iter().any(|button| button.name == "user") {
            let mut users = form.buttons.iter().filter(|button| button.name == "user");
            let mine = match &self.user {
                Some(user) => users.find(|button| button.value.eq_ignore_ascii_case(user)),
                None => users.next(),
            };
            return mine
                .or_else(|| answer("another"))
                .map(|button| (form, button));
        }
        if self.refuses_consent && answer("accept").is_some() {
            return answer("cancel").map(|button| (form, button));
        }
        let button = ["accept", "verify", "continue"]
            .into_iter()
            .find_map(answer);
        button
            .or_else(|| form.buttons.first())
            .map(|button| (form, button))
    }

    fn submit(&self, here: &Url, form: &Form, button: &Button) -> Visit {
        let mut fields = form.fields.clone();
        if let Some(code) = &self.user_code {
            fields
                .iter_mut()
                .filter(|(name, _)| name == "user_code")
                .for_each(|(_, typed)| typed.clone_from(code));
        }
        let stays_ticked = |value: &str| {
            !self
                .unticks
                .iter()
                .any(|scope| value.ends_with(scope.as_str()))
        };
        fields.extend(
            form.checkboxes
                .iter()
                .filter(|(_, value)| stays_ticked(value))
                .cloned(),
        );
        if !button.name.is_empty() {
            fields.push((button.name.clone(), button.value.clone()));
        }
        let mut url = here.join(&form.action).unwrap_or_else(|_| here.clone());
        if form.is_post {
            return Visit {
                url,
                form: Some(fields),
                from: Some(here.origin()),
            };
        }
        url.query_pairs_mut().clear().extend_pairs(fields);
        Visit {
            url,
            form: None,
            from: Some(here.origin()),
        }
    }

    async fn load(&self, visit: &Visit) -> reqwest::Result<reqwest::Response> {
        let method = if visit.form.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = self
            .client
            .request(method, visit.url.clone())
            .headers(self.headers(visit));
        if let Some(form) = &visit.form {
            request = request.form(form);
        }
        let response = request.send().await?;
        self.keep_cookies(&visit.url, response.headers());
        Ok(response)
    }

    fn headers(&self, visit: &Visit) -> HeaderMap {
        let is_same = visit
            .from
            .as_ref()
            .is_some_and(|from| *from == visit.url.origin());
        let site = match &visit.from {
            None => "none",
            Some(_) if is_same => "same-origin",
            Some(_) => "cross-site",
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"),
        );
        headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        headers.insert("sec-fetch-dest", HeaderValue::from_static("document"));
        headers.insert("upgrade-insecure-requests", HeaderValue::from_static("1"));
        if let (Some(_), Some(from)) = (&visit.form, &visit.from) {
            let hidden = self.hides_origin && !is_same;
            let origin = if hidden {
                "null".to_owned()
            } else {
                from.ascii_serialization()
            };
            headers.insert(
                header::ORIGIN,
                HeaderValue::from_str(&origin).expect("an origin is ASCII"),
            );
        }
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cookies) = cookies.get(&visit.url.origin().ascii_serialization()) {
            let pairs: Vec<String> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if let Ok(value) = HeaderValue::from_str(&pairs.join("; ")) {
                headers.insert(header::COOKIE, value);
            }
        }
        headers
    }

    fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in headers.get_all(header::SET_COOKIE) {
            let pair = cookie
                .to_str()
                .ok()
                .and_then(|cookie| cookie.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                let kept = cookies
                    .entry(url.origin().ascii_serialization())
                    .or_default();
                kept.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
