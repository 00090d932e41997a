//! Where keys are pressed that are counted in bytes.

use super::{CTRL_C, DOWN, ENTER, ESC, TAB, TAB_BACK, UP};

/// Keys, one after the other.
type Keys = &'static [&'static [u8]];

/// A place, and the keys that are pressed there. Each of them changes something.
pub(super) struct Place {
    pub(super) name: &'static str,
    /// How to get there from the section before.
    pub(super) way: Keys,
    /// What stands there then.
    pub(super) shows: &'static str,
    /// Letters for the field that has the keys; none in a list.
    pub(super) letters: Keys,
    /// Movements within a page of the list, or from field to field.
    pub(super) moves: Keys,
    /// How to leave it.
    pub(super) back: Keys,
}

const LETTERS: Keys = &[b"a", b"d", b"a", b"l"];
/// What was filled in is asked about first; asked again, it goes.
const GIVEN_UP: Keys = &[CTRL_C, CTRL_C];

const fn list(name: &'static str, way: Keys, shows: &'static str, moves: Keys) -> Place {
    Place {
        name,
        way,
        shows,
        letters: &[],
        moves,
        back: &[],
    }
}

/// Every section with a list, over a journal with something in it. Its operations are all settled, nobody in it differs, and no
/// shipped connection has two connectors: what an arrow between unlike rows costs is held by the tests of the screen.
pub(super) const LISTS: [Place; 7] = [
    list("Connections", &[b"1"], "Acme Google", &[DOWN, DOWN, UP, UP]),
    list(
        "Provisioning",
        &[b"2"],
        "Provisioning Connection",
        &[DOWN, UP, DOWN, UP],
    ),
    list("Directory", &[b"3"], "made-", &[DOWN, DOWN, UP, UP]),
    // The first one ends following.
    list("Traffic", &[b"4"], "made-", &[UP, UP, DOWN, DOWN]),
    list("Targets", &[b"5"], "127.0.0.1:", &[DOWN, DOWN, UP, UP]),
    list(
        "Applications",
        &[b"6"],
        "Employee portal",
        &[DOWN, UP, DOWN, UP],
    ),
    list("Journal", &[b"8"], "made-", &[DOWN, DOWN, UP, UP]),
];

/// Forms of every kind: short and long ones, with little and with much that is told of their fields. In all that have buttons
/// at their end the keys go around once: from the last one to the first field.
pub(super) const FORMS: [Place; 6] = [
    Place {
        name: "Arm fault",
        // The one of which most is to be told.
        way: &[
            b"5", b"f", DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, ENTER,
        ],
        shows: "Arm garbled-body",
        letters: LETTERS,
        moves: &[
            TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB_BACK, TAB_BACK, TAB_BACK, TAB_BACK,
            TAB_BACK, TAB_BACK, TAB_BACK, TAB_BACK, TAB_BACK, TAB_BACK, TAB,
        ],
        back: GIVEN_UP,
    },
    Place {
        name: "New application",
        way: &[b"6", b"n"],
        shows: "New application",
        letters: LETTERS,
        moves: &[TAB, TAB, TAB_BACK, TAB_BACK, TAB_BACK, TAB],
        back: GIVEN_UP,
    },
    Place {
        name: "Edit connection",
        way: &[b"1", ENTER, b"e"],
        shows: "[ Finish ]",
        letters: LETTERS,
        moves: &[TAB, TAB, TAB_BACK, TAB_BACK, TAB_BACK, TAB],
        back: GIVEN_UP,
    },
    Place {
        name: "Edit connector",
        // Google's, which is longer than a small screen; the connection is open already.
        way: &[b"1", b"]", b"]", b"e"],
        shows: "[ Finish ]",
        letters: &[],
        moves: &[
            TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB, TAB,
            TAB,
        ],
        back: &[ESC],
    },
    Place {
        name: "New Provisioner",
        way: &[b"2", b"n"],
        shows: "[ Finish ]",
        letters: &[],
        moves: &[
            TAB, TAB, TAB, TAB, TAB_BACK, TAB_BACK, TAB_BACK, TAB_BACK, TAB_BACK, TAB,
        ],
        back: &[ESC],
    },
    Place {
        name: "Trigger",
        // Into the form, and on to a text in which nothing is offered.
        way: &[b"t", TAB, TAB, TAB, TAB, TAB, TAB],
        shows: "What would follow",
        letters: LETTERS,
        moves: &[TAB, TAB, TAB_BACK],
        back: &[],
    },
];
