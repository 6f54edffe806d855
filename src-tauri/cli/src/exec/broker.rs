//! The accounts that a child works as, and the sessions that may be issued to it now.
//!
//! It answers at once: it waits for a slow keychain or server for less time than any client waits, and issues what is
//! still valid meanwhile. It never issues an expired session, nor one of an account that was disconnected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use mcm_core::account::{Account, AccountId, Cloud, Target};
use mcm_core::app::App;
use mcm_core::credential::Session;
use mcm_core::error::{Code, Error};
use mcm_core::holders::{CutOff, RunningHolder};
use mcm_core::resource::Resource;
use mcm_core::settings::Settings;
use mcm_core::text::shown;
use mcm_core::world::Clock;

use crate::access::Access;
use crate::failure::advised;

/// How long a client may have to wait. The least patient one, the AWS SDK for JavaScript, waits for a second.
const RENEWAL_TIMEOUT: Duration = Duration::from_millis(700);
/// The remaining lifetime that a session needs to be issued when it could not be renewed. Clients take it and ask
/// again: AWS's do so at each request when less than ten minutes remain. A refusal would make them fail while the
/// credential is still valid.
const LAST_MINUTE: Duration = Duration::from_secs(60);

/// Why a revoked program gets nothing.
pub(crate) const REVOKED: &str = "This program was revoked with \"mcm sessions\". Start it again.";

/// Why a program gets nothing after its time in a protected environment.
pub(crate) fn time_is_over(environment: &str) -> String {
    format!(
        "The time in {} is over. Start the program again, and confirm it.",
        shown(environment)
    )
}

/// The account that a child works as in one cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Always the same account, at the target that the user named.
    Account(AccountId, Option<Target>),
    /// The account in use at the moment of a request.
    Active,
}

type Issued = HashMap<(AccountId, Resource), Session>;

/// Issues the sessions of some accounts to one child.
pub(crate) struct Broker {
    app: Arc<App>,
    clock: Arc<dyn Clock>,
    who: HashMap<Cloud, Who>,
    /// The child's program, for the activity log.
    client: String,
    /// The environment that it works in.
    environment: Option<String>,
    /// Its entry in the list of what runs.
    holder: Option<RunningHolder>,
    access: Access,
    /// The sessions issued last, for when the keychain is locked or the network is down.
    served: Mutex<Issued>,
}

/// Why no session was issued.
pub(crate) struct BrokerError {
    /// The error.
    pub(crate) code: Code,
    /// The error and its remedy, for the user of the program that asked.
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
        client: String,
        environment: Option<String>,
        holder: Option<RunningHolder>,
        access: Access,
    ) -> Self {
        Self {
            app,
            clock,
            who,
            client,
            environment,
            holder,
            access,
            served: Mutex::default(),
        }
    }

    /// Keeps an account's session from the start of the command.
    pub(crate) fn keep(&self, account: &Account, resource: Resource, session: Session) {
        self.served()
            .insert((account.id.clone(), resource), session);
    }

    /// The current time, to compute a remaining lifetime.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.app.settings()
    }

    /// A session of the cloud's account for the management plane, or for the resource that the program names. It has
    /// not expired.
    pub(crate) async fn issue(
        &self,
        cloud: Cloud,
        resource: Option<&str>,
    ) -> Result<(Account, Session), BrokerError> {
        self.require_holder()?;
        let account = self.account(cloud)?;
        let resource = match resource {
            Some(text) => self.app.resource(&account.id, text)?,
            None => self.access.resource(&account)?,
        };
        match self.ask(&account, &resource).await {
            Ok(session) => {
                if let Some(holder) = &self.holder {
                    holder.record(&account, session.times.expires_at, self.clock.now());
                }
                self.served()
                    .insert((account.id.clone(), resource), session.clone());
                Ok((account, session))
            }
            Err(error) => match self.issued_before(&account, resource, error.code()) {
                Some(session) => Ok((account, session)),
                None => Err(BrokerError {
                    code: error.code(),
                    message: advised(&account, &error),
                }),
            },
        }
    }

    /// Whether the program may still have anything.
    fn require_holder(&self) -> Result<(), BrokerError> {
        let cut_off = self
            .holder
            .as_ref()
            .and_then(|holder| holder.cut_off(self.clock.now()));
        let message = match cut_off {
            None => return Ok(()),
            Some(CutOff::Revoked) => REVOKED.to_owned(),
            Some(CutOff::Over) => {
                time_is_over(self.environment.as_deref().unwrap_or("the environment"))
            }
        };
        Err(Error::new(Code::Unsupported, message).into())
    }

    fn account(&self, cloud: Cloud) -> Result<Account, BrokerError> {
        // Another process may have switched accounts, or disconnected this one.
        self.app.reload();
        match self.who.get(&cloud) {
            Some(Who::Account(id, target)) => {
                let account = self.app.named(id.as_str())?;
                Ok(match target {
                    Some(target) => account.at_target(target.clone()),
                    None => account,
                })
            }
            Some(Who::Active) => Ok(self.app.active(cloud)?),
            None => {
                let message = format!(
                    "No {} account was given to mcm exec. Name one, and start the program again.",
                    cloud.title()
                );
                Err(Error::new(Code::NotFound, message).into())
            }
        }
    }

    async fn ask(&self, account: &Account, resource: &Resource) -> Result<Session, Error> {
        // In a task of its own, which goes on when nothing waits for it.
        let (app, id, client) = (self.app.clone(), account.id.clone(), self.client.clone());
        let (resource, environment) = (resource.clone(), self.environment.clone());
        let asked = tokio::spawn(async move {
            app.issue_in(&id, &resource, &client, environment.as_deref())
                .await
        });
        // The app refuses a session that was over on arrival.
        match tokio::time::timeout(RENEWAL_TIMEOUT, asked).await {
            Ok(answered) => answered.map_err(|error| {
                Error::new(
                    Code::Internal,
                    "The session could not be read. Run the command again.",
                )
                .with_source(error)
            })?,
            Err(_) => {
                let message = format!(
                    "The session of {} is being renewed. Try again in a moment.",
                    account.name()
                );
                Err(Error::new(Code::Busy, message))
            }
        }
    }

    /// The account's last issued session, if it is valid for another minute and the account is unchanged.
    fn issued_before(&self, account: &Account, resource: Resource, code: Code) -> Option<Session> {
        if code == Code::NotFound {
            return None;
        }
        let ends_after = self.clock.now() + LAST_MINUTE;
        let is_good = |session: &&Session| {
            session.generation == account.generation && session.times.expires_at > ends_after
        };
        self.served()
            .get(&(account.id.clone(), resource))
            .filter(is_good)
            .cloned()
    }

    fn served(&self) -> MutexGuard<'_, Issued> {
        self.served
            .lock()
            .expect("no code panics while it holds this lock")
    }
}
