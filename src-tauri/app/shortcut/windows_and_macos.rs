//! Listening on Windows and macOS, through the crate `global-hotkey`. On the main thread, whose loop receives the
//! keys.

use std::cell::RefCell;

use global_hotkey::hotkey::{Code, HotKey, Modifiers};
use global_hotkey::{GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};

use super::ShortcutError;
use super::keys::{Key, Keys};

thread_local! {
    /// On Windows a window belongs to the thread that made it, and the keys come to that window. So it stays there.
    #[allow(
        clippy::missing_const_for_thread_local,
        reason = "it is const, which Clippy overlooks with a standard library that was built from source"
    )]
    static REGISTRATION: RefCell<Option<Registration>> = const { RefCell::new(None) };
}

struct Registration {
    manager: GlobalHotKeyManager,
    registered: Option<(Keys, HotKey)>,
}

/// Proof that the listener started. Its methods are for the main thread, where `open` was called.
pub(super) struct Listener;

impl Listener {
    /// `pressed` is called at each press; the time is for X servers only.
    pub(super) fn open(
        pressed: impl Fn(u32) + Send + Sync + 'static,
    ) -> Result<Self, ShortcutError> {
        let manager = GlobalHotKeyManager::new()
            .map_err(|error| ShortcutError::Unreachable(Box::new(error)))?;
        GlobalHotKeyEvent::set_event_handler(Some(move |event: GlobalHotKeyEvent| {
            if event.state == HotKeyState::Pressed {
                pressed(0);
            }
        }));
        REGISTRATION.set(Some(Registration {
            manager,
            registered: None,
        }));
        Ok(Self)
    }

    /// Listens for other keys, or for none. If they are not available, the old ones stay.
    pub(super) fn listen(&self, keys: Option<Keys>) -> Result<(), ShortcutError> {
        REGISTRATION.with_borrow_mut(|registration| match registration {
            Some(registration) => registration.listen(keys),
            None => Err(ShortcutError::Unreachable(
                "the keys belong to another thread".into(),
            )),
        })
    }
}

impl Registration {
    fn listen(&mut self, keys: Option<Keys>) -> Result<(), ShortcutError> {
        if self.registered.map(|(keys, _)| keys) == keys {
            return Ok(());
        }
        let next = keys.map(|keys| (keys, hot_key(keys)));
        if let Some((_, hot_key)) = next {
            self.manager.register(hot_key).map_err(refused)?;
        }
        if let Some((_, last)) = std::mem::replace(&mut self.registered, next) {
            // Fails only for keys that are not registered.
            let _ = self.manager.unregister(last);
        }
        Ok(())
    }
}

fn refused(error: global_hotkey::Error) -> ShortcutError {
    match error {
        global_hotkey::Error::AlreadyRegistered(_) => ShortcutError::Taken,
        error => ShortcutError::Unreachable(Box::new(error)),
    }
}

fn hot_key(keys: Keys) -> HotKey {
    let mut modifiers = Modifiers::empty();
    for (held, modifier) in [
        (keys.ctrl, Modifiers::CONTROL),
        (keys.alt, Modifiers::ALT),
        (keys.shift, Modifiers::SHIFT),
        (keys.system, Modifiers::META),
    ] {
        modifiers.set(modifier, held);
    }
    let name = match keys.key {
        Key::Character(byte @ b'0'..=b'9') => format!("Digit{}", char::from(byte)),
        Key::Character(byte) => format!("Key{}", char::from(byte)),
        Key::Function(number) => format!("F{number}"),
        Key::Space => "Space".to_owned(),
    };
    let code: Code = name
        .parse()
        .expect("the names of the UI Events specification");
    HotKey::new(Some(modifiers), code)
}
