//! The one table of what may stand in `workbench.toml`. The check, the JSON Schema and the reference are made from it.
//!
//! What is here is the shape: which keys, what they hold, whether they must be there. What they mean together is said in
//! `cross` (errors) and `lint` (warnings).

use domain::{Field, FieldKind};

use crate::words::LONGEST_DESCRIPTION;

/// A kind of table: what a person calls it, and its keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) noun: &'static str,
    pub(crate) keys: &'static [Key],
}

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) alias: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) default: Option<&'static str>,
    pub(crate) doc: &'static str,
}

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// What things are told apart by: nothing in it that cannot be seen.
    Name,
    Names,
    /// Text for people.
    Prose {
        most: usize,
    },
    Id,
    Flag,
    Count {
        least: u64,
        most: u64,
    },
    Duration,
    Durations,
    Quota,
    /// A number of bytes with its unit.
    Size,
    /// An address with a port to listen on.
    Listen,
    Url,
    Domain,
    Email,
    Path,
    Pattern,
    Choice(&'static [&'static str]),
    Texts,
    Secret,
    Table(&'static Shape),
    Tables(&'static Shape),
    /// `[[connections.connectors]]`: `CONNECTOR` plus the settings of its type.
    Connectors,
    /// `[mocks]`: one `MOCK` per connector type.
    Mocks,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            alias: None,
            kind,
            required: false,
            default: None,
            doc,
        }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Makes the key of a connector's setting. One that is not shown is not required either.
    pub(crate) fn of(field: &'static Field, shown: bool) -> Self {
        Self {
            name: field.key,
            alias: field.wso2_key,
            kind: field.kind.into(),
            required: field.required && shown && field.default.is_none(),
            default: field.default,
            doc: field.hint,
        }
    }
}

impl From<FieldKind> for Kind {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text | FieldKind::Claim => Self::Name,
            FieldKind::Domain => Self::Domain,
            FieldKind::Email => Self::Email,
            FieldKind::Url => Self::Url,
            FieldKind::Flag => Self::Flag,
            FieldKind::Choice(words) => Self::Choice(words),
            FieldKind::Pattern => Self::Pattern,
            FieldKind::List => Self::Texts,
            FieldKind::Secret | FieldKind::SecretFile => Self::Secret,
        }
    }
}

pub(crate) const ON_FAILURE: &[&str] = &["reject", "accept"];
pub(crate) const DEPROVISION: &[&str] = &["delete", "deactivate"];

pub(crate) static FILE: Shape = Shape {
    noun: "the file",
    keys: &[
        Key::new(
            "organization",
            Kind::Table(&ORGANIZATION),
            "The organization whose users are provisioned.",
        )
        .required(),
        Key::new(
            "connections",
            Kind::Tables(&CONNECTION),
            "External identity providers and targets. Provisioners name them by id.",
        ),
        Key::new(
            "applications",
            Kind::Tables(&APPLICATION),
            "Service providers with their own login flow and, optionally, their own provisioners.",
        ),
        Key::new(
            "resident",
            Kind::Table(&RESIDENT),
            "The resident application: the organization level.",
        ),
        Key::new(
            "rules",
            Kind::Table(&RULES),
            "Rule-based provisioning, for provisioners with `rules = true`.",
        ),
        Key::new("engine", Kind::Table(&ENGINE), "How the engine works."),
        Key::new(
            "mocks",
            Kind::Mocks,
            "The built-in mock targets, by connector type. They listen on loopback only.",
        ),
    ],
};

static ORGANIZATION: Shape = Shape {
    noun: "the organization",
    keys: &[
        Key::new("name", Kind::Name, "The name people see.").required(),
        Key::new(
            "tenant_domain",
            Kind::Name,
            "The tenant domain; patterns use it as TD.",
        )
        .required(),
        Key::new(
            "user_stores",
            Kind::Names,
            "The user store domains that exist. PRIMARY always does.",
        )
        .default("[\"PRIMARY\"]"),
        Key::new(
            "provisioned_stores",
            Kind::Names,
            "The stores whose users are provisioned. Empty means all.",
        )
        .default("[]"),
    ],
};

