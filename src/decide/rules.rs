//! Rules: Cedar policies over principal, action, resource and context.
//!
//! | in a policy | means |
//! |---|---|
//! | `principal` | `User`; `.name`, `.store`, `.claims.department` (first value), `.values.department` (all values), `.roles`, `.groups`; `in Role::"Internal/manager"`, `in Group::"SALES/leads"` |
//! | `action` | `Action::"create"`, `Action::"update"`, `Action::"deprovision"` |
//! | `resource` | `Connector::"corp-scim/scim2"`; `.connection`, `.connector`; `in Connection::"corp-scim"` |
//! | `context` | `.application` (empty when there is none), `.source`, `.trigger`, `.time` |
//!
//! A claim that the user does not have makes the evaluation fail unless the policy asks `has` first; a failed evaluation
//! never permits. Claims of another dialect are written `principal.claims["urn:…"]`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId,
    PolicySet, RestrictedExpression, Schema, ValidationMode, Validator,
};
use domain::{PolicyText, Rules, Trigger, User, Verb};
use miette::Diagnostic;
use serde_json::{Value, json};

use crate::target::Target;

/// The compiled policies of `[rules]`, prepared once.
#[derive(Debug, Default)]
pub struct Policies {
    set: PolicySet,
    authorizer: Authorizer,
    /// What a policy is called in a trace.
    names: HashMap<PolicyId, String>,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{from}, line {line} of the policies, column {column}: {cause}")]
pub struct PolicyError {
    /// Where the text was read, as [`PolicyText::from`].
    pub from: String,
    /// The line within the text, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub cause: String,
    /// The offending piece of the text; empty when the place is not known.
    pub offending: String,
    /// How to write it, or the name that was probably meant.
    pub help: Option<String>,
}

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Permitted, by the named policies.
    Permitted(String),
    /// Denied, by the named policies or for want of a permit.
    Denied(String),
    /// A policy could not be evaluated.
    Failed(String),
}

/// One question to the policies.
pub(crate) struct Request<'a> {
    pub(crate) user: &'a User,
    pub(crate) action: Verb,
    pub(crate) target: &'a Target<'a>,
    pub(crate) trigger: &'a Trigger,
}

impl Policies {
    /// Parses and type-checks the policies.
    ///
    /// # Errors
    /// Every [`PolicyError`] of every text, in order.
    pub fn compile(rules: &Rules) -> Result<Self, Vec<PolicyError>> {
        let mut policies = Self::default();
        let mut errors = Vec::new();
        for text in &rules.policies {
            match parse(text) {
                Ok(set) => policies.add(text, &set, &mut errors),
                Err(found) => errors.extend(found),
            }
        }
        if errors.is_empty() {
            Ok(policies)
        } else {
            Err(errors)
        }
    }

    /// Adds the policies of one text under the names that traces use: the `@id` annotation, else the position.
    fn add(&mut self, text: &PolicyText, set: &PolicySet, errors: &mut Vec<PolicyError>) {
        for (position, policy) in in_order(set).into_iter().enumerate() {
            let (id, name) = match policy.annotation("id") {
                Some(id) => (id.to_owned(), format!("{id} ({})", text.from)),
                None => (
                    format!("{}#{}", text.from, self.names.len() + 1),
                    format!("policy {} of {}", position + 1, text.from),
                ),
            };
            let id = PolicyId::new(&id);
            if let Some(first) = self.names.get(&id) {
                let cause = format!("two policies have the id {id}; the first is {first}");
                errors.push(PolicyError::somewhere(text, cause));
                continue;
            }
            match self.set.add(policy.new_id(id.clone())) {
                Ok(()) => {
                    self.names.insert(id, name);
                }
                Err(error) => errors.push(PolicyError::somewhere(text, error.to_string())),
            }
        }
    }

