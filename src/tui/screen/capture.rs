//! Pictures and recordings of the screen, in which no secret is readable, not even one that is revealed at the moment.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Order, Screen};
use crate::modal::{Menu, Modal};
use crate::shot::Format;
use crate::wish::{Deed, Wish};

impl Screen {
    /// Draws everything as it is when every reveal is over.
    pub(crate) fn draw_masked(&mut self, buffer: &mut Buffer, area: Rect) {
        let passed = std::mem::replace(&mut self.world.passed, Duration::MAX);
        self.draw(buffer, area);
        self.world.passed = passed;
    }

    /// Offers pictures of the screen as it is now, whatever lies over it.
    pub(super) fn offer_pictures(&mut self) {
        let area = Rect::new(0, 0, self.world.width, self.world.height);
        let mut buffer = Buffer::empty(area);
        self.draw_masked(&mut buffer, area);
        let light = self.world.theme.light;
        let name = format!("outbound-{}", self.world.name_of_now());
        let write = |format: Format| {
            Wish::Do(Deed::Write {
                path: format!("{name}.{}", format.ending()).into(),
                text: format.draw(&buffer, light),
            })
        };
        let mut items: Vec<(String, String, Vec<Wish>)> = Format::ALL
            .into_iter()
            .map(|format| {
                (
                    format!(".{}", format.ending()),
                    format.told().to_owned(),
                    vec![write(format)],
                )
            })
            .collect();
        items.push((
            "all four".to_owned(),
            format!("{name}.*"),
            Format::ALL.into_iter().map(write).collect(),
        ));
        self.modals
            .push(Modal::Menu(Menu::new("Screenshot", items)));
    }

    /// Begins a recording, or ends the one that goes on.
    pub(super) fn toggle_recording(&self, orders: &mut Vec<Order>) {
        let path = match &self.recording {
            Some(_) => None,
            None => Some(format!("outbound-{}.cast", self.world.name_of_now()).into()),
        };
        orders.push(Order::Do(Deed::Record(path)));
    }
}
