//! Sources that need a code of an MFA device: it is asked once, its session serves every role, and lasts until it expires.

use std::time::Duration;

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{Connect, ConnectRole, EnteredKeys, PrepareRole};
use mcm_core::error::{Code, Result};
use mcm_core::role::SourceChoice;
use mcm_core::sign_in::{SignInId, SignInStep};
use sandbox_clouds::aws::MFA_CODE;
use sandbox_clouds::aws::directory::{Condition, Role, Statement, Trusted, Wanted};

use crate::harness::{Harness, within};
use crate::roles::{caller, role, with};

const ADA: &str = "arn:aws:iam::111122223333:user/ada";
const DEVICE: &str = "arn:aws:iam::111122223333:mfa/ada";
const GATE: &str = "arn:aws:iam::111122223333:role/Gate";

/// A harness whose profile `gate` assumes a role that asks for a code, and two roles that trust this one.
struct Gated {
    harness: Harness,
    folder: tempfile::TempDir,
}

impl Gated {
    #[expect(clippy::disallowed_methods, reason = "the AWS CLI writes these files")]
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name).display().to_string();
        let (config, credentials) = (place("config"), place("credentials"));
        let variables = [
            ("AWS_CONFIG_FILE", config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
        ];
        let harness = Harness::with(|_| {}, &variables).await;
        let ada = harness.clouds.aws_access_key("ada").expect("a user");
        std::fs::write(
            &credentials,
            format!(
                "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
                ada.id, ada.secret
            ),
        )
        .expect("written");
        std::fs::write(
            &config,
            format!(
                "[profile gate]\nrole_arn = {GATE}\nsource_profile = base\nmfa_serial = {DEVICE}\n"
            ),
        )
        .expect("written");
        let confirmed = Statement {
            principal: Trusted::Arn(ADA.into()),
            condition: Condition::Mfa,
        };
        let gate = Role::new("111122223333", "Gate");
        harness
            .clouds
            .put_aws_role(gate.trust(confirmed.clone()).allow_assuming());
        for name in ["Safe", "OtherSafe"] {
            harness
                .clouds
                .put_aws_role(Role::new("444455556666", name).trust(Statement {
                    principal: Trusted::Arn(GATE.into()),
                    condition: Condition::ExternalId(Wanted::FirstSeen),
                }));
        }
        harness
            .clouds
            .put_aws_role(Role::new("444455556666", "Confirmed").trust(confirmed));
        Self { harness, folder }
    }

    /// Starts to connect a role with the profile.
    async fn begin(&self, name: &str) -> SignInId {
        let source: SourceChoice = "profile:gate".parse().expect("a source");
        let prepared = self
            .harness
            .app
            .prepare_role(PrepareRole {
                source: Some(source.clone()),
                another: true,
                ..PrepareRole::default()
            })
            .await
            .expect("no code is needed to print a template");
        assert_eq!(prepared.caller.principal_arn, GATE);
        let wanted = with(ConnectRole {
            role_arn: Some(role(name)),
            external_id: Some(prepared.external_id),
            source: Some(source),
            ..ConnectRole::default()
        });
        self.harness.app.connect(wanted).expect("begun")
    }

    /// Answers each question with the next code, and waits for the end.
    async fn ended(&self, id: SignInId, codes: &[&str]) -> Result<AccountId> {
        for (index, code) in codes.iter().enumerate() {
            let asks = SignInStep::MfaCode {
                device: DEVICE.to_owned(),
                was_refused: index > 0,
            };
            self.harness
                .until(|snapshot| snapshot.sign_ins.iter().any(|view| view.step == asks))
                .await;
            let app = &self.harness.app;
            let odd = app.enter_mfa_code(id, &"12345".into()).expect_err("five");
            assert_eq!(odd.code(), Code::InvalidInput);
            app.enter_mfa_code(id, &(*code).into()).expect("it asks");
        }
        within(self.harness.app.sign_in_ended(id)).await
    }
}

