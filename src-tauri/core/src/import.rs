//! What other tools on this machine know: accounts to sign in to, with their names, and never a token.
//!
//! Each file below has one kind of tool and is the one place that says what its files mean. Their files may hold anything:
//! they are limited in size, nothing waits for a pipe, and every text is cleaned. What is already connected, and signing in,
//! is `app/import.rs`.

mod aws;
mod aws_sso;
mod azure;
mod gcloud;
mod granted;

use std::path::Path;

use serde::Serialize;
use ts_rs::TS;

use crate::account::{Account, AccountId, Cloud, Identity};
use crate::digest::digest;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::other_tools::OtherTools;
use crate::provider::aws::canonical_start_url;
use crate::redirect::Frontend;
use crate::sign_in::FoundOrigin;
use crate::text;
use crate::world::Environment;

/// Longer than any file that these tools write.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// The most accounts that are shown. More is no file of a user.
const MOST_FOUND: usize = 500;
/// The most subscriptions, projects and profiles that one account is shown with.
const MOST_NAMES: usize = 50;

/// What was found, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FoundElsewhere {
    /// The accounts, by cloud and name.
    pub accounts: Vec<FoundAccount>,
    /// Files that name accounts and cannot be read.
    pub unread: Vec<UnreadFile>,
}

/// An account that files of other tools name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FoundAccount {
    /// Its id among those that are found, the same every time.
    pub id: String,
    /// Its cloud.
    pub cloud: Cloud,
    /// Its name there.
    pub name: String,
    /// How to sign in to it.
    pub sign_in: FoundSignIn,
    /// The tools that name it, each with its file.
    pub tools: Vec<FoundIn>,
    /// Its subscriptions, projects or profiles there.
    pub names: Vec<String>,
    /// Why it cannot be signed in to from here, and what to do.
    pub obstacle: Option<String>,
    /// The account here that it is, if it is connected.
    pub connected: Option<AccountId>,
    /// Whether the tool gave it a name of its own, which the account then keeps.
    #[serde(skip)]
    #[ts(skip)]
    pub is_named: bool,
    /// The ids of the targets that the tools name.
    #[serde(skip)]
    #[ts(skip)]
    pub targets: Vec<String>,
}

/// How to sign in to an account that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum FoundSignIn {
    /// A user in an Azure tenant.
    Tenant {
        /// The tenant's id.
        tenant_id: String,
        /// The user.
        username: String,
    },
    /// A Google account.
    Google {
        /// Its address.
        email: String,
    },
    /// AWS IAM Identity Center.
    Portal {
        /// The start URL.
        start_url: String,
        /// Its region, when one is written beside it.
        region: Option<String>,
    },
    /// A role of AWS.
    Role {
        /// Its ARN.
        role_arn: String,
        /// The External ID that it requires.
        external_id: Option<String>,
        /// The profile whose credentials assume it.
        profile: Option<String>,
    },
}

/// A tool that names an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FoundIn {
    /// The tool.
    pub tool: String,
    /// Its file.
    pub file: String,
}

/// A file of a tool that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct UnreadFile {
    /// The tool.
    pub tool: String,
    /// The file.
    pub file: String,
    /// The reason, and what to do.
    pub why: String,
}

impl FoundAccount {
    /// The user that a sign-in page suggests.
    pub fn hint(&self) -> Option<String> {
        match &self.sign_in {
            FoundSignIn::Tenant { username: who, .. } | FoundSignIn::Google { email: who } => {
                Some(who.clone())
            }
            FoundSignIn::Portal { .. } | FoundSignIn::Role { .. } => None,
        }
    }

    /// What a sign-in to it shows of it.
    pub fn origin(&self) -> FoundOrigin {
        FoundOrigin {
            id: self.id.clone(),
            name: self.name.clone(),
            tool: self
                .tools
                .first()
                .map(|found| found.tool.clone())
                .unwrap_or_default(),
            who: text::shown(self.sign_in.who()),
        }
    }

