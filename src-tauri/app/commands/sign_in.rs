//! The dashboard's commands for connecting accounts. Each calls one use case.

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{Connect, ConnectFound, ConnectPortal, ConnectRole, MfaCode, OnDuplicate};
use mcm_core::import::FoundElsewhere;
use mcm_core::provider::aws::FoundPortal;
use mcm_core::sign_in::SignInId;
use serde::Deserialize;

use super::{Answer, Core, to_view};

#[tauri::command]
pub(super) async fn connect(
    core: Core<'_>,
    cloud: Cloud,
    tenant: Option<String>,
    account: Option<AccountId>,
    role: Option<ConnectRole>,
    portal: Option<ConnectPortal>,
    device_code: Option<bool>,
) -> Answer<SignInId> {
    core.connect(Connect {
        tenant,
        account,
        role,
        portal,
        device_code: device_code.unwrap_or_default(),
        ..Connect::new(cloud)
    })
    .map_err(to_view)
}

#[tauri::command]
pub(super) async fn cancel_sign_in(core: Core<'_>, sign_in: SignInId) -> Answer {
    core.cancel_sign_in(sign_in).map_err(to_view)
}

#[tauri::command]
pub(super) async fn dismiss_sign_in(core: Core<'_>, sign_in: SignInId) -> Answer {
    core.dismiss_sign_in(sign_in);
    Ok(())
}

#[tauri::command]
pub(super) async fn enter_mfa_code(core: Core<'_>, sign_in: SignInId, code: MfaCode) -> Answer {
    core.enter_mfa_code(sign_in, &code).map_err(to_view)
}

#[tauri::command]
pub(super) async fn reopen_browser(core: Core<'_>, sign_in: SignInId) -> Answer {
    core.reopen_browser(sign_in).map_err(to_view)
}

/// What a user can decide about another user's row for the same tenant or address.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Decision {
    Replace,
    KeepBoth,
}

impl From<Decision> for OnDuplicate {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Replace => Self::Replace,
            Decision::KeepBoth => Self::KeepBoth,
        }
    }
}

#[tauri::command]
pub(super) async fn decide_duplicate(
    core: Core<'_>,
    sign_in: SignInId,
    decision: Decision,
) -> Answer {
    core.decide_duplicate(sign_in, decision.into())
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn add_tenant(
    core: Core<'_>,
    account: AccountId,
    tenant_id: String,
) -> Answer<AccountId> {
    core.add_tenant(&account, &tenant_id).await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn found_elsewhere(core: Core<'_>) -> Answer<FoundElsewhere> {
    core.found_elsewhere().map_err(to_view)
}

#[tauri::command]
pub(super) async fn connect_found(
    core: Core<'_>,
    id: String,
    region: Option<String>,
    device_code: Option<bool>,
    accept_not_enforced: Option<bool>,
) -> Answer<SignInId> {
    core.connect_found(ConnectFound {
        region,
        device_code: device_code.unwrap_or_default(),
        accept_not_enforced: accept_not_enforced.unwrap_or_default(),
        ..ConnectFound::new(id)
    })
    .map_err(to_view)
}

#[tauri::command]
pub(super) async fn found_portals(core: Core<'_>) -> Answer<Vec<FoundPortal>> {
    Ok(core.found_portals())
}
