//! The product without a window: accounts, sessions, sign-in and the keychain, for the app and for `mcm`.
//!
//! `app` holds the use cases and is the public interface; ARCHITECTURE.md has the map and the rules on which
//! module may use which.

pub mod account;
pub mod activity;
pub mod app;
pub mod aws_files;
pub mod backup;
pub mod browser;
pub mod claims;
pub mod cluster;
pub mod confirmations;
pub mod credential;
pub mod device;
mod digest;
pub mod environment;
pub mod error;
pub mod file;
pub mod folder_file;
pub mod guid;
pub mod holders;
pub mod http;
pub mod id_token;
pub mod import;
pub mod kubeconfig_paths;
pub mod logging;
pub mod loopback;
pub mod memory;
pub mod oauth;
pub mod other_tools;
pub mod provider;
pub mod random;
pub mod redirect;
pub mod resource;
pub mod role;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod signals;
pub mod snapshot;
pub mod store;
mod surroundings;
pub mod testing;
pub mod text;
pub mod user_kubeconfig;
pub mod vault;
pub mod words;
pub mod world;