pub(crate) static CONNECTION: Shape = Shape {
    noun: "a connection",
    keys: &[
        Key::new("id", Kind::Id, "The stable id. Links hang on it: it stays when the name changes.").required(),
        Key::new("name", Kind::Name, "The name people see; patterns use it as IDP. The id, when left out."),
        Key::new("description", Kind::Prose { most: LONGEST_DESCRIPTION }, "What it is for, in 1023 characters at most."),
        Key::new("enabled", Kind::Flag, "A disabled connection provisions nothing.").default("true"),
        Key::new("outbound_roles", Kind::Names, "Outbound Provisioning Roles: only holders of one of them are provisioned, and being given one is a trigger. Empty means everybody.").default("[]"),
        Key::new("attributes", Kind::Tables(&ATTRIBUTE), "Remote attributes and where their values come from."),
        Key::new("jit", Kind::Table(&JIT), "Just-in-Time Provisioning: whether people who log in through it become local users."),
        Key::new("login", Kind::Table(&LOGIN), "How people log in through it. Left out for a connection that is a target only."),
        Key::new("connectors", Kind::Connectors, "The outbound connectors, at most one of each type."),
    ],
};

static ATTRIBUTE: Shape = Shape {
    noun: "an attribute mapping",
    keys: &[
        Key::new(
            "remote",
            Kind::Name,
            "The attribute in the target's words: `LastName`, `name.givenName`.",
        )
        .required(),
        Key::new(
            "local",
            Kind::Name,
            "The claim that provides the value: a short name such as `lastname`, or a URI.",
        ),
        Key::new("default", Kind::Text, "Used when the user has no value."),
        Key::new(
            "value",
            Kind::Text,
            "A constant that a user's value never overrides.",
        ),
        Key::new(
            "on_empty",
            Kind::Choice(&["skip", "clear"]),
            "What an empty local value does to the remote one.",
        )
        .default("\"skip\""),
        Key::new(
            "connector",
            Kind::Text,
            "Limits the mapping to one connector type of the connection.",
        ),
    ],
};

static JIT: Shape = Shape {
    noun: "Just-in-Time Provisioning",
    keys: &[
        Key::new("enabled", Kind::Flag, "Just-in-Time (JIT) User Provisioning.").default("false"),
        Key::new("scheme", Kind::Choice(&["prompt-username-password-consent", "prompt-password-consent", "prompt-consent", "provision-silently"]), "Provisioning scheme.").default("\"provision-silently\""),
        Key::new("user_store", Kind::Name, "User store domain to always provision users.").default("\"PRIMARY\""),
        Key::new("associate_local_user", Kind::Flag, "Enable local account linking: a federated login of a name that exists locally is that user.").default("false"),
        Key::new("skip_when_not_found", Kind::Flag, "Skip user provisioning when no local account is found.").default("false"),
        Key::new("attribute_sync", Kind::Choice(&["override-all", "none", "preserve-local"]), "Attribute synchronization method: what a later login does to the local claims.").default("\"override-all\""),
        Key::new("override_roles", Kind::Flag, "Override existing roles with external IDP group roles.").default("false"),
    ],
};

static LOGIN: Shape = Shape {
    noun: "the login settings",
    keys: &[
        Key::new("protocol", Kind::Choice(&["oidc", "saml"]), "The protocol.").default("\"oidc\""),
        Key::new("client_id", Kind::Name, "Client ID."),
        Key::new("client_secret", Kind::Secret, "Client secret."),
        Key::new(
            "authorization_endpoint",
            Kind::Url,
            "Authorization endpoint URL.",
        ),
        Key::new("token_endpoint", Kind::Url, "Token endpoint URL."),
    ],
};

