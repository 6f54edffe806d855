//! Listening on an X server: the keys are grabbed at the root window, and one thread waits for them.
//!
//! The crate `global-hotkey` does the same by polling twenty times a second, and reports success without an X server.

use std::sync::{Arc, Mutex, PoisonError};

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{ConnectionExt as _, GrabMode, Keycode, ModMask, Window};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::ShortcutError;
use super::keys::{Key, Keys};

/// X counts a lock that is on as a modifier held: Num Lock is the second, Caps Lock has a bit of its own.
const LOCKS: [u16; 4] = [0, NUM_LOCK, CAPS_LOCK, NUM_LOCK | CAPS_LOCK];
const NUM_LOCK: u16 = 1 << 4;
const CAPS_LOCK: u16 = 1 << 1;

/// A connection that grabs keys, for the lifetime of the process.
pub(super) struct Listener(Arc<Shared>);

struct Shared {
    connection: RustConnection,
    root: Window,
    grabbed: Mutex<Option<Grab>>,
}

#[derive(Clone, Copy)]
struct Grab {
    keys: Keys,
    keycode: Keycode,
}

impl Listener {
    /// Connects. `pressed` is called, on a thread of its own, with the server's time of each press.
    pub(super) fn open(pressed: impl Fn(u32) + Send + 'static) -> Result<Self, ShortcutError> {
        let (connection, screen) = RustConnection::connect(None).map_err(unreachable)?;
        let root = connection.setup().roots[screen].root;
        let shared = Arc::new(Shared {
            connection,
            root,
            grabbed: Mutex::new(None),
        });
        let waiting = shared.clone();
        std::thread::Builder::new()
            .name("shortcut".into())
            .spawn(move || waiting.wait(&pressed))
            .map_err(unreachable)?;
        Ok(Self(shared))
    }

    /// Listens for other keys, or for none. If they are not available, the old ones stay.
    pub(super) fn listen(&self, keys: Option<Keys>) -> Result<(), ShortcutError> {
        let mut grabbed = self
            .0
            .grabbed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if grabbed.map(|grab| grab.keys) == keys {
            return Ok(());
        }
        let next = keys.map(|keys| self.0.grab(keys)).transpose()?;
        if let Some(last) = std::mem::replace(&mut *grabbed, next) {
            self.0.release(last);
        }
        Ok(())
    }
}

impl Shared {
    fn wait(&self, pressed: &impl Fn(u32)) {
        // A key that is held down is reported as released and pressed again, at one time.
        let mut released_at = None;
        loop {
            match self.connection.wait_for_event() {
                Ok(Event::KeyPress(event)) if released_at != Some(event.time) => {
                    pressed(event.time);
                }
                Ok(Event::KeyRelease(event)) => released_at = Some(event.time),
                Ok(Event::MappingNotify(_)) => self.follow_layout(),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the shortcut no longer works");
                    return;
                }
            }
        }
    }

    /// In another layout the key may be elsewhere.
    fn follow_layout(&self) {
        let mut grabbed = self.grabbed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = *grabbed else { return };
        if self
            .keycode(last.keys.key)
            .is_ok_and(|keycode| keycode == last.keycode)
        {
            return;
        }
        self.release(last);
        *grabbed = self.grab(last.keys).ok();
        if grabbed.is_none() {
            tracing::warn!(keys = %last.keys, "the new keyboard layout has no such shortcut, or another program uses it");
        }
    }

    fn grab(&self, keys: Keys) -> Result<Grab, ShortcutError> {
        let grab = Grab {
            keys,
            keycode: self.keycode(keys.key)?,
        };
        for lock in LOCKS {
            let modifiers = ModMask::from(modifiers(keys) | lock);
            let asked = self
                .connection
                .grab_key(
                    false,
                    self.root,
                    modifiers,
                    grab.keycode,
                    GrabMode::ASYNC,
                    GrabMode::ASYNC,
                )
                .map_err(unreachable)?;
            if let Err(error) = asked.check() {
                // Frees only what is ours.
                self.release(grab);
                return Err(match error {
                    ReplyError::X11Error(error) if error.error_kind == ErrorKind::Access => {
                        ShortcutError::Taken
                    }
                    error => unreachable(error),
                });
            }
        }
        Ok(grab)
    }

    fn release(&self, grab: Grab) {
        for lock in LOCKS {
            let modifiers = ModMask::from(modifiers(grab.keys) | lock);
            if let Ok(asked) = self
                .connection
                .ungrab_key(grab.keycode, self.root, modifiers)
            {
                asked.ignore_error();
            }
        }
        // Fails only when the server is gone, and the grabs with it.
        let _ = self.connection.flush();
    }

    /// The key of a letter, in any layout.
    fn keycode(&self, key: Key) -> Result<Keycode, ShortcutError> {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let mapping = self
            .connection
            .get_keyboard_mapping(first, last - first + 1)
            .map_err(unreachable)?
            .reply()
            .map_err(unreachable)?;
        let per_key = usize::from(mapping.keysyms_per_keycode).max(1);
        let wanted = keysym(key);
        (first..=last)
            .zip(mapping.keysyms.chunks(per_key))
            .find(|(_, symbols)| symbols.contains(&wanted))
            .map(|(keycode, _)| keycode)
            .ok_or(ShortcutError::NoSuchKey)
    }
}

fn modifiers(keys: Keys) -> u16 {
    [
        (keys.shift, ModMask::SHIFT),
        (keys.ctrl, ModMask::CONTROL),
        (keys.alt, ModMask::M1),
        (keys.system, ModMask::M4),
    ]
    .into_iter()
    .filter(|(held, _)| *held)
    .fold(0, |mask, (_, bit)| mask | u16::from(bit))
}

/// The symbol of a key (X Window System Protocol, appendix A): Latin-1 for what is printed, F1 at 0xffbe.
fn keysym(key: Key) -> u32 {
    match key {
        Key::Character(byte) => u32::from(byte.to_ascii_lowercase()),
        Key::Function(number) => 0xffbe - 1 + u32::from(number),
        Key::Space => u32::from(b' '),
    }
}

fn unreachable(error: impl std::error::Error + Send + Sync + 'static) -> ShortcutError {
    ShortcutError::Unreachable(Box::new(error))
}
