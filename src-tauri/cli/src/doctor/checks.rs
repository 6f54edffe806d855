//! The checks of `mcm doctor`, each with its result and its fix.

#[cfg(test)]
mod tests;

use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use mcm_core::account::Cloud;
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::http::{Dialect, Http, TimeLimits};
use mcm_core::provider::CloudView;
use mcm_core::settings::SettingProblem;
use mcm_core::settings::Settings;
use mcm_core::snapshot::{Snapshot, Status as AccountStatus};
use mcm_core::vault::{Record, Vault};
use mcm_core::world::{Clock, Environment, SCHEME, World};
use url::Url;

use super::Check;
use crate::bigquery_file::BigQueryFile;
use crate::failure::sign_in_advice;
use crate::variables;
use crate::whoami::google;

/// How long a server may take to answer.
const PROBE_LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(5),
};
/// How far the clock may be off before it is a warning, and before servers reject answers for it.
const CLOCK_MENTIONED: Duration = Duration::from_secs(30);
const CLOCK_HARMFUL: Duration = Duration::from_secs(120);
/// Variables that `mcm` reads too, and that do not sign in by themselves.
const SETTINGS: [&str; 2] = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID"];

/// All checks, in the order in which they are shown. The servers are asked at the same time.
pub(super) async fn all(app: &App, world: &World) -> Vec<Check> {
    let snapshot = app.watch().borrow().clone();
    let mut checks = vec![keychain(&world.vault, &*world.clock).await];
    checks.extend(accounts(app, &snapshot));
    checks.extend(database(app));
    checks.extend(left_over_secrets(app));
    checks.extend(
        snapshot
            .problems
            .iter()
            .filter(|_| app.stored().is_ok() && app.write_failure().is_none())
            .map(|problem| {
                Check::fail(
                    "settings.toml",
                    &problem.message,
                    "Fix it. Until then, every setting in the file is ignored.",
                )
            }),
    );
    checks.extend(settings_file(world));
    checks.extend(
        snapshot
            .clouds
            .iter()
            .map(|cloud| settings(cloud, &snapshot)),
    );
    checks.extend(super::hook::check(app, world));
    checks.extend(super::clusters::all(app, world));
    checks.extend(scheme().await);
    checks.push(other_sign_ins(&world.environment));
    checks.extend(gcloud_settings(&world.environment));
    checks.extend(bigquery_settings(&world.environment));
    checks.extend(super::aws_files::all(&world.environment));
    checks.extend(super::leftovers::all(&world.environment));
    checks.extend(super::network::all(app, &world.environment).await);
    checks.extend(servers(app, world, &snapshot).await);
    checks
}

async fn keychain(vault: &Vault, clock: &dyn Clock) -> Check {
    let asked_at = clock.now();
    // Reading a record that does not exist takes as long as reading any other.
    let read = async {
        vault
            .check()
            .await
            .and(vault.read(&Record::access_keys("doctor")).await.map(drop))
    };
    let checked = read.await;
    let taken = clock.now().duration_since(asked_at).as_millis();
    let name = vault.watch().borrow().name.clone();
    match checked {
        Ok(()) if taken > 1000 => Check::warn(
            "keychain",
            format!("{name} can be read, but it took {taken} ms"),
            "Every command waits for it. Log out of your desktop session and log in again.",
        ),
        Ok(()) => Check::ok("keychain", format!("{name} can be read ({taken} ms)")),
        Err(error) if error.code() == Code::KeychainLocked => {
            Check::fail("keychain", format!("{name} is locked"), error.message())
        }
        Err(error) => Check::fail(
            "keychain",
            format!("{name} cannot be read"),
            error.message(),
        ),
    }
}

