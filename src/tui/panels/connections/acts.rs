//! What the actions of *Connections* do.

use super::sheets::{
    CONNECTOR, MAPPING, UNSAVED, general_sheet, jit_sheet, mapping_path, mapping_sheet, sheet,
    sheet_of,
};
use super::told::connector_lines;
use super::wizard::connector_form;
use super::{Connections, Tab, mapping_key, path};
use crate::draft::Edit;
use crate::modal::{Modal, Reading};
use crate::panels::settings;
use crate::widgets::{Button, Field, Form};
use crate::wish::Wish;
use crate::world::World;

impl Connections {
    pub(super) fn carry_out(&mut self, world: &World, id: &str) -> Vec<Wish> {
        match id {
            "new" => {
                self.wizard = None;
                return Self::templates(world);
            }
            "search" => {
                self.search.open();
                return Vec::new();
            }
            "editor" => return vec![Wish::OpenEditor],
            _ => {}
        }
        let Some(one) = self.selected(world) else {
            return Vec::new();
        };
        // What is done now is about this one, whatever comes into the list meanwhile.
        self.list.choose(&one.id.0);
        if let Some(settings) = self.connector(one).filter(|_| self.tab == Tab::Outbound) {
            self.rows.choose(&settings.kind.0);
        }
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
            ("map", _) => return mapping_sheet(&sheet_of("map", one), "New mapping", None),
            ("connector", _) => {
                self.wizard = None;
                return Self::wizard_type(world, one, None, false);
            }
            ("unmap", _) => {
                let Some(at) = self.mapping(one) else {
                    return Vec::new();
                };
                let words = format!("{}: delete mapping {}", one.name, one.attributes[at].remote);
                return vec![Wish::Edit(Edit::new(words).remove(mapping_path(one, at)))];
            }
            ("settings", _) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let title = format!("{}/{}", one.id, settings.kind);
                let lines = connector_lines(world, settings);
                let reading = Reading::new(title, lines, Vec::new());
                return vec![Wish::Show(Box::new(Modal::Reading(reading)))];
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
                return vec![Wish::EditAtOnce(
                    Edit::new(words).set(at, !settings.enabled),
                )];
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
            ("edit", Tab::General) => {
                let filled = (one.name.as_str(), one.description.as_str());
                let id = sheet_of("general", one);
                return general_sheet(&id, "General", UNSAVED, filled, Some(one.enabled));
            }
            ("edit", Tab::Attributes) => {
                let Some(mapping) = self.mapping(one).map(|at| &one.attributes[at]) else {
                    return Vec::new();
                };
                let id = sheet_of(&format!("{MAPPING}{}", mapping_key(mapping)), one);
                return mapping_sheet(&id, "Mapping", Some(mapping));
            }
            ("edit", Tab::Roles) => {
                let roles: Vec<&str> = one
                    .outbound_roles
                    .iter()
                    .map(domain::RoleName::as_str)
                    .collect();
                let known = world.roles_hint();
                let hint = format!("{}. Empty means everybody.", known.trim_end_matches('.'));
                let field = Field::text("roles", "Role", &roles.join(", "))
                    .bound(config::name)
                    .doubts(|roles| roles.split(',').find_map(config::role_doubt))
                    .hint(&hint)
                    .in_file("outbound_roles, in [[connections]]");
                let fields = vec![field];
                let form = Form::new(
                    fields,
                    vec![
                        Button::acts("ok", "Finish"),
                        Button::leaves("cancel", "Cancel"),
                    ],
                );
                let says = vec![
                    "Only holders of one of the roles are provisioned here. Assigning a role provisions, revoking the \
                     last one deprovisions."
                        .to_owned(),
                ];
                let id = sheet_of("roles", one);
                return sheet(&id, "Outbound Provisioning Roles", "", form, says);
            }
            ("edit", Tab::Jit) => return jit_sheet(world, one),
            ("edit", Tab::Outbound) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let Some(kind) = world.catalogue.of(&settings.kind) else {
                    return Vec::new();
                };
                let fields = settings::fields(kind, Some(settings), world);
                let form = connector_form(fields, true);
                let title = format!("{}/{}", one.id, settings.kind);
                return sheet(
                    &sheet_of(&format!("{CONNECTOR}{}", settings.kind), one),
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