    /// Whether an account here is the one that was found.
    pub fn is(&self, identity: &Identity) -> bool {
        match (&self.sign_in, identity) {
            (
                FoundSignIn::Tenant {
                    tenant_id,
                    username,
                },
                Identity::Azure {
                    tenant_id: tenant,
                    username: user,
                    ..
                },
            ) => tenant_id.eq_ignore_ascii_case(tenant) && username.eq_ignore_ascii_case(user),
            (FoundSignIn::Google { email }, Identity::Gcp { email: address, .. }) => address
                .as_ref()
                .is_some_and(|address| address.eq_ignore_ascii_case(email)),
            (
                FoundSignIn::Portal { start_url, .. },
                Identity::IdentityCenter {
                    start_url: portal,
                    typed_url,
                    ..
                },
            ) => {
                let typed = canonical_start_url(typed_url);
                start_url.eq_ignore_ascii_case(portal)
                    || typed.is_some_and(|typed| typed.eq_ignore_ascii_case(start_url))
            }
            (FoundSignIn::Role { role_arn, .. }, identity) => identity.is_role(role_arn),
            _ => false,
        }
    }

    /// Refuses another user than the one that was found. Portals and roles are what was asked for.
    ///
    /// # Errors
    /// `wrong-user`.
    pub fn require(&self, identity: &Identity) -> Result<()> {
        let names_user = self.hint().is_some();
        if !names_user || self.is(identity) {
            return Ok(());
        }
        let message = format!(
            "{} names {}, but you signed in as {}. Nothing was changed. Try again as that user, or use Connect account for another.",
            self.tools.first().map_or("The file", |found| &found.tool),
            self.sign_in.who(),
            identity.who()
        );
        Err(Error::new(Code::WrongUser, message))
    }

    /// Gives a new row the name and the target that it has there.
    pub fn dress(&self, row: &mut Account) {
        if self.is_named {
            row.custom_name = Some(self.name.clone());
        }
        if let [target] = self.targets.as_slice() {
            row.target = Some(target.clone());
        }
    }
}

impl FoundSignIn {
    /// The cloud that it leads to.
    pub fn cloud(&self) -> Cloud {
        match self {
            Self::Tenant { .. } => Cloud::Azure,
            Self::Google { .. } => Cloud::Gcp,
            Self::Portal { .. } | Self::Role { .. } => Cloud::Aws,
        }
    }

    /// Who or what is signed in to, in readable form.
    pub fn who(&self) -> &str {
        match self {
            Self::Tenant { username, .. } => username,
            Self::Google { email } => email,
            Self::Portal { start_url, .. } => start_url,
            Self::Role { role_arn, .. } => role_arn,
        }
    }

    /// What two files mean when they mean the same.
    fn key(&self) -> [String; 3] {
        let (kind, one, other) = match self {
            Self::Tenant {
                tenant_id,
                username,
            } => ("tenant", tenant_id, username.as_str()),
            Self::Google { email } => ("google", email, ""),
            Self::Portal { start_url, .. } => ("portal", start_url, ""),
            Self::Role { role_arn, .. } => ("role", role_arn, ""),
        };
        // AWS compares the path of a role with its case; two roles that differ in nothing else are shown as one.
        [kind.to_owned(), one.to_lowercase(), other.to_lowercase()]
    }
}

/// Reads what every tool's files name. Nothing is stored, and no file that holds a token is opened.
pub fn found_elsewhere(environment: &Environment, front: Frontend) -> FoundElsewhere {
    let Ok(tools) = OtherTools::of(environment) else {
        return FoundElsewhere::default();
    };
    let mut reader = ToolReader {
        environment,
        front,
        tools,
        found: FoundElsewhere::default(),
    };
    aws::read(&mut reader);
    aws_sso::read(&mut reader);
    granted::read(&mut reader);
    azure::read(&mut reader);
    gcloud::read(&mut reader);
    reader.note_leapp();
    let mut found = reader.found;
    found
        .accounts
        .sort_by_cached_key(|account| (account.cloud, account.name.to_lowercase()));
    found
}

