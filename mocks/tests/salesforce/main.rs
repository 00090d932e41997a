//! The Salesforce mock, request by request, without a socket.

mod bulk;
mod kit;
mod logins;
mod properties;
mod queries;
mod samples;
mod soap;
mod surroundings;
mod users;
