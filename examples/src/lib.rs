#![doc = include_str!("../README.md")]

pub mod front_desk;

/// The project's README, so that its code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ProjectReadme;
