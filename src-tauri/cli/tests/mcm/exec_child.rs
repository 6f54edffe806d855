//! A command under `mcm exec` that a test inspects: its variables, and what it can fetch with them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::harness::{Ended, Harness};

/// Prints its process id and its variables, then waits for its input to close.
const SCRIPT: &str = r"printf 'PID=%s\0' $$; env -0; printf 'END\0'; exec cat";

/// A command that waits. It ends when this is dropped.
pub(crate) struct ExecChild {
    pub(crate) variables: HashMap<String, String>,
    /// The command's process.
    pub(crate) id: u32,
    mcm: Child,
    output: BufReader<ChildStdout>,
}

impl ExecChild {
    pub(crate) fn start(harness: &Harness, arguments: &[&str]) -> Self {
        Self::start_with(harness, arguments, |_| {})
    }

    /// As `start`, in an environment that the test has changed.
    pub(crate) fn start_with(
        harness: &Harness,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Self::command(harness, arguments);
        change(&mut command);
        Self::started(command.spawn().expect("mcm starts"))
    }

    /// As `start`; `meanwhile` acts as the user until the command starts.
    pub(crate) fn start_when(harness: &Harness, arguments: &[&str], user: impl FnOnce()) -> Self {
        let mcm = Self::command(harness, arguments)
            .spawn()
            .expect("mcm starts");
        user();
        Self::started(mcm)
    }

    fn command(harness: &Harness, arguments: &[&str]) -> Command {
        let mut command =
            harness.command(&[&["exec"], arguments, &["--", "sh", "-c", SCRIPT]].concat());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn started(mut mcm: Child) -> Self {
        let mut output = BufReader::new(mcm.stdout.take().expect("piped"));
        let mut variables = HashMap::new();
        loop {
            let mut line = Vec::new();
            output.read_until(0, &mut line).expect("mcm runs");
            let line = String::from_utf8(line).expect("text");
            match line.trim_end_matches('\0').split_once('=') {
                Some((name, value)) => drop(variables.insert(name.to_owned(), value.to_owned())),
                None if line == "END\0" => break,
                None => {
                    let output = mcm.wait_with_output().expect("mcm ends").stderr;
                    panic!(
                        "the command did not start: {}",
                        String::from_utf8_lossy(&output)
                    );
                }
            }
        }
        let id = variables
            .remove("PID")
            .expect("it is printed")
            .parse()
            .expect("a number");
        Self {
            variables,
            id,
            mcm,
            output,
        }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.variables
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not set"))
    }

    /// The process of `mcm` itself.
    pub(crate) fn mcm_id(&self) -> u32 {
        self.mcm.id()
    }

    /// Lets the command end, and waits for `mcm`.
    pub(crate) fn ended(mut self) -> Ended {
        drop(self.mcm.stdin.take());
        self.waited()
    }

    /// Waits for `mcm`, which something else ends.
    pub(crate) fn waited(mut self) -> Ended {
        let mut result = String::new();
        self.output.read_to_string(&mut result).expect("text");
        let mut output = String::new();
        self.mcm
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut output)
            .expect("text");
        let status = self.mcm.wait().expect("mcm ends");
        Ended {
            status: status.code().unwrap_or(-1),
            result,
            stderr: output,
        }
    }

    /// As an AWS library fetches it.
    pub(crate) fn aws(&self) -> Answer {
        let token = self.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        get(
            self.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            &[("Authorization", token)],
        )
    }

    /// As an Azure library fetches it.
    pub(crate) fn azure(&self, resource: &str) -> Answer {
        let address = format!(
            "{}?api-version=2019-08-01&resource={resource}",
            self.get("IDENTITY_ENDPOINT")
        );
        get(
            &address,
            &[
                ("X-IDENTITY-HEADER", self.get("IDENTITY_HEADER")),
                ("Metadata", "true"),
            ],
        )
    }

    /// The file that Google's libraries read.
    pub(crate) fn google_file(&self) -> Value {
        let text = fs::read(self.get("GOOGLE_APPLICATION_CREDENTIALS")).expect("the file is there");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// As a Google library fetches it.
    pub(crate) fn google(&self, address: &str, fields: &str) -> Answer {
        let file = self.google_file();
        let text = |name: &str| file[name].as_str().expect("text").to_owned();
        let basic = base64(&format!("{}:{}", text("client_id"), text("client_secret")));
        let body = fields.replace("HANDLE", &text("refresh_token"));
        post(
            &text(address),
            &[("Authorization", &format!("Basic {basic}"))],
            &body,
        )
    }
}

impl Drop for ExecChild {
    fn drop(&mut self) {
        drop(self.mcm.stdin.take());
        let _ = self.mcm.wait();
    }
}

/// The endpoint's answer; status 0 when it closed the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The text of a field of a good answer.
    pub(crate) fn text(&self, name: &str) -> String {
        self.json()[name].as_str().expect("text").to_owned()
    }
}

pub(crate) fn get(address: &str, headers: &[(&str, &str)]) -> Answer {
    send("GET", address, headers, "")
}

pub(crate) fn post(address: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    send("POST", address, &[&[form], headers].concat(), body)
}

/// Sends a request verbatim. `Host` is the address's, unless it is among the headers.
pub(crate) fn send(method: &str, address: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (authority, path) = address
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .expect("an address");
    let mut head = format!("{method} /{path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head.push_str(&format!("Host: {authority}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(authority).expect("the endpoint listens");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(request.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    Answer {
        status,
        body: answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap_or_default(),
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The processes that have one of these texts among their arguments or their variables.
pub(crate) fn processes_that_show(secrets: &[String]) -> Vec<u32> {
    let ids = fs::read_dir("/proc").expect("there is /proc").flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let shows = |id: &u32| {
        ["cmdline", "environ"].into_iter().any(|file| {
            let text = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            secrets.iter().any(|secret| text.contains(secret.as_str()))
        })
    };
    ids.filter(shows).collect()
}
