//! The examples of hosts, as they are called: what they print, what they answer, and what that does at the simulated doors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

mod cloud_service;
mod desk;
mod phone;
mod two_in_the_morning;

use std::fs;
use std::path::{Path, PathBuf};

const HOTEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/two-in-the-morning.hotel.json");
const DAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/two-in-the-morning.jsonl");

/// The guest of room 1, of the house.
const SARAH: &str = "rsv_01JV5X3K9M7QZ2R8T4W6YSARAH";
/// The guest of the cottage.
const ZAHRA: &str = "rsv_01JV5X3K9M7QZ2R8T4W6YZAHRA";

/// A file of this name that is not there yet, for one test alone.
fn fresh_file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for leftover in ["", "-wal", "-shm"] {
        let _not_there = fs::remove_file(format!("{}{leftover}", path.display()));
    }
    path
}

/// A booking of a room (its last five characters), for as long as anybody runs this.
fn booked(guest: &str, room: &str) -> String {
    let ulid = guest.strip_prefix("rsv_").unwrap();
    let event = serde_json::json!({
        "specVersion": "1.0", "id": format!("evt_{ulid}"), "subject": "melmastoon.reservation.booking.confirmed.v1",
        "type": "melmastoon.reservation.booking.confirmed.v1", "source": "/services/reservation-service",
        "time": "2026-05-14T09:00:00Z", "tenantId": "tnt_01JV5X3K9M7QZ2R8T4W6Y0A1B2",
        "data": {
            "reservationId": guest, "propertyId": "ppt_01JV5X3K9M7QZ2R8T4W6Y0A1B4", "guestId": format!("gst_{ulid}"),
            "rooms": [format!("rmu_01JV5X3K9M7QZ2R8T4W6Y{room}")],
            "validFrom": "2020-01-01T00:00:00Z", "validUntil": "2090-01-01T00:00:00Z", "version": 1,
        },
    });
    event.to_string()
}
