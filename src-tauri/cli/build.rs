//! How `mcm` is linked.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads cargo's variables"
)]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    // Every call is a new process, and the loader of the whole program applies 34,000 relative relocations before it
    // begins. Packed, they take 10 KiB instead of 800 KiB of reading. glibc reads the packed form from 2.36 on.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
