//! Sources that are profiles: their settings, their programs and the roles on the way, as AWS's own tools treat them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mcm_core::error::Code;
use mcm_core::world::Clock as _;

use crate::harness::{Harness, within};
use crate::roles::caller;

/// A harness without keys in its environment, whose shared config is written by the test.
struct Shared {
    harness: Harness,
    folder: tempfile::TempDir,
}

impl Shared {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name).display().to_string();
        let (config, credentials) = (place("config"), place("credentials"));
        let mut all = vec![
            ("AWS_CONFIG_FILE", config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
        ];
        all.extend(variables);
        let harness = Harness::with(|_| {}, &all).await;
        Self { harness, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "the AWS CLI writes this file")]
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// The answer of a helper that gives ada's keys, with this beside them.
    fn answer(&self, more: &str) -> String {
        let ada = self.harness.clouds.aws_access_key("ada").expect("a user");
        format!(
            r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"{more}}}"#,
            ada.id, ada.secret
        )
    }

    /// Writes a profile whose program is this script: of a shell, or of Windows' `cmd.exe`.
    fn program(&self, script: &Script<'_>) {
        let (name, text, command) = if cfg!(windows) {
            let lines = script.cmd.replace('\n', "\r\n");
            ("the helper.cmd", format!("@echo off\r\n{lines}\r\n"), "")
        } else {
            ("helper", script.shell.to_owned(), "sh ")
        };
        self.write(name, &text);
        let path = self.path(name).display().to_string();
        self.write(
            "config",
            &format!("[profile tool]\ncredential_process = {command}\"{path}\"\n"),
        );
    }

    /// Writes a profile whose program prints this.
    fn program_that_prints(&self, text: &str) {
        self.write("answer", text);
        let answer = self.path("answer").display().to_string();
        self.program(&Script {
            shell: &format!("cat '{answer}'\n"),
            cmd: &format!("type \"{answer}\""),
        });
    }
}

