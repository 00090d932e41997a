//! What a panel is: a part of the screen with keys of its own, in one list with the others.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::Key;
use crate::paint::Pen;
use crate::widgets::Form;
use crate::wish::{Answer, DirectoryTab, Errand, Query, Wish};
use crate::world::World;

/// A section of the screen. Drawing changes nothing; keys and answers do, and wishes go to the outside.
pub(crate) trait Panel {
    /// How wishes and the command line name it.
    fn id(&self) -> &'static str;

    /// The title, in the Console's words.
    fn title(&self) -> &'static str;

    /// A title of few letters, for narrow terminals.
    fn short(&self) -> &'static str;

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect);

    /// Takes a key that is no action; `None` when it is not for the panel.
    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>>;

    /// Takes pasted text.
    fn paste(&mut self, _world: &World, _text: &str) -> Vec<Wish> {
        Vec::new()
    }

    /// Tells whether letters are typed into a field, so that they are no commands.
    fn takes_text(&self) -> bool {
        false
    }

    /// The keys that work while letters are typed into a field of it, and what they do.
    fn typing_keys(&self) -> &'static [(&'static str, &'static str)] {
        &[("Enter", "done"), ("Esc", "back")]
    }

    /// The keys that lead about within it and are no actions, and where to; the key row begins with them.
    fn leading_keys(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The panel is shown: somebody chose its section.
    fn arrive(&mut self, _world: &World) -> Vec<Wish> {
        Vec::new()
    }

    /// Says what leaving the program would lose beside the draft; nothing where nothing would be lost.
    fn holds(&self) -> Option<String> {
        None
    }

    /// Tells whether something that was asked for in it is not answered yet.
    fn waits(&self) -> bool {
        false
    }

    /// Returns who or what is selected in it of the directory, as far as that is known to be there still.
    fn selection(&self, _world: &World) -> Option<(DirectoryTab, String)> {
        None
    }

    /// Returns what can be done now.
    fn actions(&self, world: &World) -> Vec<Action>;

    /// Does one of them.
    fn act(&mut self, world: &World, id: &str) -> Vec<Wish>;

    /// Returns what the panel wants to read now; asked after everything that happens while it is shown.
    fn wants(&mut self, _world: &World) -> Vec<Query> {
        Vec::new()
    }

    /// Returns what it wants to read now though another panel may be shown: what became of something that it did.
    fn follows(&mut self, _world: &World) -> Option<Query> {
        None
    }

    /// Hears what was read or done, shown or not.
    fn answer(&mut self, _world: &World, _answer: &Answer) -> Vec<Wish> {
        Vec::new()
    }

    /// Takes what was filled in; `sheet` is the word the panel gave it.
    fn submitted(
        &mut self,
        _world: &World,
        _sheet: &str,
        _form: &Form,
        _button: &str,
    ) -> Vec<Wish> {
        Vec::new()
    }

    /// A value in a sheet changed, which may change what it says or asks.
    fn sheet_changed(&self, _world: &World, _sheet: &str, _form: &mut Form) -> Option<Vec<String>> {
        None
    }

    /// The form that the panel itself shows, when it shows one.
    fn form(&mut self) -> Option<&mut Form> {
        None
    }

    /// A value of that form was filled in by somebody else than its keys.
    fn form_changed(&mut self, _world: &World) {}

    /// After how long something that is shown changes because time goes by; `None` while nothing does.
    fn counts_down(&self, _world: &World) -> Option<Duration> {
        None
    }

    fn errand(&mut self, _world: &World, _errand: Errand) -> Vec<Wish> {
        Vec::new()
    }

    /// Selects what was just made, as its list knows it, and the part of it that is new.
    fn made(&mut self, _key: &str, _part: Option<&str>) {}

    /// Closes what is open inside; `None` at the panel's root.
    fn back(&mut self) -> Option<Vec<Wish>> {
        None
    }

    /// Returns until when a secret may be read in it.
    fn revealed(&self) -> Option<Duration> {
        None
    }

    /// Where in the panel this is, after its title.
    fn crumbs(&self, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// What the status row says when there is nothing newer.
    fn status(&self, world: &World) -> String;
}
