//! Who a child works as, and what may be lent to it now.
//!
//! It answers at once: a keychain or a server that takes its time is waited for less long than any client waits, and
//! what is still valid is lent meanwhile. It never lends what is over, and nothing of an account that was disconnected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::App;
use mcm_core::credential::Session;
use mcm_core::error::{Code, Error};
use mcm_core::resource::Resource;
use mcm_core::settings::Settings;
use mcm_core::world::Clock;

use crate::failure::advised;

/// How long a client may have to wait. The most impatient one, the AWS SDK for JavaScript, waits for a second.
const RENEWAL_TIMEOUT: Duration = Duration::from_millis(700);
/// What a session that could not be renewed must have left to be lent all the same. Clients take it and ask again: those
/// of AWS at each request when less than ten minutes are left, and refused then they fail, with a credential that is good.
const LAST_MINUTE: Duration = Duration::from_secs(60);

/// Whom a child works as in one cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Always the same account.
    Account(AccountId),
    /// Whatever account is in use at the moment of a request.
    Active,
}

type Lent = HashMap<(AccountId, Resource), Session>;

/// Lends the sessions of some accounts to one child.
pub(crate) struct Broker {
    app: Arc<App>,
    clock: Arc<dyn Clock>,
    who: HashMap<Cloud, Who>,
    /// The program that borrows, for the activity log.
    borrower: String,
    /// What was lent last, for when the keychain is locked or the network is gone.
    lent: Mutex<Lent>,
}

/// Why nothing was lent.
pub(crate) struct BrokerError {
    /// What went wrong.
    pub(crate) code: Code,
    /// What happened and what to do, for the person in front of the program that asked.
    pub(crate) message: String,
}

impl BrokerError {
    /// Whether the same request may succeed in a moment.
    pub(crate) fn is_soon_over(&self) -> bool {
        self.code == Code::Busy
    }
}

impl From<Error> for BrokerError {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            message: error.message().to_owned(),
        }
    }
}

impl Broker {
    pub(crate) fn new(
        app: Arc<App>,
        clock: Arc<dyn Clock>,
        who: HashMap<Cloud, Who>,
        borrower: String,
    ) -> Self {
        Self {
            app,
            clock,
            who,
            borrower,
            lent: Mutex::default(),
        }
    }

    /// Keeps what an account has when the command starts.
    pub(crate) fn keep(&self, account: &Account, session: Session) {
        self.lent()
            .insert((account.id.clone(), Resource::Management), session);
    }

    /// Now, for telling how long something lives.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.app.settings()
    }

    /// A session of the cloud's account for managing its resources, or for the resource that the program names. It is
    /// not over.
    pub(crate) async fn lend(
        &self,
        cloud: Cloud,
        resource: Option<&str>,
    ) -> Result<(Account, Session), BrokerError> {
        let account = self.account(cloud)?;
        let resource = match resource {
            Some(text) => self.app.resource(&account.id, text)?,
            None => Resource::Management,
        };
        match self.ask(&account, &resource).await {
            Ok(session) => {
                self.lent()
                    .insert((account.id.clone(), resource), session.clone());
                Ok((account, session))
            }
            Err(error) => match self.lent_before(&account, resource, error.code()) {
                Some(session) => Ok((account, session)),
                None => Err(BrokerError {
                    code: error.code(),
                    message: advised(&account, &error),
                }),
            },
        }
    }

    fn account(&self, cloud: Cloud) -> Result<Account, BrokerError> {
        // Another process may have chosen another account, or signed out of this one.
        self.app.reload();
        match self.who.get(&cloud) {
            Some(Who::Account(id)) => Ok(self.app.named(id.as_str())?),
            Some(Who::Active) => Ok(self.app.active(cloud)?),
            None => Err(Error::new(
                Code::NotFound,
                "This program was started without that cloud.",
            )
            .into()),
        }
    }

    async fn ask(&self, account: &Account, resource: &Resource) -> Result<Session, Error> {
        // In a task of its own, which goes on when nobody waits for it any more.
        let (app, id, borrower) = (self.app.clone(), account.id.clone(), self.borrower.clone());
        let resource = resource.clone();
        let asked = tokio::spawn(async move { app.hand_out_for(&id, &resource, &borrower).await });
        let session = match tokio::time::timeout(RENEWAL_TIMEOUT, asked).await {
            Ok(answered) => answered.map_err(|error| {
                Error::new(Code::Internal, "The session could not be read. Try again.")
                    .with_source(error)
            })??,
            Err(_) => {
                let message = format!(
                    "The session of {} is being renewed. Try again in a moment.",
                    account.name()
                );
                return Err(Error::new(Code::Busy, message));
            }
        };
        if session.times.expires_at <= self.clock.now() {
            let message = format!(
                "The session that {} gives to {} is over already. Check this machine's clock.",
                account.cloud().title(),
                account.name()
            );
            return Err(Error::new(Code::ClockOff, message));
        }
        Ok(session)
    }

    /// What the account's program has already, when it is good for another minute and the account still stands.
    fn lent_before(&self, account: &Account, resource: Resource, code: Code) -> Option<Session> {
        if code == Code::NotFound {
            return None;
        }
        let ends_after = self.clock.now() + LAST_MINUTE;
        let is_good = |session: &&Session| {
            session.generation == account.generation && session.times.expires_at > ends_after
        };
        self.lent()
            .get(&(account.id.clone(), resource))
            .filter(is_good)
            .cloned()
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.lent
            .lock()
            .expect("no code panics while it holds this lock")
    }
}
