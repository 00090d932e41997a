//! *Login & Registration > Provisioning Settings > Outbound Provisioning Configuration*: the organization level.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::Key;
use crate::paint::Pen;
use crate::panel::Panel;
use crate::panels::provisioners::{self, Owner};
use crate::screen::movement;
use crate::widgets::{Form, Picked};
use crate::wish::Wish;
use crate::world::World;

/// The panel.
#[derive(Default)]
pub(crate) struct Provisioning {
    list: Picked,
}

impl Provisioning {
    fn at(&self, world: &World) -> Option<usize> {
        self.list.at(&Owner::Resident.keys(world.config()))
    }
}

impl Panel for Provisioning {
    fn id(&self) -> &'static str {
        "provisioning"
    }

    fn title(&self) -> &'static str {
        "Provisioning"
    }

    fn short(&self) -> &'static str {
        "Prov"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let entries = &world.config().resident;
        // The list takes what it needs, and the words the rest.
        let list = u16::try_from(entries.len())
            .unwrap_or(u16::MAX)
            .clamp(2, 20)
            + 3;
        let below = if area.height >= 14 {
            area.height.saturating_sub(list).max(area.height / 2)
        } else {
            0
        };
        let top = Rect {
            height: area.height - below,
            ..area
        };
        let inner = pen.frame(
            top,
            "Outbound Provisioning Configuration",
            &format!("{}", entries.len()),
            true,
        );
        if entries.is_empty() {
            pen.paragraph(
                inner,
                " No outbound provisioners: nobody is provisioned by the organization. n adds one.",
                theme.dim,
            );
        } else {
            provisioners::rows(world, &Owner::Resident, &self.list, pen, inner, true);
        }
        if below == 0 {
            return;
        }
        let rest = Rect {
            y: area.y + top.height,
            height: below,
            ..area
        };
        let inner = pen.frame(rest, "What this means", "", false);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        provisioners::draw_meanings(world, &Owner::Resident, self.at(world), pen, inner);
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        let to = movement(key, false)?;
        self.list.go(to, &Owner::Resident.keys(world.config()));
        Some(Vec::new())
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = vec![
            Action::new("new", Key::letter('n'), "New Provisioner")
                .like("outbound config add resident.provisioners connection=ID connector=TYPE"),
        ];
        if let Some(at) = self.at(world) {
            let place = format!("resident.provisioners[{at}]");
            let set = format!("outbound config set {place}.blocking true");
            actions.push(Action::new("edit", Key::of(KeyCode::Enter), "Edit").like(set));
            actions.push(Action::new("edit", Key::letter('e'), "Edit").quiet());
            actions.push(
                Action::new("delete", Key::letter('D'), "Delete")
                    .like(format!("outbound config remove {place}")),
            );
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        let at = self.at(world).unwrap_or(0);
        match id {
            "new" => provisioners::new_sheet(world, "provisioning", &Owner::Resident),
            "edit" => provisioners::edit_sheet(world, "provisioning", &Owner::Resident, at),
            "delete" => provisioners::delete(world, &Owner::Resident, at),
            _ => Vec::new(),
        }
    }

    fn submitted(&mut self, world: &World, sheet: &str, form: &Form, _button: &str) -> Vec<Wish> {
        provisioners::submitted(world, &Owner::Resident, sheet, form)
    }

    fn sheet_changed(&self, world: &World, _sheet: &str, form: &mut Form) -> Option<Vec<String>> {
        Some(provisioners::sheet_changed(world, &Owner::Resident, form))
    }

    fn made(&mut self, key: &str, _part: Option<&str>) {
        self.list.choose(key);
    }

    fn crumbs(&self, world: &World) -> Vec<String> {
        if world.width >= 110 {
            vec!["Outbound Provisioning Configuration".to_owned()]
        } else {
            Vec::new()
        }
    }

    fn status(&self, _world: &World) -> String {
        "Login & Registration > Provisioning Settings: the organization level".to_owned()
    }
}