/// What every connector has, whatever its type.
pub(crate) static CONNECTOR: Shape = Shape {
    noun: "a connector",
    keys: &[
        Key::new(
            "type",
            Kind::Text,
            "The connector type; the names of WSO2 Identity Server are accepted too.",
        )
        .required(),
        Key::new(
            "enabled",
            Kind::Flag,
            "The toggle of the Console. A new connector starts disabled.",
        )
        .default("false"),
        Key::new("paused", Kind::Flag, "Stops sending and keeps the work.").default("false"),
        Key::new(
            "deprovision",
            Kind::Choice(DEPROVISION),
            "What happens to the remote account of a user who is deleted or leaves the scope. The default depends on the type.",
        ),
        Key::new(
            "on_existing",
            Kind::Choice(&["adopt", "fail"]),
            "What happens when an account of that name exists that this workbench did not create.",
        )
        .default("\"fail\""),
        Key::new(
            "keep_username",
            Kind::Flag,
            "Keep the user name of a deactivated Salesforce user instead of freeing it.",
        )
        .default("false"),
        Key::new(
            "ca_file",
            Kind::Path,
            "A PEM file with authorities to trust besides the system's.",
        ),
        Key::new(
            "request_timeout",
            Kind::Duration,
            "The longest that one request may take.",
        )
        .default("\"30s\""),
        Key::new(
            "connect_timeout",
            Kind::Duration,
            "The longest that connecting may take.",
        )
        .default("\"5s\""),
        Key::new(
            "concurrency",
            Kind::Count {
                least: 1,
                most: 1024,
            },
            "How many requests may be in flight at once. Fewer are, while the target shows that it cannot take them.",
        )
        .default("8"),
        Key::new(
            "rate",
            Kind::Quota,
            "How many requests may be sent in a time, as in \"2400/60s\". Left out, only the target sets a limit.",
        ),
        Key::new(
            "learn_limit",
            Kind::Flag,
            "Learn the target's limit from its answers (429, quota, Retry-After) and keep to it.",
        )
        .default("true"),
        Key::new(
            "retry",
            Kind::Table(&RETRY),
            "The retry schedule, when it differs from the engine's.",
        ),
        Key::new(
            "quarantine",
            Kind::Table(&QUARANTINE),
            "When the connector is left alone; what is not named here is as under `[engine.quarantine]`.",
        ),
        Key::new(
            "brakes",
            Kind::Table(&BRAKES),
            "How much may be taken away here; what is not named here is as under `[engine.brakes]`.",
        ),
    ],
};

static RETRY: Shape = Shape {
    noun: "a retry schedule",
    keys: &[
        Key::new(
            "ladder",
            Kind::Durations,
            "The waits after the first, second … failed attempt. The last one repeats.",
        )
        .default("[\"1s\", \"5s\", \"30s\", \"2m\", \"10m\", \"1h\", \"6h\", \"12h\", \"1d\"]"),
        Key::new(
            "give_up_after",
            Kind::Duration,
            "When to stop trying, counted from the first attempt.",
        )
        .default("\"28d\""),
        Key::new(
            "jitter",
            Kind::Flag,
            "Draw each wait between zero and the step. Retry-After is never shortened.",
        )
        .default("true"),
    ],
};

static QUARANTINE: Shape = Shape {
    noun: "the quarantine",
    keys: &[
        Key::new(
            "enabled",
            Kind::Flag,
            "Leave a connector alone, and probe it, when too much fails there.",
        )
        .default("true"),
        Key::new(
            "operations",
            Kind::Count {
                least: 1,
                most: 1_000_000,
            },
            "How many operations must have been tried within the window before their share counts.",
        )
        .default("20"),
        Key::new(
            "failed_percent",
            Kind::Count {
                least: 1,
                most: 100,
            },
            "The share of them that failed, in percent.",
        )
        .default("50"),
        Key::new("window", Kind::Duration, "The time that is looked back on.").default("\"10m\""),
        Key::new(
            "refusals",
            Kind::Count {
                least: 1,
                most: 20,
            },
            "How many operations running that the target refuses for the credentials (401, or a 403 that is no quota) are enough.",
        )
        .default("3"),
        Key::new(
            "probe",
            Kind::Duration,
            "The pause before the first probe. It doubles with every probe that fails.",
        )
        .default("\"1m\""),
        Key::new(
            "probe_at_most",
            Kind::Duration,
            "The longest pause between two probes.",
        )
        .default("\"1h\""),
    ],
};

