//! The pending flows behind both receivers: opening, answering and ending them.
//!
//! Every change happens here, under one lock that is never held over an await. `accept.rs` checks the arrivals. Only
//! `redirect.rs` and the listener use this file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{oneshot, watch};

use super::accept::{Arrival, Ended, Ending, FlowId, Pending, Reason, Verdict, accept};
use super::page::Page;
use super::{AuthorizationResponse, Delivered, Issuer, Receiver, SIGN_IN_TIMEOUT};
use crate::account::Cloud;
use crate::error::{Code, Error, Result};
use crate::random;
use crate::world::Clock;

/// The number of flows that may wait at once; one more drops the oldest.
const MOST_PENDING: usize = 8;

/// The number of ended flows that are remembered, to distinguish a late or repeated response from an unknown one.
const MOST_ENDED: usize = 32;

/// The shortest time between two log lines about ignored arrivals.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// The state that both receivers share.
pub(super) struct PendingFlows {
    pub(super) clock: Arc<dyn Clock>,
    /// The number of open listeners.
    pub(super) listeners: watch::Sender<usize>,
    flows: Mutex<Flows>,
}

#[derive(Default)]
struct Flows {
    last: u64,
    pending: Vec<Pending>,
    waiters: HashMap<FlowId, Waiter>,
    ended: Vec<Ended>,
    ignored: Ignored,
}

/// The two that wait for the end of a flow: the caller of `answer`, and the listener.
struct Waiter {
    outcome: oneshot::Sender<Result<AuthorizationResponse>>,
    phase: watch::Sender<Phase>,
}

/// The next step of a flow's listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Wait for the response.
    PendingFlow,
    /// The flow has ended: show this page to the user, then close.
    Closing(Page),
    /// Close now.
    Gone,
}

/// A flow that was just opened.
pub(super) struct Opened {
    pub(super) flow: FlowId,
    pub(super) state: SecretString,
    pub(super) expires_at: Timestamp,
    pub(super) outcome: oneshot::Receiver<Result<AuthorizationResponse>>,
    pub(super) phase: watch::Receiver<Phase>,
}

impl PendingFlows {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            listeners: watch::Sender::new(0),
            flows: Mutex::default(),
        }
    }

    /// Opens a flow; drops the oldest when there are too many.
    pub(super) fn open(&self, cloud: Cloud, receiver: &Receiver, issuer: Issuer) -> Opened {
        let now = self.clock.now();
        let mut flows = self.flows();
        // The oldest is also the first to expire, so no flow is dropped while an expired one stays.
        if flows.pending.len() >= MOST_PENDING {
            let oldest = flows.pending[0].flow;
            flows.end(oldest, Ending::Displaced);
        }
        flows.last += 1;
        let flow = FlowId::new(flows.last);
        let state = SecretString::from(format!("{}.{}", flows.last, random::token(32)));
        let expires_at = now + SIGN_IN_TIMEOUT;
        let (outcome, answer) = oneshot::channel();
        let (phase, phases) = watch::channel(Phase::PendingFlow);
        flows.pending.push(Pending {
            flow,
            cloud,
            state: state.clone(),
            receiver: receiver.clone(),
            issuer,
            expires_at,
        });
        flows.waiters.insert(flow, Waiter { outcome, phase });
        Opened {
            flow,
            state,
            expires_at,
            outcome: answer,
            phase: phases,
        }
    }

    /// Checks an arrival and acts on the verdict.
    pub(super) fn deliver(&self, arrival: &Arrival<'_>) -> Delivered {
        let now = self.clock.now();
        let mut flows = self.flows();
        match accept(arrival, &flows.pending, &flows.ended, now) {
            Verdict::Answered { flow, answer } => {
                let page = match &answer {
                    AuthorizationResponse::Code(_) => Page::Received,
                    AuthorizationResponse::Refused { .. } => Page::Refused,
                };
                flows.close(flow, Ending::Answered, Ok(answer), Phase::Closing(page));
                Delivered::Accepted
            }
            Verdict::Rejected { flow, reason } => {
                let error = Ending::Rejected.to_error();
                flows.close(
                    flow,
                    Ending::Rejected,
                    Err(error),
                    Phase::Closing(Page::Rejected),
                );
                Delivered::Rejected(reason)
            }
            Verdict::Ignored(reason) => {
                flows.ignored.count(reason, now);
                Delivered::Ignored(reason)
            }
        }
    }

    /// Counts a request that was refused before a flow was looked up.
    pub(super) fn ignore(&self, reason: Reason) {
        let now = self.clock.now();
        self.flows().ignored.count(reason, now);
    }

    /// Ends a flow without a response; has no effect when it has already ended.
    pub(super) fn end(&self, flow: FlowId, ending: Ending) {
        self.flows().end(flow, ending);
    }

    fn flows(&self) -> MutexGuard<'_, Flows> {
        // A panic elsewhere leaves complete flows behind: nothing in a change of theirs can panic halfway.
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flows {
    fn end(&mut self, flow: FlowId, ending: Ending) {
        self.close(flow, ending, Err(ending.to_error()), Phase::Gone);
    }

    fn close(
        &mut self,
        flow: FlowId,
        ending: Ending,
        outcome: Result<AuthorizationResponse>,
        phase: Phase,
    ) {
        let Some(place) = self.pending.iter().position(|pending| pending.flow == flow) else {
            return;
        };
        let Pending { cloud, state, .. } = self.pending.remove(place);
        if self.ended.len() >= MOST_ENDED {
            self.ended.remove(0);
        }
        self.ended.push(Ended { state, ending });
        if let Some(waiter) = self.waiters.remove(&flow) {
            // Either may have stopped listening.
            let _ = waiter.outcome.send(outcome);
            let _ = waiter.phase.send(phase);
        }
        tracing::info!(%cloud, ?flow, ?ending, "sign-in redirect closed");
    }
}

