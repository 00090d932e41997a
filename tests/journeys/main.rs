//! Whole journeys over the real program: one binary, one file per journey.

mod bad_input;
mod canary;
mod crash;
mod house;
mod peers;
mod program;
mod scenarios;
mod steering;
