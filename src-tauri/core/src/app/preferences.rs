//! What the user chooses: names, colours and stars of accounts, and the settings that a screen can change.

use std::path::Path;
use std::sync::Arc;

use super::App;
use crate::account::{AccountId, COLOURS, Cloud};
use crate::error::{Code, Error, Result};
use crate::provider::{self, Providers};
use crate::settings::{self, Preferences, RedirectKind, Settings, Sourced, Theme};
use crate::text;

/// The longest name that a user can give a row.
const LONGEST_NAME: usize = 80;

impl App {
    /// Renames the row; without a name it gets its cloud's name again.
    ///
    /// # Errors
    /// `invalid-input` for a name that is too long, `not-found`, `storage-*`.
    pub async fn rename(&self, id: &AccountId, name: Option<&str>) -> Result<()> {
        let name = name.map(text::shown).filter(|name| !name.is_empty());
        if name
            .as_ref()
            .is_some_and(|name| name.chars().count() > LONGEST_NAME)
        {
            return Err(Error::new(
                Code::InvalidInput,
                format!("A name can have at most {LONGEST_NAME} characters. Shorten it."),
            ));
        }
        self.edit(id, |account| {
            account.custom_name = name;
            Ok(())
        })
        .await
    }

    /// Gives the row a colour.
    ///
    /// # Errors
    /// `invalid-input` for one that is not in `COLOURS`, `not-found`, `storage-*`.
    pub async fn set_colour(&self, id: &AccountId, colour: Option<&str>) -> Result<()> {
        if let Some(colour) = colour.filter(|colour| !COLOURS.contains(colour)) {
            let message = format!(
                "\"{}\" is not a colour. Choose {}.",
                text::shown(colour),
                COLOURS.join(", ")
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        self.edit(id, |account| {
            account.colour = colour.map(str::to_owned);
            Ok(())
        })
        .await
    }

    /// Adds or removes the row's star.
    ///
    /// # Errors
    /// `not-found`, `storage-*`.
    pub async fn set_star(&self, id: &AccountId, starred: bool) -> Result<()> {
        self.edit(id, |account| {
            account.starred = starred;
            Ok(())
        })
        .await
    }

    /// Saves a cloud's client id in `settings.toml` and uses it at once.
    ///
    /// # Errors
    /// `invalid-input` for an id of the wrong kind, `storage-*`.
    pub fn save_client_id(&self, cloud: Cloud, client_id: &str) -> Result<()> {
        let client_id = client_id.trim();
        if !client_id.is_empty() {
            provider::check_client_id(&self.settings(), cloud, client_id)
                .map_err(|why| Error::new(Code::InvalidInput, format!("The client id {why}")))?;
        }
        self.save(
            cloud.as_str(),
            "client_id",
            Some(client_id).filter(|id| !id.is_empty()),
        )
    }

    /// Saves the path of the JSON file that Google's console offers for an OAuth client, and uses the client at once.
    /// The file stays where it is; none of it is copied.
    ///
    /// # Errors
    /// `invalid-input` for a file of another kind, with the reason; `storage-*`.
    pub fn save_google_client_file(&self, path: &Path) -> Result<()> {
        settings::check_gcp_client_file(path)
            .map_err(|why| Error::new(Code::InvalidInput, format!("The path {why}")))?;
        let path = path.to_str().ok_or_else(|| {
            Error::new(
                Code::InvalidInput,
                "The path of the file is not Unicode text. Rename the file.",
            )
        })?;
        // A client id beside it would win over the one in the file.
        settings::save(
            &self.world.paths.config,
            Cloud::Gcp.as_str(),
            "client_id",
            None,
        )?;
        self.save(Cloud::Gcp.as_str(), "client_secret_file", Some(path))
    }

    /// Saves a cloud's redirect method.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_redirect(&self, cloud: Cloud, redirect: RedirectKind) -> Result<()> {
        let value = match redirect {
            RedirectKind::DeepLink => "deep-link",
            RedirectKind::Loopback => "loopback",
        };
        self.save(cloud.as_str(), "redirect", Some(value))
    }

    /// Saves the preferences for the app's appearance and behaviour.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_preferences(&self, preferences: &Preferences) -> Result<()> {
        let theme = match preferences.theme {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        };
        settings::save(&self.world.paths.config, "app", "theme", theme)?;
        let config = &self.world.paths.config;
        settings::save(config, "app", "sort", Some(preferences.sort.as_str()))?;
        settings::save(config, "app", "group", Some(preferences.group.as_str()))?;
        for (key, value) in [
            ("welcomed", preferences.welcomed),
            ("notify", preferences.notify),
        ] {
            settings::save_flag(config, "app", key, value)?;
        }
        self.reload_settings();
        Ok(())
    }

    /// The saved keys that open the switcher.
    pub fn shortcut(&self) -> Option<String> {
        self.settings().shortcut.clone()
    }

    /// Saves the keys that open the switcher; none removes them. The shell decides which keys are valid.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_shortcut(&self, keys: Option<&str>) -> Result<()> {
        self.save("app", "shortcut", keys)
    }

    /// The programs that open web pages for this app, instead of the system's browser, and where they were read.
    pub fn browser(&self) -> Option<Sourced> {
        self.settings().browser.clone()
    }

    /// Saves the program that opens web pages for this app; none is the system's browser. The shell knows which programs
    /// are browsers.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_browser(&self, program: Option<&str>) -> Result<()> {
        self.save("app", "browser", program)
    }

    fn save(&self, section: &str, key: &str, value: Option<&str>) -> Result<()> {
        settings::save(&self.world.paths.config, section, key, value)?;
        self.reload_settings();
        Ok(())
    }

    pub(super) fn reload_settings(&self) {
        let settings = Arc::new(Settings::load(
            &self.world.paths.config,
            &self.world.environment,
        ));
        let providers = Providers::new(&settings, &self.world.http, self.world.clock.clone());
        {
            let mut state = self.state();
            state.settings = settings;
            state.providers = providers;
        }
        self.publish();
    }
}