static BRAKES: Shape = Shape {
    noun: "the brakes",
    keys: &[
        Key::new(
            "enabled",
            Kind::Flag,
            "Keep deletes, deactivations and group removals that are too many at once until somebody approves of them.",
        )
        .default("true"),
        Key::new(
            "percent",
            Kind::Count {
                least: 0,
                most: 100,
            },
            "More than this share of the connector's accounts, in percent, and more than `count` of them.",
        )
        .default("20"),
        Key::new(
            "count",
            Kind::Count {
                least: 0,
                most: 1_000_000,
            },
            "More than so many within the window. Each kind is counted by itself.",
        )
        .default("10"),
        Key::new("window", Kind::Duration, "The time within which they are counted.").default("\"1h\""),
    ],
};

static APPLICATION: Shape = Shape {
    noun: "an application",
    keys: &[
        Key::new("id", Kind::Id, "The stable id.").required(),
        Key::new(
            "name",
            Kind::Name,
            "The name people see. The id, when left out.",
        ),
        Key::new(
            "login",
            Kind::Names,
            "The ids of the connections in its login flow.",
        )
        .default("[]"),
        Key::new(
            "provisioners",
            Kind::Tables(&PROVISIONER),
            "Its own provisioners. Without any, the organization level speaks (see `application_fallback`).",
        ),
    ],
};

static RESIDENT: Shape = Shape {
    noun: "the resident application",
    keys: &[Key::new(
        "provisioners",
        Kind::Tables(&PROVISIONER),
        "The provisioners of the organization level.",
    )],
};

static PROVISIONER: Shape = Shape {
    noun: "a provisioner",
    keys: &[
        Key::new("connection", Kind::Text, "Provisioning Connection: its id.").required(),
        Key::new("connector", Kind::Text, "Provisioning Connector: its type.").required(),
        Key::new(
            "blocking",
            Kind::Flag,
            "The caller waits until the target has confirmed.",
        )
        .default("false"),
        Key::new(
            "rules",
            Kind::Flag,
            "Enable Rules: the policies of `[rules]` must permit.",
        )
        .default("false"),
        Key::new(
            "jit",
            Kind::Flag,
            "JIT Outbound: speak for users who come into being at their first login. Default: true for the resident application, false for others.",
        ),
        Key::new(
            "on_failure",
            Kind::Choice(ON_FAILURE),
            "What a failed blocking operation does to the local change: it is not made, or it stands. The default is the engine's.",
        ),
        Key::new(
            "timeout",
            Kind::Duration,
            "How long a blocking caller waits. The default is the engine's.",
        ),
    ],
};

static RULES: Shape = Shape {
    noun: "the rules",
    keys: &[
        Key::new("policies", Kind::Text, "Cedar policies."),
        Key::new("files", Kind::Texts, "Files with Cedar policies.").default("[]"),
        Key::new(
            "on_deny",
            Kind::Choice(&["keep", "deprovision"]),
            "What a denial does to an account that exists.",
        )
        .default("\"keep\""),
    ],
};

