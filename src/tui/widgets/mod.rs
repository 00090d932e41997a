//! The few widgets that the panels are made of.

mod code;
mod field;
mod form;
mod list;
mod text;

pub(crate) use code::{body_lines, json_line};
pub(crate) use field::{Choice, Field, Input};
pub(crate) use form::{Button, Form, Pressed};
pub(crate) use list::{List, Picked, Search};
pub(crate) use text::{Text, in_rows};
