//! The clipboard, written only from here: the web view neither reads nor writes it.

use std::sync::{Arc, Mutex, PoisonError};

use mcm_core::error::{Code, Error, Result};

/// The desktop's clipboard. Kept for the lifetime of the app, because on X11 the program that copied a text has to
/// provide it.
#[derive(Clone, Default)]
pub(crate) struct Clipboard(Arc<Mutex<Option<arboard::Clipboard>>>);

impl Clipboard {
    /// Puts a text on the clipboard.
    pub(crate) async fn write(&self, text: String) -> Result<()> {
        let clipboard = self.clone();
        let written = tokio::task::spawn_blocking(move || clipboard.write_now(text)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed().with_source(error)),
            Err(error) => Err(failed().with_source(error)),
        }
    }

    fn write_now(&self, text: String) -> std::result::Result<(), arboard::Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Opened again after a failure: its display may no longer exist.
        let mut clipboard = kept.take().map_or_else(arboard::Clipboard::new, Ok)?;
        clipboard.set_text(text)?;
        *kept = Some(clipboard);
        Ok(())
    }
}

fn failed() -> Error {
    Error::new(
        Code::Internal,
        "The clipboard is not available, so nothing was copied. Try again.",
    )
}