static ENGINE: Shape = Shape {
    noun: "the engine",
    keys: &[
        Key::new(
            "journal",
            Kind::Path,
            "The file that holds the journal and the directory.",
        )
        .default("\"outbound.db\""),
        Key::new(
            "application_fallback",
            Kind::Flag,
            "Whether an application without provisioners uses the organization level.",
        )
        .default("true"),
        Key::new(
            "real_targets",
            Kind::Flag,
            "Whether targets outside this machine may be spoken to.",
        )
        .default("false"),
        Key::new(
            "blocking_timeout",
            Kind::Duration,
            "How long a blocking caller waits when its provisioner does not say.",
        )
        .default("\"30s\""),
        Key::new(
            "on_failure",
            Kind::Choice(ON_FAILURE),
            "What a failed blocking operation does when its provisioner does not say.",
        )
        .default("\"reject\""),
        Key::new(
            "concurrency",
            Kind::Count {
                least: 1,
                most: 4096,
            },
            "How many operations may be in flight at once over all connectors.",
        )
        .default("64"),
        Key::new("retry", Kind::Table(&RETRY), "The retry schedule."),
        Key::new(
            "quarantine",
            Kind::Table(&QUARANTINE),
            "When a connector is sent to no more, and probed, because too much fails there.",
        ),
        Key::new(
            "brakes",
            Kind::Table(&BRAKES),
            "How much may be taken away at one connector before somebody has to approve of it.",
        ),
        Key::new(
            "retention",
            Kind::Table(&RETENTION),
            "How long the journal keeps what has settled. What is owed, dead, in doubt or held is always kept, and so is how each account stands.",
        ),
        Key::new(
            "metrics",
            Kind::Table(&METRICS),
            "Where `outbound serve` tells figures for a monitoring system.",
        ),
        Key::new(
            "traces",
            Kind::Table(&TRACES),
            "Where `outbound serve` sends traces.",
        ),
    ],
};

static RETENTION: Shape = Shape {
    noun: "the retention",
    keys: &[
        Key::new(
            "enabled",
            Kind::Flag,
            "Remove what is old while the engine runs. Without it only `outbound journal compact` does.",
        )
        .default("true"),
        Key::new(
            "flows",
            Kind::Duration,
            "How long a flow is kept after the last thing that happened in it; a day at least. Of the newest change of each account only the exchanges go.",
        )
        .default("\"90d\""),
        Key::new(
            "bodies",
            Kind::Duration,
            "How long the bodies of requests and answers are kept; a day at least.",
        )
        .default("\"30d\""),
        Key::new(
            "size",
            Kind::Size,
            "How large the file may become, as in \"512MiB\" or \"4GiB\": from there on the oldest goes before its time, but for the last day.",
        )
        .default("\"4GiB\""),
    ],
};

pub(crate) static METRICS: Shape = Shape {
    noun: "the metrics",
    keys: &[
        Key::new(
            "listen",
            Kind::Listen,
            "The address, as in \"127.0.0.1:9464\"; nothing is told without one. Read at the start only.",
        ),
        Key::new(
            "expose",
            Kind::Flag,
            "Allow an address that other machines can reach: names of connectors and counts are readable there by anyone.",
        )
        .default("false"),
    ],
};

static TRACES: Shape = Shape {
    noun: "the traces",
    keys: &[Key::new(
        "endpoint",
        Kind::Url,
        "A collector that speaks OTLP over HTTP, as in \"http://127.0.0.1:4318\"; without a path `/v1/traces` is meant. Nothing is sent without one. Read at the start only.",
    )],
};

pub(crate) static MOCK: Shape = Shape {
    noun: "a mock",
    keys: &[
        Key::new("start", Kind::Flag, "Start it with the workbench.").default("true"),
        Key::new(
            "port",
            Kind::Count {
                least: 0,
                most: 65_535,
            },
            "The loopback port; 0 for any free one.",
        )
        .default("0"),
        Key::new(
            "personality",
            Kind::Text,
            "The name of a personality, or the path of one's own.",
        ),
        Key::new(
            "seed",
            Kind::Path,
            "A file with the accounts that exist from the start.",
        ),
        Key::new(
            "quota",
            Kind::Quota,
            "A limit of requests per time, as in \"2400/60s\".",
        ),
        Key::new(
            "licences",
            Kind::Count {
                least: 0,
                most: 1_000_000_000,
            },
            "The number of licences (seats).",
        ),
        Key::new(
            "faults",
            Kind::Texts,
            "Faults armed from the start, each as the command line writes it.",
        )
        .default("[]"),
    ],
};
