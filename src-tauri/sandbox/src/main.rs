//! `sandbox-clouds`: runs the stand-in clouds, and a scripted browser for them.
//!
//! `serve` prints the environment that points the app at the sandbox and runs until it is stopped. `browse`
//! signs a user in; called with nothing but an address it does the same, so the program can be `$BROWSER`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Options, Ports, Sandbox};

/// Azure, Google Cloud and AWS on this machine, for demos and tests.
#[derive(Parser)]
#[command(arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start every cloud and keep on until SIGINT or SIGTERM.
    Serve(Serve),
    /// Sign a user in by way of the pages of a sandbox. An address alone, as $BROWSER gets one, does the same.
    Browse(Browse),
}

#[derive(Args)]
struct Serve {
    /// The first port; the servers take it and those that follow. Free ports when left out.
    #[arg(long, value_name = "PORT")]
    ports_from: Option<u16>,
    /// Also write the environment to this file, which appears complete or not at all.
    #[arg(long, value_name = "FILE")]
    print_env: Option<PathBuf>,
}

#[derive(Args)]
struct Browse {
    /// The address that the app wants opened.
    #[arg(value_parser = web_address)]
    url: String,
    /// Who sits in front of the browser; the first on the page when left out.
    #[arg(long, env = "SANDBOX_USER", value_name = "EMAIL")]
    user: Option<String>,
    /// Press Cancel on the consent page.
    #[arg(long, env = "SANDBOX_REFUSE", value_parser = FalseyValueParser::new())]
    refuse: bool,
    /// The program that gets the address when the sign-in ends at a custom scheme.
    #[arg(
        long,
        env = "SANDBOX_OPEN_WITH",
        value_name = "PROGRAM",
        default_value = "xdg-open"
    )]
    open_with: PathBuf,
}

fn web_address(text: &str) -> Result<String, &'static str> {
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    if is_web {
        Ok(text.to_owned())
    } else {
        Err("an address begins with http:// or https://")
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let is_address = |word: &OsString| word.to_str().is_some_and(|word| web_address(word).is_ok());
    if words.get(1).is_some_and(is_address) {
        words.insert(1, "browse".into());
    }
    let result = match Arguments::parse_from(words).action {
        Action::Serve(serve) => run(&serve).await,
        Action::Browse(browse) => sign_in(&browse).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be printed when standard error is closed too.
            let _ = writeln!(io::stderr(), "sandbox-clouds: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(serve: &Serve) -> io::Result<()> {
    let ports = serve.ports_from.map_or(Ports::Random, Ports::From);
    let stop = stop_signal()?;
    let clouds = Sandbox::start(Options {
        ports,
        ..Options::default()
    })
    .await?;
    let mut lines = String::new();
    for (name, value) in clouds.environment() {
        lines.push_str(&format!("{name}={value}\n"));
    }
    if let Some(path) = &serve.print_env {
        write_whole(path, &lines)?;
    }
    io::stdout().write_all(lines.as_bytes())?;
    io::stdout().flush()?;
    stop.await;
    Ok(())
}

/// Ends with the first SIGINT or SIGTERM; set up before anything starts.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the default one ends the process, which is what is wanted.
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    File::create(&unfinished)?.write_all(text.as_bytes())?;
    std::fs::rename(unfinished, path)
}

async fn sign_in(browse: &Browse) -> io::Result<()> {
    let mut browser = Browser::new();
    if let Some(user) = &browse.user {
        browser = browser.as_user(user);
    }
    if browse.refuse {
        browser = browser.refuse_consent();
    }
    match browser.browse(&browse.url).await {
        Landing::Redirect(url) => {
            let status = Command::new(&browse.open_with).arg(url.as_str()).status()?;
            let failed = || {
                io::Error::other(format!(
                    "{} ended with {status}",
                    browse.open_with.display()
                ))
            };
            if status.success() {
                Ok(())
            } else {
                Err(failed())
            }
        }
        Landing::Page {
            status: 200..300,
            text,
        } => writeln!(io::stdout(), "{text}"),
        Landing::Page { status, text } => Err(io::Error::other(format!(
            "the app answered {status}: {text}"
        ))),
        Landing::ErrorPage(text) => Err(io::Error::other(format!("the cloud refused: {text}"))),
        Landing::GaveUp => Ok(()),
        Landing::Unreachable(reason) => Err(io::Error::other(reason)),
    }
}
