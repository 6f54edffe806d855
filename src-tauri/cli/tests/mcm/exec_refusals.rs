//! Who gets nothing from the endpoint of `mcm exec`, and where no secret of it is found.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::aws::connected;
use crate::exec::{ARM, three_clouds};
use crate::exec_child::{ExecChild, get, post, processes_that_show, send};
use crate::harness::Harness;

#[test]
fn no_secret_of_a_cloud_reaches_the_command_a_process_or_a_file() {
    let harness = Harness::start();
    let accounts = three_clouds(&harness);
    let child = ExecChild::start(&harness, &accounts.each_ref().map(String::as_str));
    child.aws();
    child.azure(ARM);
    child.google("token_url", "grant_type=refresh_token&refresh_token=HANDLE");
    let clouds = harness.secrets_of_the_clouds();
    assert!(clouds.len() > 5);
    assert_eq!(processes_that_show(&clouds), Vec::<u32>::new());
    let doors = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "IDENTITY_ENDPOINT",
        "ARM_MSI_ENDPOINT",
    ];
    let doors = doors.map(|name| {
        child
            .get(name)
            .split('/')
            .nth(3)
            .expect("a secret")
            .to_owned()
    });
    let headers = ["IDENTITY_HEADER", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        .map(|name| child.get(name).to_owned());
    let ours = [&doors[..], &headers].concat();
    assert_eq!(
        processes_that_show(&ours),
        [child.id],
        "only the command has this run's secrets"
    );
    let handles = ["client_secret", "refresh_token"]
        .map(|name| child.google_file()[name].as_str().expect("text").to_owned());
    assert_eq!(processes_that_show(&handles), Vec::<u32>::new());

    let path = child.get("GOOGLE_APPLICATION_CREDENTIALS").to_owned();
    let mode = |path: &std::path::Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    let path = std::path::Path::new(&path);
    let folder = path.parent().expect("in a folder");
    assert_eq!((mode(path), mode(folder)), (0o600, 0o700));
    let file = fs::read_to_string(path).expect("it is ours");
    assert!(
        clouds
            .iter()
            .chain(&ours)
            .all(|secret| !file.contains(secret.as_str()))
    );
    let files = harness.files();
    let mut secrets = clouds.iter().chain(&ours).chain(&handles);
    assert!(
        secrets.all(|secret| !files.contains(secret.as_str())),
        "nor is one in the log"
    );
    child.ended().done();
    assert!(!folder.exists(), "the folder goes with the command");
}

