#![doc = include_str!("../README.md")]

pub mod cloud_service;
pub mod desk;
pub mod front_desk;
pub mod host;

/// The project's README, so that its code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ProjectReadme;

/// What the host owes, so that its loop is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../lockport/docs/host.md")]
struct WhatTheHostOwes;