fn accounts(app: &App, snapshot: &Snapshot) -> Vec<Check> {
    if let Err(error) = app.stored() {
        return vec![Check::fail(
            "accounts",
            "the list of accounts cannot be read",
            error.message(),
        )];
    }
    let place = app
        .storage()
        .into_iter()
        .find(|place| place.label == "Accounts")
        .map(|place| place.path);
    let count = format!(
        "{} connected, stored in {}",
        snapshot.accounts.len(),
        place.unwrap_or_default()
    );
    let waiting = snapshot
        .accounts
        .iter()
        .filter(|account| account.status == AccountStatus::SignInAgain);
    let waiting = waiting.map(|account| {
        let found = format!(
            "{} ({}) needs a sign-in",
            account.name,
            account.identity.who()
        );
        Check::warn(
            account.id.as_str(),
            found,
            sign_in_advice(&account.identity),
        )
    });
    std::iter::once(Check::ok("accounts", count))
        .chain(waiting)
        .collect()
}

/// Whether the database is intact, if it can be opened at all.
fn database(app: &App) -> Option<Check> {
    if let Some(error) = app.write_failure() {
        let remedy = "Until then no change is saved. Reading goes on.";
        return Some(Check::fail("database", error.message(), remedy));
    }
    let faults = app.faults().ok()?;
    Some(match faults.first() {
        None => Check::ok("database", "no fault found"),
        Some(fault) => Check::fail(
            "database",
            format!("{} faults found, the first: {fault}", faults.len()),
            "Save the output of \"mcm export --json\". Then restore the file from a backup.",
        ),
    })
}

/// Secrets that an interrupted sign-in or sign-out left behind.
fn left_over_secrets(app: &App) -> Option<Check> {
    match app.left_over_secrets().ok()? {
        0 => None,
        count => Some(Check::warn(
            "left-over secrets",
            format!("{count} in the keychain that no account uses"),
            "Unlock the keychain and start the app, or sign in or out once. This removes them.",
        )),
    }
}

/// Where the settings come from, unless the file is already one of the problems.
fn settings_file(world: &World) -> Option<Check> {
    let path = Settings::path(&world.paths.config);
    let moved = match world.environment.get("MCM_HOME") {
        Some(_) => " (from MCM_HOME)",
        None => "",
    };
    match mcm_core::file::read(&path) {
        Ok(None) => Some(Check::ok(
            "settings file",
            format!("none at {}{moved}; none is required", path.display()),
        )),
        Ok(Some(_)) => Some(Check::ok(
            "settings file",
            format!("{}{moved}", path.display()),
        )),
        Err(error) => Some(Check::fail(
            "settings file",
            format!("{} cannot be read", path.display()),
            error.message(),
        )),
    }
}

