//! Listening on Windows and macOS, by the crate `global-hotkey`. On the main thread, whose loop hears the keys.

use std::sync::Mutex;

use global_hotkey::hotkey::{Code, HotKey, Modifiers};
use global_hotkey::{GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};

use super::ShortcutError;
use super::keys::{Key, Keys};

/// What keys are asked for at.
pub(super) struct Listener {
    manager: GlobalHotKeyManager,
    registered: Mutex<Option<(Keys, HotKey)>>,
}

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
        Ok(Self {
            manager,
            registered: Mutex::new(None),
        })
    }

    /// Listens for other keys, or for none. When they cannot be had, those before stay.
    pub(super) fn listen(&self, keys: Option<Keys>) -> Result<(), ShortcutError> {
        let mut registered = self
            .registered
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if registered.map(|(keys, _)| keys) == keys {
            return Ok(());
        }
        let next = keys.map(|keys| (keys, hot_key(keys)));
        if let Some((_, hot_key)) = next {
            self.manager.register(hot_key).map_err(refused)?;
        }
        if let Some((_, last)) = std::mem::replace(&mut *registered, next) {
            // Fails only for what is not registered.
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
        (keys.system, Modifiers::SUPER),
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
