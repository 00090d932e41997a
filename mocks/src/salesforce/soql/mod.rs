//! SOQL.
