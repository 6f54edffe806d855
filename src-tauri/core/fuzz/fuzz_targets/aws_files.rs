//! Any bytes as AWS's config or credentials: no panic in any client's way of reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcm_core::aws_files::{Client, Document, Kind};

fuzz_target!(|input: &[u8]| {
    for client in [Client::Botocore, Client::JavaScript, Client::JavaScript2, Client::Go, Client::Rust] {
        for kind in [Kind::Config, Kind::Credentials] {
            let _ = client.profiles(input, kind);
        }
    }
    let _ = Document::parse(input);
});