/// The files of the tools, and what they named so far.
struct ToolReader<'a> {
    environment: &'a Environment,
    /// Where the user reads what to do about an obstacle.
    front: Frontend,
    tools: OtherTools<'a>,
    found: FoundElsewhere,
}

/// What a file says of an account.
struct NamedAccount {
    sign_in: FoundSignIn,
    /// The name in the file; none where it gives none.
    name: Option<String>,
    /// What is shown where the file gives no name.
    usual_name: String,
    names: Vec<String>,
    targets: Vec<String>,
    obstacle: Option<String>,
}

impl ToolReader<'_> {
    /// The content of a file; none when there is no such file. What cannot be read is noted.
    fn bytes(&mut self, tool: &str, path: &Path) -> Option<Vec<u8>> {
        match file::read_at_most(path, MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.refuse(tool, path, error.message());
                None
            }
        }
    }

    /// As `bytes`, as text. Some tools begin a file with a byte-order mark.
    fn text(&mut self, tool: &str, path: &Path) -> Option<String> {
        let bytes = self.bytes(tool, path)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.to_owned()),
            Err(_) => {
                self.refuse(tool, path, "It is not UTF-8 text.");
                None
            }
        }
    }

    /// Notes a file that cannot be read.
    fn refuse(&mut self, tool: &str, path: &Path, why: &str) {
        self.found.unread.push(UnreadFile {
            tool: tool.to_owned(),
            file: self.tools.shown(path),
            why: why.to_owned(),
        });
    }

    /// Adds an account, or what a further file says of one.
    fn add(&mut self, tool: &str, path: &Path, entry: NamedAccount) {
        let place = FoundIn {
            tool: tool.to_owned(),
            file: self.tools.shown(path),
        };
        let cleaned = |texts: Vec<String>| {
            let texts = texts.iter().take(MOST_NAMES).map(|text| text::shown(text));
            texts.filter(|text| !text.is_empty()).collect::<Vec<_>>()
        };
        let name = entry.name.map(|name| text::shown(&name));
        let name = name.filter(|name| !name.is_empty());
        let (names, targets) = (cleaned(entry.names), cleaned(entry.targets));
        let [kind, one, other] = entry.sign_in.key();
        let id = digest(["found", &kind, &one, &other])[..8].to_owned();
        if let Some(known) = self.found.accounts.iter_mut().find(|known| known.id == id) {
            if !known.tools.contains(&place) {
                known.tools.push(place);
            }
            for (list, more) in [(&mut known.names, names), (&mut known.targets, targets)] {
                for text in more {
                    if !list.contains(&text) && list.len() < MOST_NAMES {
                        list.push(text);
                    }
                }
            }
            if let Some(name) = name.filter(|_| !known.is_named) {
                (known.name, known.is_named) = (name, true);
            }
            return;
        }
        if self.found.accounts.len() >= MOST_FOUND {
            return;
        }
        self.found.accounts.push(FoundAccount {
            id,
            cloud: entry.sign_in.cloud(),
            is_named: name.is_some(),
            name: name.unwrap_or_else(|| text::shown(&entry.usual_name)),
            sign_in: entry.sign_in,
            tools: vec![place],
            names,
            targets,
            obstacle: entry.obstacle,
            connected: None,
        });
    }

    /// Leapp encrypts its sessions with a key of this machine, and asks no other program in.
    fn note_leapp(&mut self) {
        let path = self.tools.leapp();
        if path.is_file() {
            let why = "Leapp encrypts its sessions with a key of this machine, so they cannot be read. Sign in to them here; \
                       what Leapp wrote to ~/.aws/config is found there.";
            self.refuse("Leapp", &path, why);
        }
    }
}