impl Ending {
    /// The result for the waiting caller.
    pub(super) fn to_error(self) -> Error {
        match self {
            Self::Answered => Error::new(
                Code::Internal,
                "The response of this sign-in was already used. Start the sign-in again.",
            ),
            Self::Rejected => Error::new(
                Code::SignInRejected,
                "The response did not come from the expected sign-in server, so it was not used. \
                 Start the sign-in again.",
            ),
            Self::Expired => Error::new(
                Code::SignInExpired,
                format!(
                    "The sign-in timed out after {} minutes. Start it again.",
                    SIGN_IN_TIMEOUT.as_secs() / 60
                ),
            ),
            Self::Displaced => Error::new(
                Code::SignInCancelled,
                "Too many sign-ins were waiting, so the oldest was cancelled. Start it again.",
            ),
            Self::Cancelled => Error::new(
                Code::SignInCancelled,
                "The sign-in was cancelled. Start it again.",
            ),
        }
    }
}

/// The number of arrivals that were ignored since the last log line about them.
#[derive(Default)]
struct Ignored {
    count: u64,
    logged_at: Option<Timestamp>,
}

impl Ignored {
    /// Logs at most one line a second, even when the wall clock is set back. The line has the reason, and never the
    /// text.
    fn count(&mut self, reason: Reason, now: Timestamp) {
        self.count = self.count.saturating_add(1);
        let quiet = |last: Timestamp| now >= last && now < last + LOG_INTERVAL;
        if self.logged_at.is_some_and(quiet) {
            return;
        }
        tracing::info!(
            count = self.count,
            last = reason.as_str(),
            "sign-in redirects ignored"
        );
        *self = Self {
            count: 0,
            logged_at: Some(now),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::testing::ManualClock;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_flood_of_arrivals_makes_one_log_line_a_second_without_their_text() {
        // C19
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_max_level(tracing::Level::TRACE)
            .finish();
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let flows = PendingFlows::new(clock.clone());
        tracing::subscriber::with_default(subscriber, || {
            for second in 0..3 {
                for _ in 0..1_000 {
                    flows.deliver(&Arrival::DeepLink(
                        "a.b://c/d?state=canary-state&code=canary-code",
                    ));
                }
                // Also after the clock is set back: the machine's clock may jump.
                let to = if second == 0 { 3_600 } else { 60 };
                clock.set(Timestamp::from_second(to).unwrap());
            }
        });
        let text = log.text();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.contains("count=1000") && text.contains("unknown-state"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn ended_flows_are_forgotten_in_the_end() {
        let flows = PendingFlows::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let receiver = Receiver::DeepLink {
            redirect_uri: "a.b://c/d".into(),
        };
        for _ in 0..100 {
            let opened = flows.open(Cloud::Gcp, &receiver, Issuer::IfPresent("i".into()));
            flows.end(opened.flow, Ending::Cancelled);
        }
        let flows = flows.flows();
        assert_eq!(
            (flows.pending.len(), flows.waiters.len(), flows.ended.len()),
            (0, 0, MOST_ENDED)
        );
    }
}
