//! The accounts, users and roles that the AWS stand-in knows, and the trust policies of the roles.
//!
//! A trust policy is given in its parts rather than as a JSON document: who is trusted, and on which condition.
//! Account numbers are those that Amazon's own documentation uses for examples.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Account of the users.
pub const IDENTITY_ACCOUNT: &str = "111122223333";
/// Account with most of the roles.
pub const PRODUCTION_ACCOUNT: &str = "444455556666";
/// Account without an alias.
pub const STAGING_ACCOUNT: &str = "777788889999";

/// Who exists, and which roles there are.
#[derive(Clone, Debug, Default)]
pub struct AwsDirectory {
    pub(super) accounts: Vec<Account>,
    pub(super) users: Vec<User>,
    pub(super) roles: Vec<Role>,
}

/// An AWS account. The first one of a directory manages the organisation.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its name in the organisation.
    pub name: String,
    /// Its alias, if it has one.
    pub alias: Option<String>,
}

/// An IAM user.
#[derive(Clone, Debug)]
pub struct User {
    /// The account's twelve digits.
    pub account: String,
    /// The user's name.
    pub name: String,
    /// Whether the user's own policy lets it assume roles.
    pub may_assume: bool,
    /// Whether the request was made with a session that the user's MFA device confirmed.
    pub used_mfa: bool,
}

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Role {
    /// The account's twelve digits.
    pub account: String,
    /// The role's name, without a path.
    pub name: String,
    /// The statements of its trust policy; one that fits is enough.
    pub trust: Vec<Statement>,
    /// `MaxSessionDuration`, in seconds.
    #[serde(default = "one_hour")]
    pub max_session: u32,
    /// Whether a session of the role may assume other roles.
    #[serde(default)]
    pub may_assume: bool,
    /// Whether a session of the role may read the account's alias and, in the management account, the organisation.
    #[serde(default)]
    pub reads_accounts: bool,
    /// When the role comes into being for those who ask.
    #[serde(default)]
    pub appears: Appears,
}

/// A statement of a trust policy that allows `sts:AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Statement {
    /// Who is trusted.
    pub principal: Trusted,
    /// On which condition.
    #[serde(default)]
    pub condition: Condition,
}

/// The principal of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trusted {
    /// One user or role, by ARN.
    Arn(String),
    /// Everybody in an account whose own policy allows it (`arn:aws:iam::ACCOUNT:root`).
    Account(String),
    /// Everybody whose own policy allows it (`*`).
    AnyPrincipal,
}

/// The condition of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// None: the External ID is ignored.
    #[default]
    None,
    /// `StringEquals` on `sts:ExternalId`.
    ExternalId(Wanted),
    /// `Bool` on `aws:MultiFactorAuthPresent`: the caller confirmed its session with its MFA device.
    Mfa,
    /// `StringEqualsIfExists` on `sts:ExternalId`, which a request without one passes.
    ExternalIdIfExists(Wanted),
}

/// The External ID that a condition compares with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// This one.
    Exactly(String),
    /// The first one that a trusted principal sends, as if the role had just been created from the app's template.
    FirstSeen,
}

/// When a role comes into being; until then it looks like one that does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Appears {
    /// It has always been there.
    #[default]
    Always,
    /// After so many requests have been refused.
    AfterRefusals(u32),
    /// At this time.
    At(Timestamp),
}

fn one_hour() -> u32 {
    3600
}

