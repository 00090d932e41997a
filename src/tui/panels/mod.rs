//! The panels: the one list of sections, in the order of their digits.

mod traffic;

use crate::panel::Panel;

/// Makes every panel.
pub(crate) fn all() -> Vec<Box<dyn Panel>> {
    vec![Box::new(traffic::Traffic::default())]
}
