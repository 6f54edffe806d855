//! The `scope` parameter as Entra reads it: OpenID Connect scopes beside those of exactly one resource.
//!
//! A permission is written `resource/permission`; a bare one belongs to Microsoft Graph.

use super::refusal::AzureRefusal;

const GRAPH: &str = "https://graph.microsoft.com";

/// Resources that every tenant knows, without a trailing slash.
const RESOURCES: [&str; 6] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
    GRAPH,
    "https://vault.azure.net",
    "https://storage.azure.com",
    "6dae42f8-4368-4678-94ff-3960e28e3630", // Azure Kubernetes Service
];

/// The end of the names of an organisation's own apps: as many resources as a test needs.
const OWN_APPS: &str = ".apps.contoso.example";

/// A request's scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The resource without a trailing slash; Graph when only OpenID Connect scopes were asked for.
    pub(crate) resource: String,
    /// What the token answer says was granted.
    pub(crate) granted: String,
    pub(crate) wants_id_token: bool,
    pub(crate) wants_refresh_token: bool,
}

impl Scope {
    /// Reads `scope`; `resource_manager` is the sandbox's own, known as a resource like the real ones.
    pub(crate) fn parse(scope: &str, resource_manager: &str) -> Result<Self, AzureRefusal> {
        let mut parsed = Self::default();
        let mut permissions = Vec::new();
        let mut resource: Option<&str> = None;
        for word in scope.split_ascii_whitespace() {
            match word {
                "openid" => parsed.wants_id_token = true,
                "offline_access" => parsed.wants_refresh_token = true,
                "profile" | "email" => {}
                _ => {
                    let (owner, permission) = word.rsplit_once('/').unwrap_or((GRAPH, word));
                    let owner = owner.trim_end_matches('/');
                    if *resource.get_or_insert(owner) != owner {
                        return Err(AzureRefusal::new(
                            "invalid_scope",
                            28000,
                            format!(
                                "Provided value for the input parameter scope is not valid because it contains \
                                 more than one resource. Scope {scope} is not valid."
                            ),
                        ));
                    }
                    permissions.push((word, permission));
                }
            }
        }

        let has_default = permissions
            .iter()
            .any(|(_, permission)| *permission == ".default");
        let is_empty = permissions.is_empty() && !parsed.wants_id_token;
        if is_empty || (has_default && permissions.len() > 1) {
            return Err(AzureRefusal::new(
                "invalid_scope",
                70011,
                format!(
                    "The provided request must include a 'scope' input parameter. The provided value for the \
                     input parameter 'scope' is not valid. The scope {scope} is not valid."
                ),
            ));
        }

        let resource = resource.unwrap_or(GRAPH);
        let is_known = RESOURCES.contains(&resource)
            || resource.ends_with(OWN_APPS)
            || resource == resource_manager.trim_end_matches('/');
        if !is_known {
            return Err(AzureRefusal::new(
                "invalid_resource",
                500011,
                format!("The resource principal named {resource} was not found in the tenant."),
            ));
        }
        resource.clone_into(&mut parsed.resource);
        parsed.granted = match permissions.as_slice() {
            [] => "openid profile email".to_owned(),
            [(word, ".default")] => format!("{resource}/user_impersonation {word}"),
            _ => permissions
                .iter()
                .map(|(word, _)| *word)
                .collect::<Vec<_>>()
                .join(" "),
        };
        Ok(parsed)
    }

    /// Whether a token for this scope opens Resource Manager.
    pub(crate) fn opens_resource_manager(&self, resource_manager: &str) -> bool {
        self.resource == RESOURCES[0]
            || self.resource == RESOURCES[1]
            || self.resource == resource_manager.trim_end_matches('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "http://127.0.0.1:4711/";

    #[test]
    fn default_is_answered_with_the_permissions_behind_it() {
        let scope = Scope::parse(
            "https://management.azure.com/.default openid offline_access",
            OURS,
        )
        .expect("one resource");
        assert_eq!(
            scope.granted,
            "https://management.azure.com/user_impersonation https://management.azure.com/.default"
        );
        assert!(
            scope.wants_id_token && scope.wants_refresh_token && scope.opens_resource_manager(OURS)
        );
    }

    #[test]
    fn a_resource_whose_name_ends_in_a_slash_is_asked_for_with_two() {
        let scope = Scope::parse("https://management.core.windows.net//.default", OURS)
            .expect("one resource");
        assert!(scope.opens_resource_manager(OURS));
    }

    #[test]
    fn two_resources_or_none_or_an_unknown_one_are_refused() {
        let code = |scope| {
            Scope::parse(scope, OURS)
                .expect_err("not a valid scope")
                .code
        };
        assert_eq!(
            code("https://management.azure.com/.default https://vault.azure.net/.default"),
            28000
        );
        assert_eq!(
            code("https://management.azure.com/.default User.Read"),
            28000
        );
        assert_eq!(
            code(
                "https://management.azure.com/.default https://management.azure.com/user_impersonation"
            ),
            70011
        );
        assert_eq!(code("profile"), 70011);
        assert_eq!(code("https://nobody.example/.default"), 500011);
    }
}
