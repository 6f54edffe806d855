//! The tenants, users and subscriptions that the Azure stand-in knows.
//!
//! Everything has a GUID made from its name, so tests and screenshots are the same at every start. A directory is
//! built once and does not change while the sandbox runs.

use crate::identifier::guid;

/// Who exists, where they may sign in, and what they see there.
#[derive(Clone, Debug, Default)]
pub struct AzureDirectory {
    tenants: Vec<Tenant>,
    users: Vec<EntraUser>,
}

/// An Entra tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its GUID.
    pub id: String,
    /// The name that users see.
    pub name: String,
    /// Its verified domain.
    pub domain: String,
    /// Whether a sign-in has to pass a second factor here.
    pub demands_second_factor: bool,
    /// Whether an administrator has consented for every user, so that none sees the consent page.
    pub has_admin_consent: bool,
    /// Its subscriptions.
    pub subscriptions: Vec<Subscription>,
}

/// An Azure subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its GUID.
    pub id: String,
    /// The name that users see.
    pub name: String,
    /// `Enabled`, `Disabled`, `Warned`, …
    pub state: String,
    /// The sign-in names of those who may see it.
    pub readers: Vec<String>,
}

/// A user who signs in.
#[derive(Clone, Debug)]
pub struct EntraUser {
    /// The sign-in name, `ada@contoso.example`.
    pub email: String,
    /// The name that users see.
    pub name: String,
    /// The home tenant's GUID.
    pub home: String,
    /// The GUIDs of the tenants that have invited the user.
    pub guest_in: Vec<String>,
}

impl AzureDirectory {
    /// A directory without users.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Ada, Grace and Linus with Contoso, Fabrikam (which demands a second factor) and Northwind.
    pub fn contoso() -> Self {
        let (ada, grace, linus) = (
            "ada@contoso.example",
            "grace@fabrikam.example",
            "linus@contoso.example",
        );
        Self::empty()
            .tenant(
                Tenant::new("Contoso", "contoso.example")
                    .subscription("Production", "Enabled", &[ada, linus])
                    .subscription("Staging", "Enabled", &[ada])
                    .subscription("Sandbox", "Enabled", &[ada])
                    .subscription("Legacy billing", "Disabled", &[ada]),
            )
            .tenant(
                Tenant::new("Fabrikam", "fabrikam.example")
                    .demand_second_factor()
                    .subscription("Fabrikam shared services", "Enabled", &[ada, grace]),
            )
            .tenant(
                Tenant::new("Northwind", "northwind.example")
                    .grant_admin_consent()
                    .subscription("Northwind trading", "Enabled", &[ada])
                    .subscription("Northwind analytics", "Warned", &[ada]),
            )
            .user(
                ada,
                "Ada Lovelace",
                &["fabrikam.example", "northwind.example"],
            )
            .user(grace, "Grace Hopper", &[])
            .user(linus, "Linus Pauling", &[])
    }

    /// One user, `ada@tenant-1.example`, with so many tenants and so many subscriptions in each.
    pub fn of_size(tenants: usize, subscriptions: usize) -> Self {
        let ada = "ada@tenant-1.example";
        let domains: Vec<String> = (1..=tenants.max(1))
            .map(|n| format!("tenant-{n}.example"))
            .collect();
        let mut directory = Self::empty();
        for (index, domain) in domains.iter().enumerate() {
            let mut tenant =
                Tenant::new(&format!("Tenant {}", index + 1), domain).grant_admin_consent();
            for n in 1..=subscriptions {
                tenant = tenant.subscription(
                    &format!("Subscription {}-{n}", index + 1),
                    "Enabled",
                    &[ada],
                );
            }
            directory = directory.tenant(tenant);
        }
        let guest: Vec<&str> = domains.iter().skip(1).map(String::as_str).collect();
        directory.user(ada, "Ada Lovelace", &guest)
    }

    /// Adds a tenant.
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenants.push(tenant);
        self
    }

    /// Adds a user, at home in the tenant of the e-mail's domain and a guest in those of the other domains.
    pub fn user(mut self, email: &str, name: &str, guest_in: &[&str]) -> Self {
        let domain = email.rsplit('@').next().unwrap_or_default();
        self.users.push(EntraUser {
            email: email.to_owned(),
            name: name.to_owned(),
            home: guid(domain),
            guest_in: guest_in.iter().map(|domain| guid(domain)).collect(),
        });
        self
    }

    /// Everybody.
    pub fn users(&self) -> &[EntraUser] {
        &self.users
    }

    /// Every tenant.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// The user with this sign-in name, which is compared without regard to case.
    pub fn find_user(&self, email: &str) -> Option<&EntraUser> {
        self.users
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// The tenant with this GUID or domain.
    pub fn find_tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| {
            tenant.id.eq_ignore_ascii_case(name) || tenant.domain.eq_ignore_ascii_case(name)
        })
    }

    /// The tenants that a user may enter, the home tenant first.
    pub fn tenants_of<'a>(&'a self, user: &'a EntraUser) -> impl Iterator<Item = &'a Tenant> {
        std::iter::once(&user.home)
            .chain(&user.guest_in)
            .filter_map(|id| self.find_tenant(id))
    }
}

impl Tenant {
    /// A tenant whose GUID comes from its domain.
    pub fn new(name: &str, domain: &str) -> Self {
        Self {
            id: guid(domain),
            name: name.to_owned(),
            domain: domain.to_owned(),
            demands_second_factor: false,
            has_admin_consent: false,
            subscriptions: Vec::new(),
        }
    }

    /// Asks everybody for a second factor.
    pub fn demand_second_factor(mut self) -> Self {
        self.demands_second_factor = true;
        self
    }

    /// Spares everybody the consent page.
    pub fn grant_admin_consent(mut self) -> Self {
        self.has_admin_consent = true;
        self
    }

    /// Adds a subscription that `readers` (sign-in names) may see.
    pub fn subscription(mut self, name: &str, state: &str, readers: &[&str]) -> Self {
        self.subscriptions.push(Subscription {
            id: guid(&format!("{}/{name}", self.domain)),
            name: name.to_owned(),
            state: state.to_owned(),
            readers: readers.iter().map(|&reader| reader.to_owned()).collect(),
        });
        self
    }
}

impl EntraUser {
    /// The object id of the user in a tenant: another one in each.
    pub fn object_id(&self, tenant_id: &str) -> String {
        guid(&format!("{tenant_id}/{}", self.email))
    }

    /// Whether the user is a member or a guest of a tenant.
    pub fn may_enter(&self, tenant_id: &str) -> bool {
        self.home == tenant_id || self.guest_in.iter().any(|guest| guest == tenant_id)
    }
}
