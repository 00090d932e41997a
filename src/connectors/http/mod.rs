//! The one floor under every connector: what is sent, what is seen of it, and what an answer (or none) asks for.
//!
//! No vendor's word is known here. `client` sends one request within its bounds, `tap` shows it without secrets,
//! `resolve` says where a name may lead, `json` what may be built from an answer, `token` keeps what a credential was granted, `channel` puts the two together, `classify` names failures.

pub(crate) mod address;
pub(crate) mod channel;
pub(crate) mod classify;
pub(crate) mod client;
pub(crate) mod grant;
pub(crate) mod json;
pub(crate) mod resolve;
pub(crate) mod tap;
pub(crate) mod token;
pub(crate) mod vault;
pub(crate) mod veil;

pub(crate) use channel::Channel;
pub(crate) use classify::Replay;
pub(crate) use client::{Answer, Call, Http, Limits};
