//! Files of the repository that tests generate: the manual page, the references and the completion scripts.
//!
//! The program contains none of this.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Fails when a committed file differs from the definitions, after rewriting it.
pub(crate) fn hold_committed(path: &str, text: &[u8]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    if std::fs::read(&file).ok().as_deref() != Some(text) {
        File::create(&file)
            .and_then(|mut file| file.write_all(text))
            .expect("the folder is there");
        panic!("{path} was out of date and has been rewritten. Add it to the commit.");
    }
}