    /// Asks the policies. An error in any of them is a failure, whatever the others say.
    pub(crate) fn ask(&self, request: &Request<'_>) -> Ruling {
        let (question, entities) = match prepare(request) {
            Ok(prepared) => prepared,
            Err(error) => return Ruling::Failed(format!("the question cannot be put: {error}")),
        };
        let response = self
            .authorizer
            .is_authorized(&question, &self.set, &entities);
        let failed: BTreeSet<String> = response
            .diagnostics()
            .errors()
            .map(|error| match error {
                cedar_policy::AuthorizationError::PolicyEvaluationError(error) => {
                    format!("{}: {}", self.name(error.policy_id()), error.inner())
                }
            })
            .collect();
        if !failed.is_empty() {
            return Ruling::Failed(failed.into_iter().collect::<Vec<_>>().join("; "));
        }
        let by: BTreeSet<&str> = response
            .diagnostics()
            .reason()
            .map(|id| self.name(id))
            .collect();
        let by = by.into_iter().collect::<Vec<_>>().join(", ");
        match response.decision() {
            cedar_policy::Decision::Allow => Ruling::Permitted(by),
            cedar_policy::Decision::Deny if by.is_empty() => {
                Ruling::Denied("no policy permits it".to_owned())
            }
            cedar_policy::Decision::Deny => Ruling::Denied(format!("forbidden by {by}")),
        }
    }

    fn name<'a>(&'a self, id: &'a PolicyId) -> &'a str {
        self.names.get(id).map_or(id.as_ref(), String::as_str)
    }
}

/// Parses one text and checks it against the schema.
fn parse(text: &PolicyText) -> Result<PolicySet, Vec<PolicyError>> {
    let set = PolicySet::from_str(&text.text).map_err(|errors| {
        errors
            .iter()
            .map(|error| PolicyError::new(text, error))
            .collect::<Vec<_>>()
    })?;
    if let Some(template) = set.templates().next() {
        let cause = format!(
            "{} has a slot (`?principal` or `?resource`), which nothing fills here",
            template.id()
        );
        return Err(vec![PolicyError::somewhere(text, cause)]);
    }
    let schema = Schema::from_json_value(schema(&claims_named(&set)))
        .map_err(|error| vec![PolicyError::somewhere(text, error.to_string())])?;
    let checked = Validator::new(schema).validate(&set, ValidationMode::default());
    let errors: Vec<PolicyError> = checked
        .validation_errors()
        .map(|error| PolicyError::new(text, error))
        .collect();
    if errors.is_empty() {
        Ok(set)
    } else {
        Err(errors)
    }
}

/// Returns the policies in the order of the text; the parser numbers them `policy0`, `policy1` ….
fn in_order(set: &PolicySet) -> Vec<&Policy> {
    let number = |policy: &&Policy| {
        let id: &str = policy.id().as_ref();
        id.trim_start_matches("policy")
            .parse::<usize>()
            .unwrap_or(usize::MAX)
    };
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(number);
    policies
}

/// The schema that policies are checked against. Claims are whatever the directory holds, so those that the policies
/// name are taken to exist; whether a user has them shows when a policy is evaluated.
fn schema(claims: &BTreeSet<String>) -> Value {
    let text = json!({"type": "String"});
    let texts = json!({"type": "Set", "element": text});
    let record = |of: &Value| {
        let attributes: serde_json::Map<String, Value> = claims
            .iter()
            .map(|claim| (claim.clone(), of.clone()))
            .collect();
        json!({"type": "Record", "attributes": attributes})
    };
    let context = json!({"type": "Record", "attributes": {
        "application": text, "source": text, "trigger": text,
        "time": {"type": "Extension", "name": "datetime"},
    }});
    let action = json!({"appliesTo": {
        "principalTypes": ["User"], "resourceTypes": ["Connector"], "context": context,
    }});
    json!({"": {
        "entityTypes": {
            "Role": {}, "Group": {}, "Connection": {},
            "User": {"memberOfTypes": ["Role", "Group"], "shape": {"type": "Record", "attributes": {
                "name": text, "store": text, "roles": texts, "groups": texts,
                "claims": record(&text), "values": record(&texts),
            }}},
            "Connector": {"memberOfTypes": ["Connection"], "shape": {"type": "Record", "attributes": {
                "connection": text, "connector": text,
            }}},
        },
        "actions": {"create": action, "update": action, "deprovision": action},
    }})
}

/// Returns the claims that the policies name: `principal.claims.X` and `principal.values.X`.
fn claims_named(set: &PolicySet) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for policy in set.policies() {
        if let Ok(tree) = policy.to_json() {
            collect_claims(&tree, &mut found);
        }
    }
    found
}

