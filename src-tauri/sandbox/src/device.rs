//! Device authorisation (RFC 8628) as far as clouds agree about it: devices that wait, and codes that users type.
//!
//! `R` is what the device asked for, `A` what a user's approval brings. Answers and errors are each cloud's own.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::identifier::user_code;

/// The devices that wait for a user.
pub(crate) struct Devices<R, A> {
    life: Duration,
    waiting: HashMap<String, Device<R, A>>,
}

struct Device<R, A> {
    user_code: String,
    request: R,
    expires: Timestamp,
    last_poll: Option<Timestamp>,
    /// The user's decision, once there is one.
    decision: Option<Option<A>>,
}

/// The answer to a device that asks about its sign-in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Poll<A> {
    /// The user has not decided yet.
    Pending,
    /// As before, and the device asks too often.
    TooFast,
    /// The user said no.
    Declined,
    /// Too late.
    Expired,
    /// There is no such device code, or it was used before.
    Unknown,
    /// The user said yes.
    Approved(A),
}

impl<R: Clone, A> Devices<R, A> {
    /// Codes last this long.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            life,
            waiting: HashMap::new(),
        }
    }

    pub(crate) fn life(&self) -> Duration {
        self.life
    }

    /// Lets a device wait; returns the code that a user types.
    pub(crate) fn add(&mut self, device_code: String, request: R, now: Timestamp) -> String {
        let user_code = user_code();
        let device = Device {
            user_code: user_code.clone(),
            request,
            expires: now + self.life,
            last_poll: None,
            decision: None,
        };
        self.waiting.insert(device_code, device);
        user_code
    }

    /// The device that shows this code, typed with or without its dash and in any case.
    pub(crate) fn find(&self, typed: &str, now: Timestamp) -> Option<(String, R)> {
        let plain = |code: &str| code.replace(['-', ' '], "").to_ascii_uppercase();
        let is_meant = |device: &Device<R, A>| {
            plain(&device.user_code) == plain(typed)
                && now < device.expires
                && device.decision.is_none()
        };
        let (code, device) = self.waiting.iter().find(|(_, device)| is_meant(device))?;
        Some((code.clone(), device.request.clone()))
    }

    /// Notes what the user decided: an approval, or a refusal.
    pub(crate) fn decide(&mut self, device_code: &str, decision: Option<A>) {
        if let Some(device) = self.waiting.get_mut(device_code) {
            device.decision = Some(decision);
        }
    }

    /// A device asks how things are. An answer other than "not yet" ends the wait.
    pub(crate) fn poll(
        &mut self,
        device_code: &str,
        interval: Duration,
        now: Timestamp,
    ) -> Poll<A> {
        let Some(device) = self.waiting.get_mut(device_code) else {
            return Poll::Unknown;
        };
        let is_early = device.last_poll.is_some_and(|last| now < last + interval);
        device.last_poll = Some(now);
        let outcome = match device.decision.take() {
            Some(Some(approval)) => Poll::Approved(approval),
            Some(None) => Poll::Declined,
            None if now >= device.expires => Poll::Expired,
            None if is_early => return Poll::TooFast,
            None => return Poll::Pending,
        };
        self.waiting.remove(device_code);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn devices() -> (Devices<(), &'static str>, String) {
        let mut devices = Devices::new(Duration::from_secs(900));
        let typed = devices.add("device".to_owned(), (), at(0));
        (devices, typed)
    }

    #[test]
    fn a_device_waits_until_the_user_decides_and_is_answered_once() {
        let (mut devices, typed) = devices();
        assert_eq!(devices.poll("device", INTERVAL, at(0)), Poll::Pending);
        assert_eq!(devices.poll("device", INTERVAL, at(4)), Poll::TooFast);
        assert_eq!(devices.poll("device", INTERVAL, at(9)), Poll::Pending);
        let (code, ()) = devices
            .find(&typed.to_lowercase().replace('-', ""), at(9))
            .expect("it waits");
        devices.decide(&code, Some("yes"));
        assert_eq!(
            devices.poll("device", INTERVAL, at(10)),
            Poll::Approved("yes")
        );
        assert_eq!(devices.poll("device", INTERVAL, at(20)), Poll::Unknown);
    }

    #[test]
    fn a_code_is_not_good_for_ever_nor_twice() {
        let (mut devices, typed) = devices();
        assert_eq!(devices.find(&typed, at(900)), None);
        assert_eq!(devices.poll("device", INTERVAL, at(900)), Poll::Expired);

        let typed = devices.add("another".to_owned(), (), at(0));
        devices.decide("another", None);
        assert_eq!(devices.find(&typed, at(1)), None);
        assert_eq!(devices.poll("another", INTERVAL, at(1)), Poll::Declined);
    }
}
