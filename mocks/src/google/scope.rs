//! The OAuth scopes of the Directory API, as a set.
//!
//! Source: discovery document `admin:directory_v1`, revision 20261104, `auth.oauth2.scopes`.

const PREFIX: &str = "https://www.googleapis.com/auth/";

/// Every scope, without its prefix; a scope's place is its bit.
const ALL: [&str; 29] = [
    "admin.directory.user",
    "admin.directory.user.readonly",
    "admin.directory.user.alias",
    "admin.directory.user.alias.readonly",
    "admin.directory.user.security",
    "admin.directory.group",
    "admin.directory.group.readonly",
    "admin.directory.group.member",
    "admin.directory.group.member.readonly",
    "admin.directory.orgunit",
    "admin.directory.orgunit.readonly",
    "admin.directory.customer",
    "admin.directory.customer.readonly",
    "admin.directory.domain",
    "admin.directory.domain.readonly",
    "cloud-platform",
    "admin.directory.userschema",
    "admin.directory.userschema.readonly",
    "admin.directory.rolemanagement",
    "admin.directory.rolemanagement.readonly",
    "admin.directory.resource.calendar",
    "admin.directory.resource.calendar.readonly",
    "admin.directory.device.chromeos",
    "admin.directory.device.chromeos.readonly",
    "admin.directory.device.mobile",
    "admin.directory.device.mobile.action",
    "admin.directory.device.mobile.readonly",
    "admin.chrome.printers",
    "admin.chrome.printers.readonly",
];

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scopes(u32);

impl Scopes {
    pub(super) const NONE: Self = Self(0);
    pub(super) const USER: Self = Self(1);
    pub(super) const USER_READ: Self = Self(0b11 | 1 << 15);
    pub(super) const USER_GET: Self = Self(0b11);
    pub(super) const ALIAS: Self = Self(0b101);
    pub(super) const ALIAS_READ: Self = Self(0b1111);
    pub(super) const SECURITY: Self = Self(1 << 4);
    pub(super) const GROUP: Self = Self(1 << 5);
    pub(super) const GROUP_READ: Self = Self(0b11 << 5);
    pub(super) const MEMBER: Self = Self(1 << 5 | 1 << 7);
    pub(super) const MEMBER_READ: Self = Self(0b1111 << 5);
    pub(super) const ORGUNIT_READ: Self = Self(0b11 << 9);
    pub(super) const ORGUNIT: Self = Self(1 << 9);
    pub(super) const SCHEMA: Self = Self(1 << 16);
    pub(super) const SCHEMA_READ: Self = Self(0b11 << 16);
    pub(super) const CUSTOMER_READ: Self = Self(0b11 << 11);
    pub(super) const DOMAIN_READ: Self = Self(0b11 << 13);

    /// Every scope that a service account of the mock was delegated: all of the API, but not `cloud-platform`.
    pub(super) const DELEGATED: Self = Self(((1 << ALL.len()) - 1) & !(1 << 15));

    /// Finds one scope by its address.
    pub(super) fn find(scope: &str) -> Option<Self> {
        let name = scope.strip_prefix(PREFIX)?.trim_end_matches('/');
        ALL.iter()
            .position(|known| *known == name)
            .map(|bit| Self(1 << bit))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_sets_are_what_the_discovery_document_lists() {
        let set = |names: &[&str]| {
            names.iter().fold(Scopes::NONE, |set, name| {
                set.and(Scopes::find(&format!("{PREFIX}{name}")).expect("a known scope"))
            })
        };
        assert_eq!(Scopes::USER, set(&["admin.directory.user"]));
        assert_eq!(
            Scopes::USER_GET,
            set(&["admin.directory.user", "admin.directory.user.readonly"])
        );
        assert_eq!(
            Scopes::USER_READ,
            set(&[
                "admin.directory.user",
                "admin.directory.user.readonly",
                "cloud-platform"
            ])
        );
        assert_eq!(
            Scopes::ALIAS,
            set(&["admin.directory.user", "admin.directory.user.alias"])
        );
        assert_eq!(
            Scopes::ALIAS_READ,
            set(&[
                "admin.directory.user",
                "admin.directory.user.alias",
                "admin.directory.user.alias.readonly",
                "admin.directory.user.readonly"
            ])
        );
        assert_eq!(Scopes::SECURITY, set(&["admin.directory.user.security"]));
        assert_eq!(Scopes::GROUP, set(&["admin.directory.group"]));
        assert_eq!(
            Scopes::GROUP_READ,
            set(&["admin.directory.group", "admin.directory.group.readonly"])
        );
        assert_eq!(
            Scopes::MEMBER,
            set(&["admin.directory.group", "admin.directory.group.member"])
        );
        assert_eq!(
            Scopes::MEMBER_READ,
            set(&[
                "admin.directory.group",
                "admin.directory.group.member",
                "admin.directory.group.member.readonly",
                "admin.directory.group.readonly"
            ])
        );
        assert_eq!(
            Scopes::ORGUNIT_READ,
            set(&[
                "admin.directory.orgunit",
                "admin.directory.orgunit.readonly"
            ])
        );
        assert_eq!(Scopes::ORGUNIT, set(&["admin.directory.orgunit"]));
        assert_eq!(Scopes::SCHEMA, set(&["admin.directory.userschema"]));
        assert_eq!(
            Scopes::SCHEMA_READ,
            set(&[
                "admin.directory.userschema",
                "admin.directory.userschema.readonly"
            ])
        );
        assert_eq!(
            Scopes::CUSTOMER_READ,
            set(&[
                "admin.directory.customer",
                "admin.directory.customer.readonly"
            ])
        );
        assert_eq!(
            Scopes::DOMAIN_READ,
            set(&["admin.directory.domain", "admin.directory.domain.readonly"])
        );
        assert!(
            !Scopes::find(&format!("{PREFIX}cloud-platform"))
                .expect("known")
                .within(Scopes::DELEGATED)
        );
    }
}
