//! Why nothing is done, or why an operation is held: a closed list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Step;

/// Declares the list once: variant, code, step, sentence, fix.
macro_rules! reasons {
    ($($variant:ident $code:literal $step:ident $sentence:literal $fix:literal;)+) => {
        /// A reason code. Each has one sentence, a fix, and the step it belongs to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $sentence] #[serde(rename = $code)] $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the steps.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the code used in TOML, JSON, traces and documents.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Returns the step that it belongs to.
            pub fn step(self) -> Step {
                match self { $(Self::$variant => Step::$step),+ }
            }

            /// Returns what it means, in one sentence.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }

            /// Returns what to do when it is not what was wanted.
            pub fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix),+ }
            }
        }
    };
}

reasons! {
    NoProvisioners "no-provisioners" Level
        "No level lists a provisioner for this trigger."
        "Add a provisioner under [[resident.provisioners]] or to the application.";
    RoleNotNamed "role-not-named" Level
        "No connection names the role among its outbound roles, so nothing follows from it."
        "Name the role in the `outbound_roles` of a connection, and list that connection as a provisioner.";
    ApplicationHasOwnProvisioners "application-has-own-provisioners" Level
        "The application lists provisioners of its own, so the organization level does not speak."
        "Add the connector to the application's provisioners too, if it is wanted there.";
    ConnectionUnknown "connection-unknown" Level
        "The provisioner names a connection that is not configured."
        "Correct the provisioner's `connection`, or add the connection.";
    ConnectionDisabled "connection-disabled" Level
        "The connection is disabled."
        "Set `enabled = true` on the connection.";
    ConnectorUnknown "connector-unknown" Level
        "The connection has no connector of that type."
        "Correct the provisioner's `connector`, or add the connector to the connection.";
    ConnectorDisabled "connector-disabled" Level
        "The connector's toggle is off."
        "Set `enabled = true` on the connector; accounts of users who left meanwhile are listed by `outbound links leftover`.";
    RealTargetNotAllowed "real-target-not-allowed" Level
        "The connector speaks to an address outside this machine, and that is not allowed here."
        "Set `real_targets = true` under [engine] when the real target is meant.";
    GroupsNotSupported "groups-not-supported" Level
        "The target keeps no groups that could be provisioned."
        "Provision groups to a SCIM2 connector with a group endpoint.";
    JitOutboundOff "jit-outbound-off" Scope
        "The user came by just-in-time provisioning and *JIT Outbound* is off on the provisioner."
        "Set `jit = true` on the provisioner.";
    JitDisabledOnConnection "jit-disabled-on-connection" Scope
        "Just-in-time provisioning is off on the connection of the login, so no local user came of it."
        "Set `enabled = true` under the connection's [connections.jit].";
    UserStoreNotProvisioned "user-store-not-provisioned" Scope
        "Users of this user store are not provisioned."
        "Add the store to `provisioned_stores` under [organization].";
    RoleNotHeld "role-not-held" Scope
        "The user holds none of the connection's outbound roles."
        "Assign one of the roles, or change `outbound_roles` of the connection.";
    RuleDenied "rule-denied" Scope
        "The rules do not permit it."
        "Read which policy decided, and change [rules] or the user.";
    RuleError "rule-error" Scope
        "A rule could not be evaluated, so it is not permitted."
        "Correct the policy that the trace names.";
    NameCollision "name-collision" Map
        "Another local user already has, or is about to get, the same remote name."
        "Make the provisioning pattern tell them apart (UD, TD), or rename one of the two.";
    PatternInvalid "pattern-invalid" Map
        "The provisioning pattern cannot be used, or makes a name that the target does not take."
        "Write tokens UN, UD, TD, IDP, separated by commas inside one pair of braces; or give the user a name that fits.";
    AttributeMissing "attribute-missing" Map
        "An attribute has no value that the target takes: it is missing, too long, or of another form."
        "Map it where it is not mapped: Attributes of the connection, [[connections.attributes]]. Else give the user the claim, correct its value, or give the mapping a `default` or `value`.";
    PasswordNotProvisioned "password-not-provisioned" Map
        "The password changed, and this connector does not provision passwords."
        "Turn on password provisioning on a SCIM2 connector.";
    NeverProvisioned "never-provisioned" Shape
        "There is nothing to take away: the user has no account there that came from here."
        "Nothing to do; an account that was made by hand is taken over by `on_existing = \"adopt\"` at the next create.";
    Unchanged "unchanged" Shape
        "Nothing differs from what was last written."
        "Nothing to do.";
    Paused "paused" Send
        "The connector is paused: nothing is sent there, and what is owed is kept."
        "Run `outbound connector resume CONNECTION/CONNECTOR`, or set `paused = false` on the connector.";
    Quarantined "quarantined" Send
        "The connector is in quarantine after too many failures: nothing is sent there, and what is owed is kept."
        "Mend the cause that the quarantine names, or release it.";
    BrakeEngaged "brake-engaged" Send
        "Too many accounts would be taken away at once: what is owed of that waits for an approval."
        "Look at the list and approve it, or discard it. A change that was refused for it is not tried again by itself: make it again after the approval.";
    AccountShared "account-shared" Send
        "Another connector to the same target keeps the same account, so the account stays and only the link ends."
        "Nothing to do when the two are meant to share it; else give one of the two connectors an address, a domain or a user store domain of its own.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Reason {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.code() == code)
            .ok_or_else(|| format!("`{code}` is not a reason code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_contract_and_every_code_reads_back() {
        assert_eq!(Reason::ALL.len(), 25);
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse::<Reason>(), Ok(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
    }
}