/// The same program for both kinds of systems.
struct Script<'a> {
    shell: &'a str,
    cmd: &'a str,
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test]
async fn a_fault_in_another_profile_spoils_nothing_and_a_broken_line_is_named() {
    let shared = Shared::start(&[]).await;
    let grace = shared
        .harness
        .clouds
        .aws_access_key("grace")
        .expect("a user");
    let good = format!(
        "[profile grace]\n  region = eu-west-1\n  aws_access_key_id = {}\n  aws_secret_access_key = {}\n",
        grace.id, grace.secret
    );
    shared.write(
        "config",
        &format!("[profile odd]\n  region = x\noutput = json\n    more\n[profile ]\n[what is this]\nx = y\n{good}"),
    );
    let found = caller(&shared.harness.app, "profile:grace")
        .await
        .expect("a caller");
    assert_eq!(found.arn, "arn:aws:iam::111122223333:user/grace");
    assert_eq!(
        found.region.as_deref(),
        Some("eu-central-1"),
        "AWS_REGION comes first"
    );
    shared.write("config", &format!("{good}[profile CANARY\n"));
    let error = caller(&shared.harness.app, "profile:grace")
        .await
        .expect_err("broken");
    assert_eq!(error.code(), Code::SettingInvalid);
    let place = format!("{}, line 5", shared.path("config").display());
    assert!(
        error.message().contains(&place) && !error.message().contains("CANARY"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_answers_as_botocore_lets_it() {
    let shared = Shared::start(&[]).await;
    let at = shared.harness.clock.now() + Duration::from_secs(3600);
    let zoned = |form: &str| at.strftime(form).to_string();
    for (more, is_read) in [
        (String::new(), true),
        (r#","SessionToken":"""#.to_owned(), true),
        (r#","SessionToken":null,"Expiration":null"#.to_owned(), true),
        (
            format!(r#","Expiration":"{}""#, zoned("%Y-%m-%dT%H:%M:%S+0000")),
            true,
        ),
        (
            format!(r#","Expiration":"{}""#, zoned("%Y-%m-%dT%H:%M:%S UTC")),
            true,
        ),
        (
            format!(r#","Expiration":"{}""#, zoned("%Y-%m-%d %H:%M:%SZ")),
            true,
        ),
        (
            format!(
                r#","Expiration":"{}""#,
                zoned("%Y-%m-%dT%H:%M:%S.123456789012Z")
            ),
            true,
        ),
        (
            format!(r#","Expiration":"{}""#, zoned("%a, %d %b %Y %H:%M:%S GMT")),
            true,
        ),
        (r#","Expiration":"soon""#.to_owned(), false),
        (r#","Expiration":4099536000"#.to_owned(), false),
        (r#","Expiration":"2001-01-01T00:00:00Z""#.to_owned(), false),
    ] {
        shared.program_that_prints(&shared.answer(&more));
        let found = caller(&shared.harness.app, "profile:tool").await;
        assert_eq!(found.is_ok(), is_read, "{more}: {found:?}");
    }
    let answer = shared
        .answer("")
        .replace("\"Version\":1", "\"Version\":1.0");
    assert!(answer.contains("1.0"), "{answer}");
    shared.program_that_prints(&answer);
    caller(&shared.harness.app, "profile:tool")
        .await
        .expect("a version is a number");
    for odd in [
        "no",
        "{\"Version\":2,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"CANARY\"}",
    ] {
        shared.program_that_prints(odd);
        let error = caller(&shared.harness.app, "profile:tool")
            .await
            .expect_err(odd);
        assert_eq!(error.code(), Code::SourceExpired, "{odd}");
        assert!(!format!("{error:?}").contains("CANARY"), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_fails_is_quoted_and_the_advice_names_the_profile() {
    let shared = Shared::start(&[]).await;
    shared.program(&Script {
        shell: "echo first >&2; printf 'touch \\033[31mthe key\\n\\n' >&2; exit 7\n",
        cmd: "echo first>&2\necho touch \u{1b}[31mthe key>&2\nexit /b 7",
    });
    let error = caller(&shared.harness.app, "profile:tool")
        .await
        .expect_err("fails");
    assert_eq!(error.code(), Code::SourceExpired);
    for part in [
        "(status 7)",
        "It said: \"touch [31mthe key\"",
        "\"aws sts get-caller-identity --profile tool\"",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    shared.write(
        "config",
        "[profile tool]\ncredential_process = /nowhere/at/all\n",
    );
    let error = caller(&shared.harness.app, "profile:tool")
        .await
        .expect_err("missing");
    assert_eq!(error.code(), Code::SettingInvalid, "{error}");
    shared.write(
        "config",
        "[profile tool]\ncredential_process = sh -c \"echo\n",
    );
    let error = caller(&shared.harness.app, "profile:tool")
        .await
        .expect_err("a quote");
    assert!(error.message().contains("a quote is not closed"), "{error}");
}

#[tokio::test]
async fn a_program_runs_without_the_profile_and_with_the_mark_of_its_source() {
    let shared = Shared::start(&[("AWS_PROFILE", "tool"), ("KEPT", "yes")]).await;
    let seen = shared.path("seen");
    shared.write("answer", &shared.answer(""));
    let (answer, place) = (shared.path("answer"), seen.display());
    let answer = answer.display();
    shared.program(&Script {
        shell: &format!("env > {place}\ncat {answer}\n"),
        cmd: &format!("set > \"{place}\"\ntype \"{answer}\""),
    });
    caller(&shared.harness.app, "default")
        .await
        .expect("a caller");
    let seen = text(&seen);
    assert!(
        seen.contains("KEPT=yes") && !seen.contains("AWS_PROFILE"),
        "{seen}"
    );
    assert!(seen.contains("MCM_AWS_SOURCES_ASKED=default"), "{seen}");
}

#[tokio::test]
async fn what_a_program_runs_never_waits_for_the_source_that_runs_it() {
    let shared = Shared::start(&[("MCM_AWS_SOURCES_ASKED", "profile:other\nprofile:tool")]).await;
    shared.program(&Script {
        shell: "sleep 600\n",
        cmd: ":again\ngoto again",
    });
    let error = caller(&shared.harness.app, "profile:tool")
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(error.message().contains("would wait for itself"), "{error}");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_everything_it_started() {
    // Long enough for the program to start another one, which takes wine a while.
    let limit = if cfg!(windows) { "5" } else { "1" };
    let shared = Shared::start(&[("MCM_AWS_SOURCE_TIMEOUT", limit)]).await;
    let pids = shared.path("pids");
    let shell = format!(
        "echo 'touch your key' >&2\nsleep 600 &\necho $$ $! > {}\nwait\n",
        pids.display()
    );
    // Windows has no file of a process's state. The program that this one starts keeps a file open.
    let held = shared.path("held");
    let busy = format!(
        "@echo off\r\ncall :busy > \"{}\"\r\nexit /b\r\n:busy\r\ngoto busy\r\n",
        held.display()
    );
    shared.write("busy.cmd", &busy);
    let started = shared.path("busy.cmd");
    shared.program(&Script {
        shell: &shell,
        cmd: &format!(
            "echo touch your key>&2\nstart /b cmd /c \"{}\"\n:busy\ngoto busy",
            started.display()
        ),
    });
    let error = within(Box::pin(caller(&shared.harness.app, "profile:tool")))
        .await
        .expect_err("ended");
    assert_eq!(error.code(), Code::SourceExpired);
    assert!(
        error.message().contains(&format!("within {limit} seconds"))
            && error.message().contains("\"touch your key\""),
        "{error}"
    );
    #[cfg(windows)]
    {
        // No event of the system says so: the file can be opened alone once its program has ended.
        use std::os::windows::fs::OpenOptionsExt as _;
        let alone = || {
            let mut options = std::fs::File::options();
            options.write(true).share_mode(0).open(&held)
        };
        let mut look = tokio::time::interval(Duration::from_millis(5));
        within(async {
            while alone().is_err() {
                look.tick().await;
            }
        })
        .await;
    }
    for pid in text(&pids).split_whitespace() {
        let is_over = || {
            let stat = text(Path::new(&format!("/proc/{pid}/stat")));
            stat.is_empty() || stat.contains(") Z ")
        };
        // No event of the system says that a process that is not our child has ended.
        let mut look = tokio::time::interval(Duration::from_millis(5));
        within(async {
            while !is_over() {
                look.tick().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_role_of_a_profile_is_assumed_with_the_profile_that_it_names() {
    let shared = Shared::start(&[]).await;
    let ada = shared.harness.clouds.aws_access_key("ada").expect("a user");
    shared.write(
        "credentials",
        &format!(
            "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            ada.id, ada.secret
        ),
    );
    shared.write(
        "config",
        "[profile hop]\nrole_arn = arn:aws:iam::444455556666:role/IgnoringReader\nsource_profile = base\n\
         role_session_name = from-the-profile\n\
         [profile refused]\nrole_arn = arn:aws:iam::444455556666:role/Nobody\nsource_profile = base\n\
         [profile lost]\nrole_arn = arn:aws:iam::444455556666:role/Nobody\nsource_profile = gone\n\
         [profile one]\nrole_arn = arn:aws:iam::444455556666:role/Nobody\nsource_profile = two\n\
         [profile two]\nrole_arn = arn:aws:iam::444455556666:role/Nobody\nsource_profile = one\n",
    );
    let found = caller(&shared.harness.app, "profile:hop")
        .await
        .expect("a caller");
    assert_eq!(
        found.arn,
        "arn:aws:sts::444455556666:assumed-role/IgnoringReader/from-the-profile"
    );
    for (profile, code, part) in [
        (
            "refused",
            Code::SourceExpired,
            "for profile \"refused\".\nAWS says: User: arn:aws:iam::111122223333:user/ada",
        ),
        ("lost", Code::NotFound, "no profile \"gone\""),
        ("one", Code::SettingInvalid, "leads back to \"one\""),
    ] {
        let error = caller(&shared.harness.app, &format!("profile:{profile}"))
            .await
            .expect_err(profile);
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn two_variables_that_name_two_profiles_are_refused() {
    let shared = Shared::start(&[("AWS_PROFILE", "a"), ("AWS_DEFAULT_PROFILE", "b")]).await;
    shared.write("config", "[profile a]\n[profile b]\n");
    let error = caller(&shared.harness.app, "default")
        .await
        .expect_err("refused");
    assert!(error.message().contains("Unset one of them"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_as_config_is_read_once_and_serves_every_later_reader() {
    use std::io::Write as _;

    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("config");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo starts").success());
    let shared = Shared::start(&[("AWS_CONFIG_FILE", pipe.to_str().expect("text"))]).await;
    // No program writes: the file counts as empty, and nothing waits.
    let ada = shared.harness.clouds.aws_access_key("ada").expect("a user");
    let text = format!(
        "[profile p]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        ada.id, ada.secret
    );
    let write = {
        let pipe = pipe.clone();
        std::thread::spawn(move || {
            let mut pipe = std::fs::OpenOptions::new()
                .write(true)
                .open(pipe)
                .expect("opened");
            pipe.write_all(text.as_bytes()).expect("written");
        })
    };
    // The writer waits until the pipe is opened for reading; then it has it open.
    let _reader = tokio::task::spawn_blocking({
        let pipe = pipe.clone();
        move || {
            std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(pipe)
                .expect("opened")
        }
    })
    .await
    .expect("opened");
    write.join().expect("written");
    for _ in 0..2 {
        within(Box::pin(caller(&shared.harness.app, "profile:p")))
            .await
            .expect("a caller");
    }
}
