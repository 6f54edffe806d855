//! What `mcm doctor` says of the network: the proxy on the way to the clouds, and the certificate authorities to trust.

use mcm_core::app::App;
use mcm_core::http::{Route, Unusable};
use mcm_core::world::Environment;

use super::Check;

pub(super) async fn all(app: &App, environment: &Environment) -> Vec<Check> {
    let settings = app.settings();
    let mut checks: Vec<Check> = settings
        .network_problems
        .iter()
        .map(|problem| Check::fail("network settings", &problem.message, "Correct it."))
        .collect();
    checks.push(match settings.network.route().await {
        Ok(route) => proxy(&route, environment),
        Err(error) => Check::fail("proxy", "no cloud can be asked", error.message()),
    });
    match settings.network.authorities() {
        Ok(trusted) if trusted.is_empty() => {}
        Ok(trusted) => {
            let named = |(origin, count): &(String, usize)| format!("{count} from {origin}");
            let named: Vec<_> = trusted.iter().map(named).collect();
            let found = format!("the system's, and {}", named.join(", "));
            checks.push(Check::ok("certificate authorities", found));
        }
        Err(error) => checks.push(Check::fail(
            "certificate authorities",
            "no cloud can be asked",
            error.message(),
        )),
    }
    checks
}

fn proxy(route: &Route, environment: &Environment) -> Check {
    const NAME: &str = "proxy";
    match route {
        Route::Proxy(proxy) => {
            Check::ok(NAME, format!("{} (from {})", proxy.place(), proxy.origin))
        }
        Route::System => Check::ok(NAME, "as the system's settings have it"),
        Route::Unknown(Unusable { origin, what }) => Check::warn(
            NAME,
            format!("none: {origin} {what}"),
            "If no server can be reached, set HTTPS_PROXY to your proxy.",
        ),
        Route::Direct => {
            let for_http = ["HTTP_PROXY", "http_proxy"];
            let set = for_http
                .into_iter()
                .find(|name| environment.get(name).is_some());
            match set {
                Some(name) => Check::warn(
                    NAME,
                    format!("none: {name} counts for http, and every cloud is asked over https"),
                    "If you need the proxy, set HTTPS_PROXY as well.",
                ),
                None => Check::ok(NAME, "none"),
            }
        }
    }
}