impl AwsDirectory {
    /// Two users of Contoso and roles of every kind: good ones, and those that a careful client refuses.
    pub fn contoso() -> Self {
        let ada = User {
            account: IDENTITY_ACCOUNT.into(),
            name: "ada".into(),
            may_assume: true,
            used_mfa: false,
        };
        let grace = User {
            account: IDENTITY_ACCOUNT.into(),
            name: "grace".into(),
            may_assume: false,
            used_mfa: false,
        };
        let trusts_ada = |condition| Statement {
            principal: Trusted::Arn(ada.arn()),
            condition,
        };
        let enforced = || trusts_ada(Condition::ExternalId(Wanted::FirstSeen));
        let production = |name: &str| Role::new(PRODUCTION_ACCOUNT, name);

        let reader = production("Reader")
            .trust(enforced())
            .read_accounts()
            .allow_assuming();
        let hop = Trusted::Arn(reader.arn());
        let roles = vec![
            production("LongReader").trust(enforced()).last(12 * 3600),
            production("IgnoringReader").trust(trusts_ada(Condition::None)),
            production("LenientReader")
                .trust(trusts_ada(Condition::ExternalIdIfExists(Wanted::FirstSeen))),
            production("LeakyReader")
                .trust(enforced())
                .trust(Statement {
                    principal: Trusted::AnyPrincipal,
                    condition: Condition::None,
                }),
            production("ForeignReader").trust(Statement {
                principal: Trusted::Account("999988887777".into()),
                condition: Condition::None,
            }),
            production("LateReader")
                .trust(enforced())
                .appear(Appears::AfterRefusals(2)),
            Role::new(STAGING_ACCOUNT, "Reader").trust(enforced()),
            Role::new(STAGING_ACCOUNT, "Chained")
                .trust(Statement {
                    principal: hop,
                    condition: Condition::None,
                })
                .last(12 * 3600),
            Role::new(IDENTITY_ACCOUNT, "Auditor")
                .trust(Statement {
                    principal: Trusted::Account(IDENTITY_ACCOUNT.into()),
                    condition: Condition::ExternalId(Wanted::FirstSeen),
                })
                .read_accounts(),
            reader,
        ];
        Self {
            accounts: vec![
                Account::new(
                    IDENTITY_ACCOUNT,
                    "Contoso identity",
                    Some("contoso-identity"),
                ),
                Account::new(
                    PRODUCTION_ACCOUNT,
                    "Contoso production",
                    Some("contoso-production"),
                ),
                Account::new(STAGING_ACCOUNT, "Contoso staging", None),
            ],
            users: vec![ada, grace],
            roles,
        }
    }

    /// Adds an account.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Adds a user.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a role.
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }
}

impl Account {
    /// An account by its twelve digits.
    pub fn new(id: &str, name: &str, alias: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            alias: alias.map(str::to_owned),
        }
    }
}

impl User {
    /// The ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account, self.name)
    }

    /// The ARN of the user's MFA device.
    pub fn mfa_serial(&self) -> String {
        format!("arn:aws:iam::{}:mfa/{}", self.account, self.name)
    }

    /// The unique id, `AIDA…`.
    pub(super) fn id(&self) -> String {
        unique_id("AIDA", &self.arn())
    }
}

impl Role {
    /// A role that trusts no one yet and whose sessions last an hour at most.
    pub fn new(account: &str, name: &str) -> Self {
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            trust: Vec::new(),
            max_session: one_hour(),
            may_assume: false,
            reads_accounts: false,
            appears: Appears::Always,
        }
    }

    /// Adds a statement to the trust policy.
    pub fn trust(mut self, statement: Statement) -> Self {
        self.trust.push(statement);
        self
    }

    /// Sets `MaxSessionDuration`.
    pub fn last(mut self, seconds: u32) -> Self {
        self.max_session = seconds;
        self
    }

    /// Lets sessions of the role assume other roles.
    pub fn allow_assuming(mut self) -> Self {
        self.may_assume = true;
        self
    }

    /// Lets sessions of the role read account names.
    pub fn read_accounts(mut self) -> Self {
        self.reads_accounts = true;
        self
    }

    /// Sets when the role comes into being.
    pub fn appear(mut self, appears: Appears) -> Self {
        self.appears = appears;
        self
    }

    /// The ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role/{}", self.account, self.name)
    }

    /// The unique id, `AROA…`.
    pub(super) fn id(&self) -> String {
        unique_id("AROA", &self.arn())
    }
}

/// IAM's unique ids: a prefix for the kind, and 17 characters.
fn unique_id(prefix: &str, name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let rest: String = digest
        .iter()
        .take(17)
        .map(|byte| char::from(b'A' + byte % 26))
        .collect();
    format!("{prefix}{rest}")
}
