//! What the actions of *Connections* do.

use super::sheets::{general_sheet, jit_sheet, mapping_sheet, sheet};
use super::wizard::connector_form;
use super::{Connections, Tab, path};
use crate::draft::Edit;
use crate::panels::settings;
use crate::widgets::{Button, Field, Form};
use crate::wish::Wish;
use crate::world::World;

impl Connections {
    pub(super) fn carry_out(&mut self, world: &World, id: &str) -> Vec<Wish> {
        match id {
            "new" => return Self::templates(world),
            "search" => {
                self.searching = true;
                return Vec::new();
            }
            _ => {}
        }
        let Some(one) = self.selected(world) else {
            return Vec::new();
        };
        match (id, self.tab) {
            ("open", _) => self.open = true,
            ("enable", _) => {
                let words = format!(
                    "{}: Enabled {} to {}",
                    one.name,
                    word(one.enabled),
                    word(!one.enabled)
                );
                return vec![Wish::Edit(
                    Edit::new(words).set(format!("{}.enabled", path(one)), !one.enabled),
                )];
            }
            ("delete", _) => return Self::delete(world, one),
            ("map", _) => return mapping_sheet("map:new", "New mapping", None),
            ("connector", _) => return Self::wizard_type(world, one),
            ("unmap", _) => {
                let Some(at) = self.rows.selected(one.attributes.len()) else {
                    return Vec::new();
                };
                let words = format!("{}: delete mapping {}", one.name, one.attributes[at].remote);
                return vec![Wish::Edit(
                    Edit::new(words).remove(format!("{}.attributes[{at}]", path(one))),
                )];
            }
            ("toggle", _) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let words = format!(
                    "{}/{}: Enabled {} to {}",
                    one.id,
                    settings.kind,
                    word(settings.enabled),
                    word(!settings.enabled)
                );
                let at = format!("{}.connectors[type={}].enabled", path(one), settings.kind);
                return vec![Wish::Edit(Edit::new(words).set(at, !settings.enabled))];
            }
            ("pause", _) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let words = format!(
                    "{}/{}: paused {} to {}",
                    one.id,
                    settings.kind,
                    word(settings.paused),
                    word(!settings.paused)
                );
                let at = format!("{}.connectors[type={}].paused", path(one), settings.kind);
                return vec![Wish::Edit(Edit::new(words).set(at, !settings.paused))];
            }
            ("drop", _) => return self.delete_connector(world, one),
            ("edit", Tab::General) => return general_sheet("general", "General", Some(one)),
            ("edit", Tab::Attributes) => {
                let Some(at) = self.rows.selected(one.attributes.len()) else {
                    return Vec::new();
                };
                return mapping_sheet(&format!("map:{at}"), "Mapping", one.attributes.get(at));
            }
            ("edit", Tab::Roles) => {
                let roles: Vec<&str> = one
                    .outbound_roles
                    .iter()
                    .map(domain::RoleName::as_str)
                    .collect();
                let fields = vec![
                    Field::text("roles", "Role", &roles.join(", "))
                        .hint("Separated by commas: Internal/manager. Empty means everybody."),
                ];
                let form = Form::new(
                    fields,
                    vec![
                        Button::acts("ok", "Take over"),
                        Button::leaves("cancel", "Cancel"),
                    ],
                );
                let says = vec![
                    "Only holders of one of the roles are provisioned here. Assigning a role provisions, revoking the \
                     last one deprovisions."
                        .to_owned(),
                ];
                return sheet("roles", "Outbound Provisioning Roles", "", form, says);
            }
            ("edit", Tab::Jit) => return jit_sheet(world, one),
            ("edit", Tab::Outbound) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let Some(kind) = world.catalogue.of(&settings.kind) else {
                    return Vec::new();
                };
                let form = connector_form(settings::fields(kind, Some(settings)), true);
                let title = format!("{}/{}", one.id, settings.kind);
                return sheet(
                    "connector",
                    &title,
                    "Secrets that are left alone stay as they are",
                    form,
                    Vec::new(),
                );
            }
            _ => {}
        }
        Vec::new()
    }
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
