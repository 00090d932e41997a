//! One suite for every connector, over real HTTP against its mock. What a target cannot do is declared by the catalogue,
//! and the case then holds that the connector says so.

mod cases;
mod groups;
mod listing;
mod personalities;
mod stage;
