//! Whom the form is about, as the directory has them now; and what became of what was handed in.

use domain::{FlowId, QualifiedName, RoleName};

use super::Trigger;
use crate::outcome::Outcome;
use crate::paint::{Line, Span, counted};
use crate::panels::JOURNAL;
use crate::theme::Theme;
use crate::widgets::Choice;
use crate::wish::{Errand, Known, Who, Wish};
use crate::world::World;

impl Trigger {
    /// Returns whom the form is about, where what they have now helps to fill it in.
    pub(super) fn is_about(&self) -> Option<Who> {
        let form = self.form.as_ref()?;
        let name = |key: &str| {
            let name = form.value(key);
            (!name.is_empty()).then(|| QualifiedName::new(&name))
        };
        match form.value("way").as_str() {
            "update" | "role-assigned" | "role-revoked" => name("user").map(Who::User),
            "group-changed" => name("group").map(Who::Group),
            _ => None,
        }
    }

    /// Tells what they have now; nothing while that is not known, or is of no use.
    pub(super) fn known(&self, theme: &Theme) -> Vec<Line> {
        let Some((who, known)) = &self.who else {
            return Vec::new();
        };
        if self.is_about().as_ref() != Some(who) {
            return Vec::new();
        }
        let pair = |label: &str, value: String| {
            vec![
                Span::new(format!(" {label:<14}"), theme.dim),
                Span::new(value, theme.text),
            ]
        };
        let list = |names: Vec<String>| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        let title = |text: String| vec![Span::new(text, theme.title)];
        match known {
            Known::Nobody => {
                let told = match who {
                    Who::User(name) => format!("there is no user {name}"),
                    Who::Group(name) => format!("there is no group {name}"),
                };
                vec![vec![Span::new(told, theme.warn)]]
            }
            Known::User(user) => {
                let mut lines = vec![title(format!("{} now", user.name))];
                if self
                    .form
                    .as_ref()
                    .is_some_and(|form| form.value("way") == "update")
                {
                    let claims = user.claims.iter();
                    lines.extend(
                        claims.map(|(claim, values)| pair(claim.short(), list(values.clone()))),
                    );
                }
                let roles = user.roles.iter().map(ToString::to_string).collect();
                lines.push(pair("roles", list(roles)));
                lines
            }
            Known::Group(members, count) => {
                let Who::Group(name) = who else {
                    return Vec::new();
                };
                let mut lines = vec![title(format!("{name} now: {}", counted(*count, "member")))];
                lines.extend(members.iter().map(|name| pair("", name.to_string())));
                if members.len() < *count {
                    lines.push(pair("", format!("… and {} more", count - members.len())));
                }
                lines
            }
        }
    }

    /// Offers the roles that a user holds first, where one is to be revoked.
    pub(super) fn offer_roles(&mut self, world: &World) {
        let Some((_, Known::User(user))) = &self.who else {
            return;
        };
        let Some(form) = self.form.as_mut() else {
            return;
        };
        if form.value("way") != "role-revoked" {
            return;
        }
        let chosen = form.value("role");
        let held = user.roles.iter();
        let held: Vec<Choice> = held.map(|role| Choice::plain(role.as_str())).collect();
        let is_held = |role: &&RoleName| user.roles.contains(*role);
        let known = world.known_roles();
        let others = known.iter().filter(|role| !is_held(role));
        let others = others.map(|role| Choice::new(role.as_str(), format!("{role} (not held)")));
        let first = held.first().map(|one| one.value.clone());
        let options: Vec<Choice> = held.into_iter().chain(others).collect();
        if options.is_empty() {
            return;
        }
        let Some(field) = form.field_mut("role") else {
            return;
        };
        // One that somebody chose stays.
        let stays = self.is_of_role || field.changed;
        let value = first.filter(|_| !stays).unwrap_or(chosen);
        field.offer(options, &value);
    }

    /// Tells what became of the operations of a flow that was handed in here: once nothing of it is under way, and when
    /// that changes.
    pub(super) fn came(&mut self, flow: FlowId, outcome: &Outcome) -> Vec<Wish> {
        let Some(followed) = self.followed.as_mut().filter(|one| one.flow == flow) else {
            return Vec::new();
        };
        followed.is_asked = false;
        if outcome.under_way > 0 || followed.told.as_ref() == Some(outcome) {
            return Vec::new();
        }
        followed.told = Some(outcome.clone());
        if outcome.is_over() {
            self.followed = None;
        }
        let Some((operation, _)) = &outcome.why else {
            let told = outcome.told();
            self.last_told = Some(told.clone());
            return vec![Wish::Say(told)];
        };
        let told = outcome.problem(JOURNAL);
        self.last_told = Some(told.clone());
        let shows = Errand::Failed {
            flow,
            operation: *operation,
        };
        vec![Wish::Tell("traffic", shows), Wish::Fail(told)]
    }
}