fn collect_claims(tree: &Value, found: &mut BTreeSet<String>) {
    match tree {
        Value::Object(map) => {
            for access in [".", "has"] {
                if let Some(node) = map.get(access)
                    && is_claims(&node["left"])
                    && let Some(claim) = node["attr"].as_str()
                {
                    found.insert(claim.to_owned());
                }
            }
            map.values().for_each(|value| collect_claims(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_claims(value, found)),
        _ => {}
    }
}

fn is_claims(tree: &Value) -> bool {
    let node = &tree["."];
    node["left"]["Var"] == "principal" && (node["attr"] == "claims" || node["attr"] == "values")
}

type Prepared = (cedar_policy::Request, Entities);

/// Turns a question into Cedar's terms.
fn prepare(request: &Request<'_>) -> Result<Prepared, Box<dyn std::error::Error>> {
    let user = request.user;
    let connector = request.target.connector();
    let principal = uid("User", &user.id.to_string())?;
    let resource = uid("Connector", &connector.to_string())?;
    let connection = uid("Connection", &connector.connection.0)?;
    let mut parents = HashSet::new();
    for role in &user.roles {
        parents.insert(uid("Role", role.as_str())?);
    }
    for group in &user.groups {
        parents.insert(uid("Group", &group.to_string())?);
    }
    let entities = Entities::from_entities(
        [
            Entity::new(principal.clone(), attributes(user)?, parents)?,
            Entity::new(
                resource.clone(),
                HashMap::from([
                    ("connection".to_owned(), text(&connector.connection.0)),
                    ("connector".to_owned(), text(&connector.kind.0)),
                ]),
                HashSet::from([connection]),
            )?,
        ],
        None,
    )?;
    let trigger = request.trigger;
    let application = trigger
        .application
        .as_ref()
        .map_or("", |application| &application.0);
    // Cedar's `datetime` has milliseconds: RFC 80 of the language, "YYYY-MM-DDThh:mm:ss.SSSZ".
    let time = trigger.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let context = Context::from_pairs([
        ("application".to_owned(), text(application)),
        ("source".to_owned(), text(trigger.source.word())),
        ("trigger".to_owned(), text(trigger.kind.word())),
        ("time".to_owned(), RestrictedExpression::new_datetime(time)),
    ])?;
    let action = uid("Action", request.action.word())?;
    let question = cedar_policy::Request::new(principal, action, resource, context, None)?;
    Ok((question, entities))
}

fn attributes(
    user: &User,
) -> Result<HashMap<String, RestrictedExpression>, Box<dyn std::error::Error>> {
    let mut first = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (claim, values) in &user.claims {
        if let Some(value) = values.first() {
            first.insert(claim.short().to_owned(), text(value));
            all.insert(claim.short().to_owned(), texts(values));
        }
    }
    let groups = user.groups.iter().map(ToString::to_string);
    Ok(HashMap::from([
        ("name".to_owned(), text(&user.name.name)),
        ("store".to_owned(), text(user.name.store.as_str())),
        (
            "roles".to_owned(),
            texts(user.roles.iter().map(domain::RoleName::as_str)),
        ),
        ("groups".to_owned(), texts(groups)),
        (
            "claims".to_owned(),
            RestrictedExpression::new_record(first)?,
        ),
        ("values".to_owned(), RestrictedExpression::new_record(all)?),
    ]))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.into_iter().map(|value| text(value.as_ref())))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Box<dyn std::error::Error>> {
    let kind = EntityTypeName::from_str(kind)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

impl PolicyError {
    /// Makes an error from what the parser or the validator says, with its place.
    fn new(text: &PolicyText, error: &dyn Diagnostic) -> Self {
        let label = error.labels().and_then(|mut labels| labels.next());
        let (start, length) = label.map_or((0, 0), |label| (label.offset(), label.len()));
        let before = text.text.get(..start).unwrap_or_default();
        let offending = text.text.get(start..start + length).unwrap_or_default();
        Self {
            from: text.from.clone(),
            line: before.matches('\n').count() + 1,
            column: before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1,
            cause: error.to_string(),
            offending: offending.lines().next().unwrap_or_default().to_owned(),
            help: error.help().map(|help| help.to_string()),
        }
    }

    /// Makes an error whose place within the text is not known.
    fn somewhere(text: &PolicyText, cause: String) -> Self {
        Self {
            from: text.from.clone(),
            line: 1,
            column: 1,
            cause,
            offending: String::new(),
            help: None,
        }
    }
}
