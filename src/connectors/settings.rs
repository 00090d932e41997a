//! Reads one connector's settings as the catalogue describes them, naming the setting when it cannot be used.

use std::path::{Path, PathBuf};

use domain::{
    ConnectorRef, ConnectorSettings, ConnectorType, SecretRef, Setting, Unavailable, is_loopback,
};
use url::Url;

use crate::http::Limits;

/// The settings of one configured connector, with the catalogue's defaults behind them.
pub(crate) struct Reader<'a> {
    connector: &'a ConnectorRef,
    kind: &'static ConnectorType,
    settings: &'a ConnectorSettings,
}

impl<'a> Reader<'a> {
    /// Reads the settings of a connector.
    pub(crate) fn new(
        connector: &'a ConnectorRef,
        kind: &'static ConnectorType,
        settings: &'a ConnectorSettings,
    ) -> Self {
        Self {
            connector,
            kind,
            settings,
        }
    }

    /// Returns a text that is set, or its default.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        let default = || self.kind.field(key).and_then(|field| field.default);
        self.settings.text(key).map(str::trim).or_else(default)
    }

    /// Returns a text that must be set.
    pub(crate) fn need(&self, key: &str) -> Result<&'a str, Unavailable> {
        self.text(key).ok_or_else(|| self.missing(key))
    }

    /// Returns a yes/no setting, or its default.
    pub(crate) fn flag(&self, key: &str) -> bool {
        let default = || {
            self.text(key)
                .is_some_and(|text| text.eq_ignore_ascii_case("true"))
        };
        self.settings.flag(key).unwrap_or_else(default)
    }

    /// Returns a list joined by blanks, or a text as it is.
    pub(crate) fn words(&self, key: &str) -> Option<String> {
        match self.settings.settings.get(key) {
            Some(Setting::List(words)) if !words.is_empty() => Some(words.join(" ")),
            _ => self.text(key).map(str::to_owned),
        }
    }

    /// Returns the reference of a secret that must be set.
    pub(crate) fn secret(&self, key: &str) -> Result<SecretRef, Unavailable> {
        self.settings
            .secret(key)
            .cloned()
            .ok_or_else(|| self.missing(key))
    }

    /// Returns an address that must be set.
    pub(crate) fn url(&self, key: &str) -> Result<Url, Unavailable> {
        self.parse(key, self.need(key)?)
    }

    /// Returns an address that may be set.
    pub(crate) fn maybe_url(&self, key: &str) -> Result<Option<Url>, Unavailable> {
        self.text(key).map(|text| self.parse(key, text)).transpose()
    }

    /// Returns an address that must be set, and encrypted unless it stays on this machine.
    pub(crate) fn safe_url(&self, key: &str) -> Result<Url, Unavailable> {
        let url = self.url(key)?;
        if url.scheme() == "https" || is_loopback(url.as_str()) {
            return Ok(url);
        }
        Err(self.unusable(
            key,
            &format!("`{url}` is not encrypted and leads to another machine"),
            "Write `https://` in front.",
        ))
    }

    fn parse(&self, key: &str, text: &str) -> Result<Url, Unavailable> {
        let url = Url::parse(text).map_err(|error| {
            self.unusable(
                key,
                &format!("`{text}` is not a URL: {error}"),
                "Write the whole address, with `https://` in front.",
            )
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(self.unusable(
                key,
                &format!("`{text}` is not an http or https address"),
                "Write the whole address, with `https://` in front.",
            ));
        }
        Ok(url)
    }

    /// Returns the connector's bounds.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            request: self.settings.request_timeout,
            connect: self.settings.connect_timeout,
            idle: self.settings.concurrency.max(1),
        }
    }

    /// Returns the file with further authorities; relative to the configuration's folder.
    pub(crate) fn ca_file(&self, base: &Path) -> Option<PathBuf> {
        self.settings.ca_file.as_ref().map(|file| base.join(file))
    }

    /// Tells whether a deactivated Salesforce user keeps its name.
    pub(crate) fn keep_username(&self) -> bool {
        self.settings.keep_username
    }

    /// Says that a setting cannot be used.
    pub(crate) fn unusable(&self, key: &str, cause: &str, advice: &str) -> Unavailable {
        self.unavailable(&format!("the setting {key}: {cause}"), advice)
    }

    /// Says that the connector cannot be used.
    pub(crate) fn unavailable(&self, cause: &str, advice: &str) -> Unavailable {
        Unavailable {
            connector: self.connector.clone(),
            cause: cause.to_owned(),
            advice: advice.to_owned(),
        }
    }

    fn missing(&self, key: &str) -> Unavailable {
        let hint = self.kind.field(key).map_or("", |field| field.hint);
        self.unusable(key, "it is not set", hint)
    }
}
