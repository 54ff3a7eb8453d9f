//! The rows of the table, a file each.

#[cfg(unix)]
pub mod cards;
pub mod commits;
pub mod crash;
pub mod deadline;
pub mod issue;
pub mod limits;
pub mod programs;
pub mod store;