#[tokio::test]
async fn a_profile_with_a_device_asks_once_and_its_session_serves_every_role_until_it_expires() {
    let gated = Gated::start().await;
    let app = &gated.harness.app;
    let first = gated.begin("Safe").await;
    let safe = gated
        .ended(first, &["000000", MFA_CODE])
        .await
        .expect("connected");
    app.renew(&safe).await.expect("no code is needed");
    let second = gated.begin("OtherSafe").await;
    let other = gated.ended(second, &[]).await.expect("connected");

    gated.harness.clock.advance(Duration::from_secs(13 * 3600));
    for id in [&safe, &other] {
        let error = app.renew(id).await.expect_err("its session has expired");
        assert_eq!(error.code(), Code::SignInAgain, "{error}");
        assert!(error.message().contains(DEVICE), "{error}");
    }
    let again = Connect {
        account: Some(safe.clone()),
        ..Connect::new(Cloud::Aws)
    };
    let again = app.connect(again).expect("begun");
    gated
        .ended(again, &[MFA_CODE])
        .await
        .expect("signed in again");
    gated.harness.clock.advance(Duration::from_secs(60));
    app.renew(&other).await.expect("the new session serves it");
}

#[tokio::test]
async fn keys_that_are_a_session_are_refused_before_a_code_is_asked_for() {
    let gated = Gated::start().await;
    let app = &gated.harness.app;
    let session = gated
        .harness
        .clouds
        .aws_session("ada", Duration::from_secs(3600))
        .expect("a user");
    let token = session.session_token.clone().expect("a session");
    #[expect(clippy::disallowed_methods, reason = "the AWS CLI writes this file")]
    std::fs::write(
        gated.folder.path().join("credentials"),
        format!(
            "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {token}\n",
            session.id, session.secret
        ),
    )
    .expect("written");
    let id = gated.begin("Safe").await;
    let error = gated.ended(id, &[]).await.expect_err("no code helps");
    assert_eq!(error.code(), Code::Unsupported, "{error}");
    assert!(
        error.message().contains(DEVICE) && error.message().contains("its keys are temporary"),
        "{error}"
    );

    let typed = EnteredKeys {
        access_key_id: session.id.clone(),
        secret_access_key: session.secret.clone().into(),
        session_token: Some(token.into()),
        mfa_device: Some(DEVICE.to_owned()),
    };
    let error = app.add_access_keys(typed).await.expect_err("refused");
    assert_eq!(error.code(), Code::InvalidInput, "{error}");
}

#[tokio::test]
async fn a_second_wrong_code_ends_the_sign_in_with_awss_sentence() {
    let gated = Gated::start().await;
    let id = gated.begin("Safe").await;
    let error = gated
        .ended(id, &["000000", "000001"])
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(
        error.message().contains("invalid MFA one time pass code"),
        "{error}"
    );
    let late = gated.harness.app.enter_mfa_code(id, &MFA_CODE.into());
    assert_eq!(late.expect_err("it has ended").code(), Code::NotFound);
}

#[tokio::test]
async fn typed_keys_with_a_device_are_confirmed_before_they_assume_a_role() {
    let gated = Gated::start().await;
    let ada = gated.harness.clouds.aws_access_key("ada").expect("a user");
    let keys = |device: &str| EnteredKeys {
        access_key_id: ada.id.clone(),
        secret_access_key: ada.secret.clone().into(),
        session_token: None,
        mfa_device: Some(device.to_owned()),
    };
    let app = &gated.harness.app;
    let odd = app.add_access_keys(keys("not a device")).await;
    assert_eq!(odd.expect_err("refused").code(), Code::InvalidInput);
    app.add_access_keys(keys(DEVICE)).await.expect("stored");
    let source = format!("keychain:{}", ada.id);
    let found = caller(app, &source).await.expect("no code is needed");
    assert_eq!(found.arn, ADA);
    app.prepare_role(PrepareRole {
        source: Some(source.parse().expect("a source")),
        ..PrepareRole::default()
    })
    .await
    .expect("prepared");
    let id = app
        .connect(with(ConnectRole {
            role_arn: Some(role("Confirmed")),
            accept_not_enforced: true,
            ..ConnectRole::default()
        }))
        .expect("begun");
    let account = gated.ended(id, &[MFA_CODE]).await.expect("connected");
    app.renew(&account).await.expect("no code is needed");
}