/// A cloud's settings. A missing setup fails only where it is needed.
fn settings(cloud: &CloudView, snapshot: &Snapshot) -> Check {
    let name = format!("{} settings", cloud.cloud);
    // AWS needs no client id, so it is always ready; it does not replace a cloud that the user wants.
    let is_missed = snapshot
        .accounts
        .iter()
        .any(|account| account.cloud == cloud.cloud)
        || snapshot.accounts.is_empty()
            && !snapshot
                .clouds
                .iter()
                .any(|cloud| cloud.ready && cloud.cloud != Cloud::Aws);
    let messages = |problems: &[SettingProblem]| {
        problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    match (
        cloud.problems.as_slice(),
        &cloud.client_id,
        &cloud.client_id_origin,
    ) {
        ([], Some(id), origin) => {
            let origin = origin.as_deref().unwrap_or("the settings");
            Check::ok(
                &name,
                format!(
                    "client id {id} (from {origin}), sign-in server {}",
                    cloud.authority
                ),
            )
        }
        ([], None, _) => Check::ok(
            &name,
            format!("no client id required, STS at {}", cloud.authority),
        ),
        (problems, None, _) if !is_missed => Check::warn(
            &name,
            format!("{} is not set up", cloud.cloud.title()),
            messages(problems),
        ),
        (problems, ..) => Check::fail(
            &name,
            format!("{} sign-in does not work", cloud.cloud.title()),
            messages(problems),
        ),
    }
}

fn other_sign_ins(environment: &Environment) -> Check {
    let set = Cloud::ALL
        .into_iter()
        .flat_map(|cloud| variables::that_win(cloud, environment));
    let set: Vec<_> = set.filter(|name| !SETTINGS.contains(name)).collect();
    if set.is_empty() {
        return Check::ok(
            "environment",
            "no variable makes other tools use another identity",
        );
    }
    let names = set.join(", ");
    Check::warn(
        "environment",
        format!("{names} set"),
        "The clouds' own tools prefer these to the account in use. Run \"mcm whoami\" to see the identity of each. Unset them \
         where you use an account of this app.",
    )
}

/// Settings of gcloud that make it work as another identity, or let another project pay.
fn gcloud_settings(environment: &Environment) -> Option<Check> {
    let set = google::settings_that_win(environment);
    (!set.is_empty()).then(|| {
        Check::warn(
            "gcloud settings",
            format!("{} set in gcloud's configuration", set.join(", ")),
            "gcloud prefers these to its own account. Under \"mcm exec\" they do not count; elsewhere run \"gcloud config unset\" \
             for each.",
        )
    })
}

/// A file of `bq` whose flags come before gcloud's account.
fn bigquery_settings(environment: &Environment) -> Option<Check> {
    let file = BigQueryFile::read(environment)?;
    Some(Check::warn(
        "bq settings",
        file.identity()?,
        "bq prefers it to gcloud's account. Under \"mcm exec\" it does not count; elsewhere remove the line.",
    ))
}

/// Which program handles the app's scheme. `mcm` itself does not need it.
async fn scheme() -> Option<Check> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let ask = || {
        let scheme = format!("x-scheme-handler/{SCHEME}");
        let asked = Command::new("xdg-mime")
            .args(["query", "default", &scheme])
            .stdin(Stdio::null())
            .output();
        asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let asked = tokio::time::timeout(PROBE_LIMITS.total, tokio::task::spawn_blocking(ask)).await;
    Some(match asked {
        Ok(Ok(Ok(handler))) => scheme_handler(&handler),
        _ => Check::warn(
            "scheme handler",
            "xdg-mime did not name it",
            "Install the package xdg-utils. Until then, sign-ins in the app may use loopback.",
        ),
    })
}

fn scheme_handler(handler: &str) -> Check {
    let own = [
        format!("{SCHEME}-handler.desktop"),
        "multi-cloud-manager.desktop".to_owned(),
    ];
    if own.iter().any(|own| own.eq_ignore_ascii_case(handler)) {
        return Check::ok("scheme handler", format!("{SCHEME} belongs to the app"));
    }
    if handler.is_empty() {
        let found = format!("no program handles {SCHEME}");
        return Check::warn(
            "scheme handler",
            found,
            "Start the app once to register it.",
        );
    }
    Check::warn(
        "scheme handler",
        format!("{SCHEME} belongs to {handler}"),
        "Sign-ins in the app use loopback instead. Remove that program to use the scheme again.",
    )
}

/// A server that signing in, or loading targets, needs.
struct Server {
    name: &'static str,
    request: ::http::Request<Vec<u8>>,
    /// The language of its answers, without which it was not the server that answered.
    dialect: Dialect,
    /// One that says how to sign in has to answer well; of the others, which are asked without a token, it is enough
    /// that they refuse.
    is_sign_in: bool,
}

/// Whether the servers of every cloud that is set up answer, and how far the clock differs from the first one's.
async fn servers(app: &App, world: &World, snapshot: &Snapshot) -> Vec<Check> {
    const METADATA: &str = ".well-known/openid-configuration";
    let settings = app.settings();
    let (azure, gcp) = (&settings.azure, &settings.gcp);
    let is_ready = |wanted| {
        snapshot
            .clouds
            .iter()
            .any(|cloud| cloud.cloud == wanted && cloud.ready)
    };
    let mut servers = Vec::new();
    if is_ready(Cloud::Azure) {
        let path = format!("{}/v2.0/{METADATA}", azure.tenant);
        servers.extend(asked("azure sign-in", &azure.authority, &path, true));
        let path = "subscriptions?api-version=2022-12-01";
        let server = &azure.resource_manager;
        servers.extend(asked("azure resource manager", server, path, false));
    }
    if is_ready(Cloud::Gcp) {
        servers.extend(asked("gcp sign-in", &gcp.issuer, METADATA, true));
        let (server, path) = (&gcp.resource_manager, "v3/projects:search");
        servers.extend(asked("gcp resource manager", server, path, false));
    }
    // AWS needs no settings; it is asked only when it is used.
    if let Some(aws) = snapshot
        .clouds
        .iter()
        .find(|cloud| cloud.cloud == Cloud::Aws)
        && snapshot
            .accounts
            .iter()
            .any(|account| account.cloud == Cloud::Aws)
        && let Ok(url) = Url::parse(&aws.authority)
    {
        servers.extend(sts(&url));
    }
    let http = Http::with_limits(PROBE_LIMITS).through(&settings.network);
    let asked = servers.into_iter().map(|server| {
        let http = http.clone();
        async move {
            let place = place(&server.request);
            let answer = http.send(server.request, server.dialect).await;
            (server.name, server.is_sign_in, place, answer)
        }
    });
    let answers = join_all(asked).await;
    let date = answers
        .iter()
        .find_map(|(.., answer)| answer.as_ref().ok()?.date);
    let checks = answers.iter().map(|(name, is_sign_in, place, answer)| {
        let status = answer.as_ref().map(|answer| answer.status);
        answered(name, *is_sign_in, place, status)
    });
    clock(world.clock.now(), date)
        .into_iter()
        .chain(checks)
        .collect()
}

/// A server by what is asked of it, which it answers in JSON, also to refuse.
fn asked(name: &'static str, server: &Url, path: &str, is_sign_in: bool) -> Option<Server> {
    let url = server.join(path).ok()?;
    Some(Server {
        name,
        request: ::http::Request::get(url.as_str()).body(Vec::new()).ok()?,
        dialect: Dialect::Json,
        is_sign_in,
    })
}

/// STS by a question that it refuses without a signature.
fn sts(url: &Url) -> Option<Server> {
    let question = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
    let request = ::http::Request::post(url.as_str()).header(
        ::http::header::CONTENT_TYPE,
        "application/x-www-form-urlencoded",
    );
    Some(Server {
        name: "aws sts",
        request: request.body(question).ok()?,
        dialect: Dialect::Aws,
        is_sign_in: false,
    })
}

fn place(request: &::http::Request<Vec<u8>>) -> String {
    let authority = request.uri().authority();
    authority.map_or_else(String::new, ToString::to_string)
}

fn answered(name: &str, is_sign_in: bool, place: &str, status: Result<u16, &Error>) -> Check {
    match status {
        Ok(200) => Check::ok(name, format!("{place} answers")),
        Ok(500..) => Check::warn(
            name,
            format!("{place} returned a server error"),
            "Try again later.",
        ),
        Ok(_) if !is_sign_in => Check::ok(name, format!("{place} answers")),
        Ok(status) => Check::fail(
            name,
            format!("{place} has no what is asked (HTTP {status})"),
            "Check the tenant and the address of the sign-in server in the settings.",
        ),
        Err(error) => Check::fail(name, format!("{place} does not answer"), error.message()),
    }
}

/// Expiry is wall-clock time: a wrong clock makes valid sessions look expired and expired ones valid.
fn clock(now: Timestamp, server: Option<Timestamp>) -> Option<Check> {
    let off = now.duration_since(server?);
    let (seconds, direction) = (
        off.unsigned_abs().as_secs(),
        if off.is_negative() { "behind" } else { "ahead" },
    );
    let found = format!("{seconds} s {direction} of the sign-in server");
    let remedy = "Set the clock, or turn on time synchronisation (timedatectl set-ntp true).";
    Some(match off.unsigned_abs() {
        off if off > CLOCK_HARMFUL => Check::fail("clock", found, remedy),
        off if off > CLOCK_MENTIONED => Check::warn("clock", found, remedy),
        _ => Check::ok("clock", "agrees with the sign-in server"),
    })
}
