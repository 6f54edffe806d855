//! Any text made safe to show: one short line, nothing that moves or hides, and the same when it is done again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcm_core::text::shown;

fuzz_target!(|input: &str| {
    let text = shown(input);
    assert!(text.chars().count() <= 256);
    assert!(!text.chars().any(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')));
    assert_eq!(shown(&text), text);
});