#[test]
fn a_client_without_a_secret_and_a_web_page_are_refused() {
    let harness = Harness::start();
    let [azure, gcp, aws] = three_clouds(&harness);
    let child = ExecChild::start(&harness, &[&azure, &gcp, &aws]);
    let address = child.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let token = child.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let right = ("Authorization", token);
    let (origin, path) = address.split_at(address.rfind("/aws").expect("as given"));
    let port = origin["http://127.0.0.1:".len()..]
        .split('/')
        .next()
        .expect("a port")
        .to_owned();
    let identity = child.get("IDENTITY_ENDPOINT");
    let asked = format!("{identity}?api-version=2019-08-01&resource={ARM}");
    let header = ("X-IDENTITY-HEADER", child.get("IDENTITY_HEADER"));
    let msi = format!("{}?resource={ARM}", child.get("ARM_MSI_ENDPOINT"));
    let file = child.google_file();
    let google = file["token_url"].as_str().expect("an address");
    let form = format!(
        "grant_type=refresh_token&refresh_token={}",
        file["refresh_token"].as_str().expect("text")
    );
    let localhost = format!("localhost:{port}");
    let other = format!("http://127.0.0.1:{port}");
    let rebound = format!("evil.example:{port}");

    let answers = [
        ("no token", get(address, &[])),
        (
            "a wrong token",
            get(address, &[("Authorization", &token[1..])]),
        ),
        ("two tokens", get(address, &[right, right])),
        (
            "a token and a bearer's name",
            get(address, &[("Authorization", &format!("Bearer {token}"))]),
        ),
        (
            "a path without its secret",
            get(&format!("{other}/aws"), &[right]),
        ),
        (
            "a wrong secret in the path",
            get(&format!("{other}/{token}{path}"), &[right]),
        ),
        ("a longer path", get(&format!("{address}/"), &[right])),
        ("parameters", get(&format!("{address}?a=b"), &[right])),
        ("another method", post(address, &[right], "")),
        (
            "a name for this machine",
            get(address, &[right, ("Host", &localhost)]),
        ),
        (
            "a name rebound to this machine",
            get(address, &[right, ("Host", &rebound)]),
        ),
        ("no port", get(address, &[right, ("Host", "127.0.0.1")])),
        (
            "a web page",
            get(address, &[right, ("Origin", "https://evil.example")]),
        ),
        (
            "a page of this endpoint's own",
            get(address, &[right, ("Origin", &other)]),
        ),
        (
            "a page without a name",
            get(address, &[right, ("Origin", "null")]),
        ),
        (
            "a browser",
            get(
                address,
                &[
                    right,
                    ("Sec-Fetch-Site", "none"),
                    ("Sec-Fetch-Mode", "navigate"),
                ],
            ),
        ),
        (
            "a whole address",
            send("GET", &format!("{other}//{other}"), &[right], ""),
        ),
        (
            "azure without its header",
            get(&asked, &[("Metadata", "true")]),
        ),
        (
            "azure with another door's secret",
            get(&asked, &[("X-IDENTITY-HEADER", token)]),
        ),
        (
            "azure by another version",
            get(&asked.replace("2019-08-01", "2017-09-01"), &[header]),
        ),
        ("azure by another method", post(&asked, &[header], "")),
        (
            "terraform by another method",
            post(&msi, &[("Metadata", "true")], ""),
        ),
        (
            "azure for one of many identities",
            get(&format!("{asked}&client_id=x"), &[header]),
        ),
        (
            "azure for two resources",
            get(&format!("{asked}&resource={ARM}"), &[header]),
        ),
        (
            "azure for none",
            get(&format!("{identity}?api-version=2019-08-01"), &[header]),
        ),
        ("terraform without Metadata", get(&msi, &[])),
        (
            "terraform at the other door",
            get(
                &format!("{identity}-msi?resource={ARM}"),
                &[("Metadata", "true")],
            ),
        ),
        ("google without its client", post(google, &[], &form)),
        (
            "google with a wrong client",
            post(google, &[("Authorization", "Basic bWNtOng=")], &form),
        ),
        (
            "google with a wrong handle",
            child.google("token_url", "grant_type=refresh_token&refresh_token=x"),
        ),
        (
            "google with another grant",
            child.google("token_url", "grant_type=password&refresh_token=HANDLE"),
        ),
        (
            "a body that is too long",
            child.google("token_url", &"x".repeat(9000)),
        ),
    ];
    let secrets = harness.sandbox.secrets();
    for (what, answer) in answers {
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        assert!(
            !secrets
                .iter()
                .any(|secret| answer.body.contains(secret.as_str())),
            "{what}"
        );
    }
    assert_eq!(child.aws().status, 200, "and the command is still served");
    let node = [right, ("Sec-Fetch-Mode", "cors")];
    assert_eq!(
        get(address, &node).status,
        200,
        "Node's own fetch is no browser"
    );
}

#[test]
fn another_user_of_this_machine_is_refused_even_with_the_secrets() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let child = ExecChild::start(&harness, &["--active", "aws"]);
    let program = "import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={'Authorization': sys.argv[2]})
try: print(urllib.request.urlopen(request).status)
except Exception as error: print(type(error).__name__)";
    let address = child.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let token = child.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let ask = |as_another_user: &[&str]| {
        let words = [
            as_another_user,
            &["/usr/bin/python3", "-c", program, address, token],
        ]
        .concat();
        let output = Command::new(words[0])
            .args(&words[1..])
            .output()
            .expect("python3 and setpriv are there");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(ask(&["env"]), "200");
    // Only the administrator can run a process as another user.
    if rustix::process::getuid().is_root() {
        let other_user = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        let refused = ask(&other_user);
        assert!(
            ["RemoteDisconnected", "ConnectionResetError", "URLError"].contains(&&*refused),
            "{refused}"
        );
        let environ = format!("/proc/{}/environ", child.id);
        let read = Command::new(other_user[0])
            .args(&other_user[1..])
            .args(["cat", &environ])
            .output();
        assert!(
            !read.expect("cat is there").status.success(),
            "nor can it read the secrets"
        );
    }
}
