//! What a connector type is and what its target can hold and do, as data for the decision, the lint and the forms.

use url::Url;

use crate::{
    ConnectorKind, ConnectorSettings, Deprovision, Fallback, Field, Form, PasswordRule, is_loopback,
};

/// One connector type: its settings and its target.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorType {
    /// The type's name: `google`, `salesforce`, `scim2`.
    pub kind: &'static str,
    /// The name of WSO2 Identity Server: `googleapps`, `salesforce`, `SCIM2`. Accepted as an alias.
    pub wso2_name: &'static str,
    /// The Console's label.
    pub label: &'static str,
    /// The settings, in display order.
    pub fields: &'static [Field],
    /// What the target can hold and do.
    pub target: TargetSpec,
}

impl ConnectorType {
    /// Returns a setting by its key or its WSO2 property key.
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields
            .iter()
            .find(|field| field.key == key || field.wso2_key == Some(key))
    }

    /// Returns the settings in use that hold an address, with their values; the catalogue's defaults included.
    pub fn addresses<'s>(
        &'static self,
        settings: &'s ConnectorSettings,
    ) -> impl Iterator<Item = (&'static str, &'s str)> {
        let text = move |key: &str| {
            settings.text(key).or_else(|| {
                let default = self.field(key)?.default?;
                (!default.trim().is_empty()).then_some(default)
            })
        };
        // A setting has no meaning unless those that it depends on say so.
        let is_used = move |key: &str| {
            let Some((other, values)) = self.field(key).and_then(|field| field.only_when) else {
                return true;
            };
            let is = match settings.flag(other) {
                Some(flag) => flag.to_string(),
                None => text(other).unwrap_or_default().to_owned(),
            };
            values.iter().any(|value| value.eq_ignore_ascii_case(&is))
        };
        self.target
            .address_settings
            .iter()
            .filter(move |key| is_used(key))
            .filter_map(move |key| Some((*key, text(key)?)))
    }

    /// Returns the address under which a connector with these settings keeps accounts, in a form in which two of them can be
    /// compared; nothing when it has none.
    pub fn account_address(&'static self, settings: &ConnectorSettings) -> Option<String> {
        let first = self.target.address_settings.first()?;
        let (_, address) = self.addresses(settings).find(|(key, _)| key == first)?;
        let address = address.trim();
        // The case of the host and the port that goes without saying are of no matter.
        let read = Url::parse(address).map_or_else(|_| address.to_owned(), String::from);
        Some(read.trim_end_matches('/').to_owned())
    }

    /// Returns the first address outside this machine that a connector with these settings speaks to.
    pub fn outside_address<'s>(
        &'static self,
        settings: &'s ConnectorSettings,
    ) -> Option<(&'static str, &'s str)> {
        self.addresses(settings)
            .find(|(_, address)| !is_loopback(address))
    }
}

/// What a target can hold and do.
#[derive(Debug, Clone, Copy)]
pub struct TargetSpec {
    /// Where a user's remote name comes from.
    pub name: NameRule,
    /// The remote attribute that holds the name: `primaryEmail`, `Username`, `userName`.
    pub name_attribute: &'static str,
    /// The form that a user's name must have.
    pub name_form: Form,
    /// Mappings that hold unless the connection maps the same remote attribute itself.
    pub default_mappings: &'static [DefaultMapping],
    /// Mappings that a connection is offered when a connector of this type is added: what the target asks for and nothing
    /// else provides.
    pub starters: &'static [Starter],
    /// Remote attributes without which a create is refused; the name attribute is always there.
    pub required: &'static [&'static str],
    /// Remote attributes that hold at most so many characters; the name attribute may be among them.
    pub max_lengths: &'static [(&'static str, usize)],
    /// Remote attributes whose value must have a form.
    pub forms: &'static [(&'static str, Form)],
    /// Remote attributes that hold `true` or `false` rather than text.
    pub booleans: &'static [&'static str],
    /// Remote attributes that say whether the account may be used.
    pub active_attributes: &'static [&'static str],
    /// Brings a text, by the name of its attribute, to the form in which the target would call two of them the same:
    /// where the target changes case, or keeps an id at another length.
    pub normal: fn(&str, &str) -> String,
    /// Remote attributes that the connector itself sets, so that mapping them is an error.
    pub reserved: &'static [&'static str],
    /// Whether groups are provisioned.
    pub groups: bool,
    /// Whether a password goes with a create.
    pub password: PasswordRule,
    /// What *deprovision* means unless configured.
    pub default_deprovision: Deprovision,
    /// Whether accounts can be deleted at all.
    pub can_delete: bool,
    /// The setting keys that hold the addresses this connector speaks to, for the loopback check. The first is that of the
    /// accounts: what tells whether two connectors write to the same ones.
    pub address_settings: &'static [&'static str],
}

/// Where a user's remote name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// A provisioning pattern, then the domain rule; the strings are the setting keys.
    Pattern {
        /// The setting with the pattern.
        pattern: &'static str,
        /// The setting with the separator.
        separator: &'static str,
        /// The setting with the domain to append.
        domain: &'static str,
    },
    /// The user name, with the configured user store domain in front when there is one.
    UserName {
        /// The setting with the user store domain.
        store_domain: &'static str,
    },
}

/// A mapping that holds unless the connection says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct DefaultMapping {
    /// The remote attribute.
    pub remote: &'static str,
    /// Where the value comes from.
    pub from: MappedFrom,
    /// What is used when the user has no value.
    pub fallback: Fallback,
}

/// Where a default mapping takes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedFrom {
    /// A fixed claim (short name).
    Claim(&'static str),
    /// The claim that a connector setting names.
    Setting(&'static str),
}

/// A mapping that a connection is offered to begin with; from then on it is the connection's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starter {
    /// The remote attribute.
    pub remote: &'static str,
    /// Where the value comes from.
    pub from: StartsFrom,
}

/// Where an offered mapping takes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartsFrom {
    /// A claim (short name), and what is used when the user has no value.
    Claim(&'static str, Option<&'static str>),
    /// A constant.
    Constant(&'static str),
    /// A constant that only whoever sets the connection up can know; the sentence says what it is and where it is found.
    Asked(&'static str),
}

/// The connector types that exist.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue(pub &'static [ConnectorType]);

impl Catalogue {
    /// Returns a type by its name or its WSO2 name, without regard to case.
    pub fn find(&self, kind: &str) -> Option<&'static ConnectorType> {
        self.0.iter().find(|entry| {
            entry.kind.eq_ignore_ascii_case(kind) || entry.wso2_name.eq_ignore_ascii_case(kind)
        })
    }

    /// Returns the type of a configured connector.
    pub fn of(&self, kind: &ConnectorKind) -> Option<&'static ConnectorType> {
        self.find(&kind.0)
    }
}
