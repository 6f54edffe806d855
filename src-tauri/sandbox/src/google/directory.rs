//! The users and projects that the Google stand-in knows.
//!
//! Numbers are made from names, so tests and screenshots are the same at every start. Google has no list of tenants:
//! a user is known by a number, and sees projects.

use sha2::{Digest as _, Sha256};

/// Who exists, and what they see.
#[derive(Clone, Debug, Default)]
pub struct GoogleDirectory {
    users: Vec<GoogleUser>,
}

/// A user who signs in.
#[derive(Clone, Debug)]
pub struct GoogleUser {
    /// The `sub` of the user's id tokens, 21 digits.
    pub subject: String,
    /// The e-mail address.
    pub email: String,
    /// The name that users see.
    pub name: String,
    /// The Workspace domain (`hd`), unless the account is a personal one.
    pub hosted_domain: Option<String>,
    /// The projects that the user may see.
    pub projects: Vec<Project>,
}

/// A Google Cloud project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its number.
    pub number: String,
    /// Its id, `contoso-production`.
    pub id: String,
    /// The name that users see.
    pub name: String,
    /// `organizations/…` or `folders/…`; personal projects have none.
    pub parent: Option<String>,
    /// `ACTIVE` or `DELETE_REQUESTED`.
    pub state: String,
}

impl GoogleDirectory {
    /// A directory without users.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Ada with five projects of her employer, Ada the freelancer with one of her own, and Tim with none.
    pub fn contoso() -> Self {
        let organisation = format!("organizations/{}", digits("contoso.example", 12));
        let folder = |name: &str| format!("folders/{}", digits(name, 12));
        let ada = GoogleUser::new(
            "ada@contoso.example",
            "Ada Lovelace",
            Some("contoso.example"),
        )
        .project(Project::new(
            "contoso-production",
            "Contoso production",
            Some(&folder("online")),
        ))
        .project(Project::new(
            "contoso-staging",
            "Contoso staging",
            Some(&folder("online")),
        ))
        .project(Project::new(
            "contoso-analytics",
            "Contoso analytics",
            Some(&folder("research")),
        ))
        .project(Project::new(
            "contoso-shared",
            "Contoso shared services",
            Some(&organisation),
        ))
        .project(
            Project::new("contoso-retired", "Contoso retired", Some(&organisation))
                .delete_requested(),
        );
        let freelancer = GoogleUser::new("ada.freelance@example.net", "Ada Lovelace", None)
            .project(Project::new("analytical-engine", "Analytical engine", None));
        let tim = GoogleUser::new(
            "tim@contoso.example",
            "Tim Berners",
            Some("contoso.example"),
        );
        Self::empty().user(ada).user(freelancer).user(tim)
    }

    /// One user, `ada@contoso.example`, with so many projects.
    pub fn of_size(projects: usize) -> Self {
        let mut ada = GoogleUser::new(
            "ada@contoso.example",
            "Ada Lovelace",
            Some("contoso.example"),
        );
        for n in 1..=projects {
            ada = ada.project(Project::new(
                &format!("contoso-{n:05}"),
                &format!("Contoso {n}"),
                None,
            ));
        }
        Self::empty().user(ada)
    }

    /// Adds a user.
    pub fn user(mut self, user: GoogleUser) -> Self {
        self.users.push(user);
        self
    }

    /// Everybody.
    pub fn users(&self) -> &[GoogleUser] {
        &self.users
    }

    /// The user with this e-mail address or subject.
    pub fn find_user(&self, hint: &str) -> Option<&GoogleUser> {
        self.users
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(hint) || user.subject == hint)
    }
}

impl GoogleUser {
    /// A user without projects, whose subject comes from the address.
    pub fn new(email: &str, name: &str, hosted_domain: Option<&str>) -> Self {
        Self {
            subject: digits(email, 21),
            email: email.to_owned(),
            name: name.to_owned(),
            hosted_domain: hosted_domain.map(str::to_owned),
            projects: Vec::new(),
        }
    }

    /// Adds a project that the user may see.
    pub fn project(mut self, project: Project) -> Self {
        self.projects.push(project);
        self
    }
}

impl Project {
    /// An active project, whose number comes from its id.
    pub fn new(id: &str, name: &str, parent: Option<&str>) -> Self {
        Self {
            number: digits(id, 12),
            id: id.to_owned(),
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            state: "ACTIVE".to_owned(),
        }
    }

    /// Marks the project as about to be deleted, which hides it from those who ask for active ones.
    pub fn delete_requested(mut self) -> Self {
        "DELETE_REQUESTED".clone_into(&mut self.state);
        self
    }
}

/// A number of so many digits, always the same one for the same name.
fn digits(name: &str, count: usize) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let digits = digest.iter().map(|byte| char::from(b'0' + byte % 10));
    std::iter::once('1').chain(digits).take(count).collect()
}
